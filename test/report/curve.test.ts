import { describe, expect, it } from 'vitest'
import { type CurveOptions, curveLines } from '../../src/report/curve.js'

const options: CurveOptions = {
  title: 'p95',
  xLabel: 'replicas',
  formatY: (y) => y.toFixed(1),
  xTicks: [0, 1, 2].map((x) => ({ x, label: String(x) })),
  columns: 40,
  rows: 5,
  ascii: true,
}

const line = (ys: readonly (number | null)[], halfWidth?: number) => [
  { mark: 'a', points: ys.map((y, x) => ({ x, y, halfWidth })) },
]

describe('a curve in a terminal', () => {
  it('rises from its lowest point at the left to its highest at the right, between labelled axes', () => {
    expect(curveLines(line([0, 1, 2]), options)).toEqual([
      'p95',
      '1.8 |                            ******o',
      '    |                     ********',
      '1.0 |              ***o***',
      '    |      ********',
      '0.2 |o******',
      '    +-----------------------------------',
      '     0                1                2',
      '                  replicas',
    ])
  })

  it('never exceeds its width, and needs nothing beyond ASCII where that is asked for', () => {
    for (const columns of [30, 40, 80, 200])
      for (const ascii of [true, false]) {
        const lines = curveLines(line([3, 1, 2], 0.7), { ...options, columns, ascii })
        for (const text of lines) expect([...text].length).toBeLessThanOrEqual(columns)
        if (ascii) expect(lines.join('')).toMatch(/^[ -~]*$/)
        else expect(lines.join('')).toMatch(/[\u2800-\u28ff]/)
      }
  })

  it('shades the interval around its line, as wide as it is', () => {
    const shaded = (halfWidth: number): number =>
      curveLines(line([2, 2, 2], halfWidth), options)
        .join('')
        .split(':').length - 1
    expect(shaded(1)).toBeGreaterThan(2 * 30)
    expect(shaded(0.01)).toBe(0)
  })

  it('has a gap where a point has no value', () => {
    const rows = curveLines(line([1, null, 1]), options).slice(1, 6)
    expect(rows.join('')).toContain('o')
    expect(rows.join('')).not.toContain('*')
  })

  it('tells several lines apart by their marks', () => {
    const two = [
      { mark: 'a', points: [0, 1].map((x) => ({ x, y: 1 })) },
      { mark: 'b', points: [0, 1].map((x) => ({ x, y: 2 })) },
    ]
    const rows = curveLines(two, options)
    expect(rows.find((row) => row.includes('b'))?.match(/b/g)).toHaveLength(2)
    expect(rows.find((row) => row.includes('a'))?.match(/a/g)).toHaveLength(2)
    expect(rows.findIndex((row) => row.includes('b'))).toBeLessThan(rows.findIndex((row) => row.includes('|a')))
  })

  it('draws what spans decades by its logarithm, and says so', () => {
    const lines = curveLines(line([1, 10, 100]), options)
    expect(lines[0]).toBe('p95, logarithmic')
    // A straight line: the middle point lies in the middle row.
    expect(lines[3]).toContain('o')
    expect(lines[3]?.indexOf('o')).toBeGreaterThan(15)
  })

  it('says so where there is nothing to draw, and draws a line where nothing varies', () => {
    expect(curveLines(line([null, null]), options)).toEqual(['p95: nothing to draw'])
    expect(curveLines(line([0, 0, 0]), options).some((row) => row.includes('o'))).toBe(true)
  })

  it('keeps the labels of its ends where not all of them have room', () => {
    const xTicks = Array.from({ length: 30 }, (_, x) => ({ x, label: `${x * 100}/s` }))
    const points = xTicks.map(({ x }) => ({ x, y: x }))
    const ticks = curveLines([{ mark: 'a', points }], { ...options, xTicks }).at(-2) ?? ''
    expect(ticks.trim()).toMatch(/^0\/s .* 2900\/s$/)
    expect(ticks).not.toMatch(/\/s\d/)
  })
})

import { describe, expect, test } from 'vitest'
import { type ChartOptions, chartLines, timeLabel } from '../../src/tui/chart.js'
import { scaleOf } from '../../src/tui/scale.js'
import { ascii } from '../../src/tui/style.js'
import { style } from './support.js'

const samples = (values: readonly (number | null)[]) => values.map((value, i) => ({ from: i, to: i + 1, value }))

const chart = (changes: Partial<ChartOptions>): readonly string[] =>
  chartLines({
    title: 'rate',
    measured: [],
    predicted: [],
    fold: 'mean',
    from: 0,
    to: 12,
    format: (value) => `${value}/s`,
    marks: [],
    tone: 'good',
    width: 21,
    height: 5,
    style,
    ...changes,
  })

describe('a chart', () => {
  test('fills what was measured and dashes what was predicted, over the whole time of the run', () => {
    expect(chart({ measured: samples([0, 5, 10, 5]), predicted: samples(Array(12).fill(10)) })).toEqual([
      'rate',
      '    10/s┤¯ ¯ ¯ ¯ ¯ ¯ ',
      '        │ ▄█▄        ',
      '     0/s┤▁███        ',
      '        └0 s ─── 12 s',
    ])
  })

  test('shows the dashes of a prediction also where more was measured than predicted', () => {
    const [, , middle] = chart({ measured: samples(Array(12).fill(10)), predicted: samples(Array(12).fill(5)) })
    expect(middle).toBe('        │─█─█─█─█─█─█')
  })

  test('leaves a gap where nothing is known, which a zero is not', () => {
    const bottom = chart({ measured: samples([10, null, 0, 10]) })[3]
    expect(bottom).toBe('     0/s┤█ ▁█        ')
  })

  test('folds seconds that share a column: to their mean, or to the worst', () => {
    const measured = samples(Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 10 : 2)))
    expect(chart({ measured, to: 24, fold: 'max' })[1]).toContain('████████████')
    expect(chart({ measured, to: 24, fold: 'mean' })[1]).not.toContain('█')
  })

  test('marks on its axis when a fault is injected and undone', () => {
    const lines = chart({
      to: 100,
      width: 39,
      marks: [
        { at: 40, isUndone: false },
        { at: 60, isUndone: true },
      ],
    })
    expect(lines[4]).toBe('        └0 s ────────▲─────△───── 100 s')
    expect(lines[1]?.indexOf('┊')).toBe(lines[4]?.indexOf('▲'))
  })

  test('is drawn in ASCII where a terminal has nothing else', () => {
    const lines = chart({
      measured: samples([0, 5, 10]),
      predicted: samples(Array(12).fill(10)),
      style: { ...style, glyphs: ascii },
    })
    expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/)
    expect(lines[2]).toBe('        | ##         '.replace(' ##', ' :#'))
  })

  test('is a title alone where there is no room for more', () => {
    expect(chart({ height: 3 })).toEqual(['rate'])
    expect(chart({ width: 12, title: 'a long title' })).toEqual(['a long title'])
  })
})

describe('the scale of a chart', () => {
  test('ends at a round number at or above what there is, so that it changes seldom', () => {
    expect(scaleOf([3, 187], undefined, false).value(1)).toBe(200)
    expect(scaleOf([3, 200], undefined, false).value(1)).toBe(200)
    expect(scaleOf([0.021], undefined, false).value(1)).toBeCloseTo(0.025)
    expect(scaleOf([0.2], 1, false).value(1)).toBe(1)
    expect(scaleOf([], undefined, false).value(1)).toBe(1)
  })

  test('is logarithmic where it may be and values span a factor of fifty', () => {
    const scale = scaleOf([0.002, 2], undefined, true)
    expect(scale.isLogarithmic).toBe(true)
    expect(scale.share(0.002)).toBeCloseTo(0)
    expect(scale.share(Math.sqrt(0.002 * 2))).toBeCloseTo(0.5)
    expect(scaleOf([0.05, 2], undefined, true).isLogarithmic).toBe(false)
  })
})

test('times are told in the largest unit that they need', () => {
  expect([5, 119.9, 750, 7325].map(timeLabel)).toEqual(['5 s', '119 s', '12:30', '2:02:05'])
})

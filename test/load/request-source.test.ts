import { describe, expect, it } from 'vitest'
import { jsonOfBytes, requestSource } from '../../src/load/request-source.js'
import type { WorkerPlan } from '../../src/load/worker-plan.js'
import { classPlan, openLoad, planFor } from './support.js'

const plan: WorkerPlan = planFor(8080, openLoad(1, 1, 'constant'), {
  seed: 5,
  data: {
    product: { keys: 100, popularity: { law: 'zipf', exponent: 1 } },
    user: { keys: 10, popularity: { law: 'uniform' } },
  },
  classes: [
    classPlan({ id: 'view', share: 0.7, path: ['/products/', 'product', ''] }),
    classPlan({ id: 'compare', share: 0.2, path: ['/u/', 'user', '/', 'product', '/and/', 'product', ''] }),
    classPlan({ id: 'buy', share: 0.1, method: 'POST', path: ['/orders'], bodyBytes: 64 }),
  ],
})

const draw = (from: WorkerPlan, n: number) => {
  const next = requestSource(from, 'run-')
  return Array.from({ length: n }, () => next())
}

describe('the sequence of requests', () => {
  it('is the same for the same seed and another for another', () => {
    const first = draw(plan, 500)
    expect(draw(plan, 500)).toEqual(first)
    expect(draw({ ...plan, seed: 6 }, 500)).not.toEqual(first)
  })

  it('has the mix, and keys by their popularity', () => {
    const n = 20_000
    const requests = draw(plan, n)
    const shares = [0, 1, 2].map((cls) => requests.filter((request) => request.cls === cls).length / n)
    expect(shares[0]).toBeCloseTo(0.7, 1.5)
    expect(shares[1]).toBeCloseTo(0.2, 1.5)
    const views = requests.filter(({ cls }) => cls === 0).map(({ wire }) => Number(/products\/(\d+) /.exec(wire)?.[1]))
    // Zipf 1 over 100 keys: the first has 1/H₁₀₀ = 0.1928 of the requests, the second half of that.
    const shareOf = (key: number): number => views.filter((view) => view === key).length / views.length
    expect(shareOf(0)).toBeCloseTo(0.1928, 1.5)
    expect(shareOf(1)).toBeCloseTo(0.0964, 1.5)
    expect([Math.min(...views), Math.max(...views) < 100]).toEqual([0, true])
  })

  it('has the classes that a trace recorded, in their order', () => {
    const recorded = draw({ ...plan, classOf: Uint16Array.of(2, 0, 0, 1) }, 4)
    expect(recorded.map(({ cls }) => cls)).toEqual([2, 0, 0, 1])
    expect(recorded[0]?.wire).toMatch(/^POST /)
  })

  it('fills one key into every place of one data set', () => {
    const comparisons = draw(plan, 500).filter(({ cls }) => cls === 1)
    for (const { wire } of comparisons) expect(wire).toMatch(/^GET \/u\/\d\/(\d+)\/and\/\1 HTTP\/1\.1\r\n/)
    expect(comparisons.length).toBeGreaterThan(50)
  })

  it('gives each request an id of its own', () => {
    const ids = draw(plan, 2000).map(({ wire }) => /x-request-id: (\S+)\r\n/.exec(wire)?.[1])
    expect(new Set(ids).size).toBe(2000)
    expect(ids[0]).toBe('run-0')
  })

  it('sends bodies of the size that was declared, as JSON', () => {
    const wire = draw(plan, 200).find(({ cls }) => cls === 2)?.wire ?? ''
    const [head = '', body = ''] = wire.split('\r\n\r\n')
    expect(head).toMatch(/^POST \/orders HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8080\r\n/)
    expect(head).toContain('content-length: 64\r\n')
    expect(body).toHaveLength(64)
    expect(JSON.parse(body)).toEqual({ padding: 'x'.repeat(50) })
    for (let bytes = 1; bytes < 40; bytes++) {
      expect(jsonOfBytes(bytes)).toHaveLength(bytes)
      expect(() => JSON.parse(jsonOfBytes(bytes))).not.toThrow()
    }
  })
})

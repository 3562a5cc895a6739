/** Intervals from uncertain numbers, where they follow from the triangular distribution by hand. */
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { randomStream } from '../../src/lib/random.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { drawsOf, triangular } from '../../src/plan/uncertainty/triangular.js'
import type { Uncertainty } from '../../src/plan/uncertainty/types.js'
import { intervalOf, uncertaintyOf } from '../../src/plan/uncertainty/uncertainty.js'
import { paintFor } from '../../src/report/paint.js'
import { renderPlan } from '../../src/report/plan.js'
import { parseTopology } from '../../src/topology/parse.js'

const text = ({ price = '0.10/h', compute = '2ms', rate = '100/s', slo = '' }) => `apiVersion: plimsoll/v1
kind: Topology
name: small
hosts: { box: { cpu: 1, price: ${price} } }
components: { app: { engine: service, host: box } }
requests:
  r: { share: 100%, serve: app, route: GET /, bytes: { in: 0B, out: 0B }, flow: [{ compute: ${compute} }]${slo} }
traffic: { rate: ${rate} }
policy: { headroom: 25% }
`

const planned = (over: Parameters<typeof text>[0], samples = 400, seed = 1) => {
  const parse = (settings: Parameters<typeof parseTopology>[1]['settings'] = []) =>
    parseTopology(text(over), { file: 't.yaml', registry: engineRegistry, settings })
  const topology = parse()
  const plan = capacityPlan(topology)
  const uncertainty = uncertaintyOf({
    topology,
    plan,
    seed,
    samples,
    parse: (settings) => {
      try {
        return parse(settings)
      } catch (error) {
        if (error instanceof PlimsollError) return undefined
        throw error
      }
    },
  })
  return { plan, uncertainty }
}

const uncertain = (...args: Parameters<typeof planned>): Uncertainty => {
  const { uncertainty } = planned(...args)
  if (uncertainty === null) throw new Error('nothing is uncertain')
  return uncertainty
}

describe('the triangular distribution', () => {
  it('reaches from low to high, with the share below its mode that the triangle has there', () => {
    expect(triangular(0, 1, 2, 4)).toBe(1)
    expect(triangular(1 / 3, 1, 2, 4)).toBeCloseTo(2, 12)
    expect(triangular(1, 1, 2, 4)).toBe(4)
    expect(triangular(0.7, 3, 3, 3)).toBe(3)
  })

  it('has the mean (low + mode + high)/3', () => {
    const stream = randomStream(1, 'test')
    const draws = Array.from({ length: 20_000 }, () => triangular(stream.uniform(), 1, 2, 9))
    // σ = √((1 + 4 + 81 − 2 − 9 − 18)/18) ≈ 1.78: four standard errors are 0.05.
    expect(Math.abs(draws.reduce((sum, value) => sum + value, 0) / draws.length - 4)).toBeLessThan(0.05)
  })

  it('draws are written in the unit of the file, counts as whole numbers', () => {
    const number = (low: string, mid: string, high: string, values: readonly number[], isWhole = false) => {
      const [a = 0, b = 0, c = 0] = values
      return drawsOf(
        {
          path: 'p',
          isWhole,
          low: { text: low, value: a },
          mid: { text: mid, value: b },
          high: { text: high, value: c },
        },
        1,
      ).next()
    }
    const ms = number('0s', '2ms', '4ms', [0, 0.002, 0.004])
    expect(ms).toMatch(/^\d+\.\d+ms$/)
    expect(Number.parseFloat(ms)).toBeGreaterThan(0)
    expect(Number.parseFloat(ms)).toBeLessThan(4)
    expect(number('70%', '80 %', '90 %', [0.7, 0.8, 0.9])).toMatch(/^[78]\d\.\d+ %$/)
    expect(number('1', '5', '9', [1, 5, 9], true)).toMatch(/^\d$/)
    expect(number('0ms', '0ms', '0ms', [0, 0, 0])).toBe('0ms')
  })
})

describe('known answers', () => {
  it('cost is linear in a price: its percentiles are those of the price times 730 hours', () => {
    const { costPerMonth, maxThroughputPerSecond } = uncertain({ price: '{ low: 0.1/h, mid: 0.2/h, high: 0.4/h }' })
    expect(costPerMonth.mid).toBeCloseTo(146, 9)
    // 400 samples: four standard errors of each quantile are below 5 %.
    for (const [name, p] of [
      ['p5', 0.05],
      ['p50', 0.5],
      ['p95', 0.95],
    ] as const)
      expect((costPerMonth[name] ?? 0) / (730 * triangular(p, 0.1, 0.2, 0.4))).toBeCloseTo(1, 1)
    expect(maxThroughputPerSecond).toEqual({ mid: 500, p5: 500, p50: 500, p95: 500 })
  })

  it('one core carries 1/S; the share in which headroom suffices is that of S below its bound', () => {
    const { maxThroughputPerSecond, headroomSuffices, bottlenecks } = uncertain({
      compute: '{ low: 1ms, mid: 5ms, high: 9ms }',
      rate: '100/s',
    })
    expect((maxThroughputPerSecond.p5 ?? 0) * triangular(0.95, 0.001, 0.005, 0.009)).toBeCloseTo(1, 1)
    expect((maxThroughputPerSecond.p95 ?? 0) * triangular(0.05, 0.001, 0.005, 0.009)).toBeCloseTo(1, 1)
    // 25 % are free as long as S ≤ 7.5 ms: 1 − 1.5²/(8 · 4) = 0.93; four standard errors are 0.05.
    expect(Math.abs((headroomSuffices ?? 0) - 0.9297)).toBeLessThan(0.05)
    expect(bottlenecks.map(({ share }) => share)).toEqual([1])
  })

  it('an objective holds in the share of samples whose mean, S/(1 − λS), is within it', () => {
    const { objectives } = uncertain({
      compute: '{ low: 1ms, mid: 5ms, high: 9ms }',
      rate: '100/s',
      slo: ', slo: { mean: 10ms }',
    })
    // S ≤ 5 ms: half of them; four standard errors are 0.1.
    expect(Math.abs((objectives[0]?.holds ?? 0) - 0.5)).toBeLessThan(0.1)
  })
})

describe('seeds', () => {
  const compute = '{ low: 1ms, mid: 5ms, high: 9ms }'
  it('the same give the same, others do not', () => {
    expect(uncertain({ compute }, 50, 7)).toEqual(uncertain({ compute }, 50, 7))
    expect(uncertain({ compute }, 50, 7).maxThroughputPerSecond).not.toEqual(
      uncertain({ compute }, 50, 8).maxThroughputPerSecond,
    )
  })

  it('another uncertain number leaves the draws of the first as they are', () => {
    expect(uncertain({ compute, price: '{ low: 0.1/h, mid: 0.2/h, high: 0.4/h }' }, 50).maxThroughputPerSecond).toEqual(
      uncertain({ compute }, 50).maxThroughputPerSecond,
    )
  })
})

it('samples that contradict themselves are counted, not planned', () => {
  const { samples, refused } = uncertain({ compute: '{ p50: { low: 1ms, mid: 2ms, high: 9ms }, p99: 4ms }' }, 100)
  expect(samples + refused).toBe(100)
  // P(p50 > 4 ms) = 25/(8 · 7) = 0.45.
  expect(refused).toBeGreaterThan(25)
  expect(refused).toBeLessThan(65)
})

it('nothing uncertain has no intervals, and says nothing of them', () => {
  const { plan, uncertainty } = planned({})
  expect(uncertainty).toBeNull()
  expect(plan.uncertainty).toBeNull()
})

it('what has no bound is more than anything', () => {
  expect(intervalOf(null, [3, null, 1, 2])).toEqual({ mid: null, p5: 1.15, p50: 2.5, p95: null })
})

it('the section of the report fits 80 columns', () => {
  const { plan, uncertainty } = planned(
    { compute: '{ low: 1ms, mid: 5ms, high: 12ms }', slo: ', slo: { p95: 80ms, p99: 200ms }' },
    50,
  )
  const report = renderPlan({ ...plan, uncertainty }, { columns: 80, paint: paintFor(false), headroom: 0.25 })
  const section = report.slice(report.indexOf('Uncertain\n'))
  expect(section).toMatch(/requests\.r\.flow\.0\.compute +1ms +5ms +12ms/)
  expect(section).toMatch(/p95 ≤ 80\.0 ms .* \d+ %/)
  expect(section).toMatch(/exhausted first: \S+ 100 %/)
  expect(Math.max(...section.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80)
})

import { describe, expect, it } from 'vitest'
import { randomStream } from '../../../src/lib/random.js'
import { LatencyHistogram } from '../../../src/result/histogram.js'
import { withBatchMeans } from '../../../src/result/statistics/batch-means.js'
import {
  halfWidthOf,
  inBatches,
  independentSamples,
  quantileHalfWidth,
  spreadOf,
  standingCorrelation,
} from '../../../src/result/statistics/batches.js'
import { LatencySnapshots } from '../../../src/result/statistics/latency-snapshots.js'
import { queue, responseDeviation } from './support.js'

const of = (...values: number[]): Float64Array => Float64Array.from(values)

describe('a quotient over batches', () => {
  it('with equal denominators is a mean with Student’s interval', () => {
    // Mean 3, variance 2.5, n = 5: 2.776 · √(2.5/5).
    const spread = spreadOf({ over: of(1, 2, 3, 4, 5), under: of(1, 1, 1, 1, 1) }, false)
    expect(spread?.freedom).toBe(4)
    expect(spread === null ? 0 : halfWidthOf(spread)).toBeCloseTo(2.776445 * Math.sqrt(0.5), 5)
  })

  it('does not vary where numerators follow denominators, however these vary', () => {
    expect(spreadOf({ over: of(2, 20, 6), under: of(1, 10, 3) }, false)?.standardError).toBe(0)
  })

  it('counts only batches in which there is something', () => {
    // Two values, 1 and 3: 12.706 · √(2/2).
    const spread = spreadOf({ over: of(0, 1, 0, 0, 3, 0), under: of(0, 1, 0, 0, 1, 0) }, false)
    expect(spread?.freedom).toBe(1)
    expect(spread?.standardError).toBeCloseTo(1, 12)
    expect(spreadOf({ over: of(0, 1, 0), under: of(0, 1, 0) }, false)).toBeNull()
  })

  it('says nothing of one batch, or of nothing', () => {
    expect(spreadOf({ over: of(1), under: of(1) }, false)).toBeNull()
    expect(spreadOf({ over: of(0, 0), under: of(0, 0) }, false)).toBeNull()
  })

  it('is widened where batches of one run still correlate, and only then', () => {
    const rising = { over: of(...Array.from({ length: 20 }, (_, i) => i)), under: new Float64Array(20).fill(1) }
    const alternating = { ...rising, over: rising.over.map((_, i) => i % 2) }
    const ratio = (quotient: typeof rising): number =>
      (spreadOf(quotient, true)?.standardError ?? 0) / (spreadOf(quotient, false)?.standardError ?? 1)
    expect(standingCorrelation(rising)).toBeGreaterThan(0.8)
    // Never by more than correlation 0.8 asks for: √(1.8/0.2).
    expect(ratio(rising)).toBeCloseTo(3, 9)
    expect(standingCorrelation(alternating)).toBe(0)
    expect(ratio(alternating)).toBe(1)
  })

  it('false alarms of correlation among independent batches come in four of ten cases', () => {
    const stream = randomStream(1, 'independent')
    let alarms = 0
    for (let trial = 0; trial < 2000; trial++) {
      const over = Float64Array.from({ length: 60 }, () => stream.normal())
      if (standingCorrelation({ over, under: new Float64Array(60).fill(1) }) > 0) alarms++
    }
    // The upper tail of the normal distribution from ¼: 0.4013.
    expect(Math.abs(alarms / 2000 - 0.4013)).toBeLessThan(0.03)
  })

  it('batches take from the end: what is left over is nearest to the warm-up', () => {
    expect([...inBatches(of(9, 1, 2, 3, 4), 2)]).toEqual([3, 7])
    expect([...inBatches(of(1, 2, 3, 4), 2)]).toEqual([3, 7])
  })
})

describe('a quantile', () => {
  const uniform = new LatencyHistogram()
  for (let i = 1; i <= 10_000; i++) uniform.record(i / 10_000)

  it('is as uncertain as the share below it, by the distribution around it', () => {
    expect(quantileHalfWidth(uniform, 0.5, 0.1, 10_000)).toBeCloseTo(0.1, 2)
    expect(quantileHalfWidth(uniform, 0.95, 0.02, 10_000)).toBeCloseTo(0.02, 2)
  })

  it('near the largest sample is at most twice as uncertain as on its lower side', () => {
    expect(quantileHalfWidth(uniform, 0.95, 0.06, 10_000)).toBeCloseTo(0.12, 2)
  })

  it('is not told from fewer than five independent samples beyond it', () => {
    expect(quantileHalfWidth(uniform, 0.99, 0.01, 499)).toBeNull()
    expect(quantileHalfWidth(uniform, 0.99, 0.001, 501)).not.toBeNull()
    expect(quantileHalfWidth(uniform, 0.01, 0.01, 499)).toBeNull()
  })

  it('samples are worth as many independent ones as would give their standard error', () => {
    // Variance 1/12.
    const worth = independentSamples(uniform, { standardError: 0.01, freedom: 10 })
    expect(worth / (1 / 12 / 0.0001)).toBeCloseTo(1, 2)
    expect(independentSamples(uniform, { standardError: 0, freedom: 10 })).toBe(10_000)
  })
})

describe('snapshots of a growing histogram', () => {
  it('give the counts, the sums and the shares of each interval', () => {
    const histogram = new LatencyHistogram()
    const snapshots = LatencySnapshots.empty(1)
    const stream = randomStream(2, 'latency')
    const counts = [0, 0, 0]
    for (let interval = 0; interval < 3; interval++) {
      for (let i = 0; i < 1000 * (interval + 1); i++) {
        const value = stream.exponential() * 0.1
        if (value <= 0.2) counts[interval] = (counts[interval] ?? 0) + 1
        histogram.record(value)
      }
      snapshots.take(histogram)
    }
    const { count, sumSeconds, atMost } = snapshots.intervals(histogram)
    expect([...count]).toEqual([0, 1000, 2000, 3000])
    expect(sumSeconds.reduce((a, b) => a + b)).toBeCloseTo(histogram.sumSeconds, 9)
    const [below] = atMost([0.2])
    // Within a bin of 1.6 % the samples of an interval are taken to lie as all do.
    for (const [i, expected] of counts.entries()) expect(Math.abs((below?.[i + 1] ?? 0) - expected)).toBeLessThan(6)
    expect(below?.reduce((a, b) => a + b)).toBe(histogram.countAtMost(0.2))
  })

  it('of several histograms add up', () => {
    const [a, b, both] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()]
    const [ofA, ofB, ofBoth] = [LatencySnapshots.empty(), LatencySnapshots.empty(), LatencySnapshots.empty()]
    for (let interval = 0; interval < 3; interval++) {
      if (interval > 0) for (const h of [a, both]) h.record(0.001 * interval)
      for (const h of [b, both]) h.record(10 * interval)
      ofA.take(a)
      ofB.take(b)
      ofBoth.take(both)
    }
    const sum = LatencySnapshots.sum([ofA, ofB]).intervals(both)
    const whole = ofBoth.intervals(both)
    expect(sum.count).toEqual(whole.count)
    expect(sum.atMost([0.001, 5, 20])).toEqual(whole.atMost([0.001, 5, 20]))
  })
})

describe('batch means of an M/M/1 queue', () => {
  it('use fewer batches where these correlate, at least 20', () => {
    // 2000 customers at ρ = 0.9 are hardly more than one long busy period.
    const counts = Array.from({ length: 40 }, (_, seed) => {
      const { result, series } = queue(0.9, 2000, seed)
      return withBatchMeans(result, series).statistics?.count
    })
    expect(counts.filter((count) => count === 20).length).toBeGreaterThan(20)
    expect(counts.every((count) => count === 20 || count === 30)).toBe(true)
  })

  it('half-widths are near the asymptotic ones, and of the mean of a longer run smaller by the root', () => {
    const mean = (customers: number): number => {
      let sum = 0
      for (let seed = 0; seed < 40; seed++) {
        const { result, series } = queue(0.5, customers, seed)
        sum += withBatchMeans(result, series).requests.all?.halfWidth?.['latency.mean'] ?? Number.NaN
      }
      return sum / 40
    }
    const asymptotic = (1.96 * responseDeviation(0.5)) / Math.sqrt(20_000)
    expect(mean(20_000) / asymptotic).toBeGreaterThan(0.98)
    expect(mean(20_000) / asymptotic).toBeLessThan(1.25)
    expect(mean(5000) / mean(20_000)).toBeCloseTo(2, 0)
  })

  it('are told for what can be told: not for errors where there were none, nor for percentiles beyond the samples', () => {
    const { result, series } = queue(0.5, 1000, 1)
    const { halfWidth } = withBatchMeans(result, series).requests.all ?? {}
    expect(Object.keys(halfWidth ?? {})).toEqual([
      'ratePerSecond',
      'latency.mean',
      'latency.p50',
      'latency.p90',
      'latency.p95',
    ])
  })

  it('are not told of a handful of intervals', () => {
    const { result, series } = queue(0.5, 1000, 1)
    const short = { ...series, count: 19 }
    expect(withBatchMeans(result, short).statistics).toMatchObject({
      method: 'none',
      count: 0,
      why: 'the run has 19 intervals, too few for batch means',
    })
  })
})

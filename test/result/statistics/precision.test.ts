import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../src/result/run-result.js'
import { withBatchMeans } from '../../../src/result/statistics/batch-means.js'
import { preciseEnough, reachedPrecision, withPrecision } from '../../../src/result/statistics/precision.js'
import { mergeReplications } from '../../../src/result/statistics/replications.js'
import { classResult, latency, runResult } from '../../support/run-result.js'
import { queue } from './support.js'

const known = (mean: number, p95: number | undefined, count = 30): RunResult =>
  runResult({
    requests: {
      all: classResult({
        latency: { ...latency(0.1), mean: 0.2, p95: 0.5 },
        halfWidth: { 'latency.mean': mean, ...(p95 === undefined ? {} : { 'latency.p95': p95 }) },
      }),
    },
    statistics: { method: 'batch-means', count, confidence: 0.95, warmup: null },
  })

describe('precision', () => {
  it('is the wider relative half-width of mean and p95 of all', () => {
    expect(reachedPrecision(known(0.002, 0.02))).toBeCloseTo(0.04, 12)
    expect(reachedPrecision(known(0.02, 0.005))).toBeCloseTo(0.1, 12)
    expect(reachedPrecision(known(0.002, undefined))).toBeNull()
    expect(reachedPrecision(runResult({ requests: {} }))).toBeNull()
  })

  it('is enough below γ/(1 + γ), from 30 batches on', () => {
    expect(preciseEnough([known(0.002, 0.0245)], 0.05)).toBe(false)
    expect(preciseEnough([known(0.002, 0.0235)], 0.05)).toBe(true)
    expect(preciseEnough([known(0.002, 0.0235, 20)], 0.05)).toBe(false)
  })

  it('is never enough for fewer than ten replications without batches', () => {
    const results = Array.from({ length: 10 }, (_, seed) => queue(0.3, 50_000, seed).result)
    expect(preciseEnough(results.slice(0, 9), 0.5)).toBe(false)
    expect(preciseEnough(results, 0.5)).toBe(true)
  })

  it('stops where the true mean is known as exactly as was wanted, in 95 % of cases or more', () => {
    let [hits, used] = [0, 0]
    const trials = 60
    for (let trial = 0; trial < trials; trial++) {
      const results: RunResult[] = []
      while (results.length < 100 && !preciseEnough(results, 0.1)) {
        const { result, series } = queue(0.5, 2000, 1000 * trial + results.length)
        results.push(withBatchMeans(result, series))
      }
      const mean = mergeReplications(results).requests.all?.latency?.mean ?? 0
      if (Math.abs(mean - 2) <= 0.1 * 2) hits++
      used += results.length
    }
    expect(hits / trials).toBeGreaterThanOrEqual(0.9)
    // σ = 6/√n: 10 % of 2 for the mean alone takes 3458 customers, for p95 about six times as many.
    expect(used / trials).toBeGreaterThan(2)
    expect(used / trials).toBeLessThan(20)
  })

  it('that is not reached is said, with what was', () => {
    expect(withPrecision(known(0.002, 0.04), 0.02).statistics).toMatchObject({
      precision: { wanted: 0.02, reached: 0.08 },
      why: 'precision 2 % was not reached with 1 replication: mean and 95th percentile are known to 8 %; run longer, or allow more',
    })
    expect(withPrecision(known(0.0002, 0.004), 0.02).statistics).not.toHaveProperty('why')
    expect(withPrecision(known(0.002, undefined), 0.02).statistics?.why).toContain('too few requests')
  })
})

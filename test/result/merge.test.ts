import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../src/result/histogram.js'
import {
  counterDifference,
  mergeHistograms,
  type StepCounters,
  stepDifference,
  sumSteps,
} from '../../src/result/merge.js'

const of = (...milliseconds: number[]): string => {
  const histogram = new LatencyHistogram()
  for (const value of milliseconds) histogram.record(value / 1e3)
  return histogram.encode()
}
const step = (count: number, cpuSeconds: number, ...milliseconds: number[]): StepCounters => ({
  count,
  errors: 0,
  cpuSeconds,
  histogram: of(...milliseconds),
})

describe('merging', () => {
  it('takes percentiles of the merged histogram, not averages of percentiles', () => {
    const quick = of(...Array.from({ length: 99 }, () => 1))
    const slow = of(2, 2, 2)
    const merged = mergeHistograms([quick, slow])
    expect(merged.count).toBe(102)
    expect(merged.quantile(0.95)).toBe(0.001)
    expect(merged.quantile(0.98)).toBe(0.002)
  })

  it('the difference of two samples is what happened between them', () => {
    const difference = stepDifference(step(3, 0.3, 1, 1, 2), step(1, 0.1, 1))
    expect(difference.count).toBe(2)
    expect(difference.cpuSeconds).toBeCloseTo(0.2, 12)
    expect(difference.histogram).toBe(of(1, 2))
  })

  it('an instance that was started again counts from zero', () => {
    expect(stepDifference(step(2, 0.2, 1, 2), step(5, 0.5, 1, 1, 1, 1, 1))).toEqual(step(2, 0.2, 1, 2))
    expect(counterDifference(4, 9)).toBe(4)
    expect(counterDifference(9, 4)).toBe(5)
    expect(counterDifference(9, undefined)).toBe(9)
  })

  it('adds the same step of several instances', () => {
    const sum = sumSteps([step(1, 0.1, 1), step(2, 0.3, 2, 2)])
    expect(sum.count).toBe(3)
    expect(sum.cpuSeconds).toBeCloseTo(0.4, 12)
    expect(sum.latency?.p50).toBe(0.002)
    expect(sumSteps([]).latency).toBeNull()
  })
})

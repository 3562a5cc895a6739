import { describe, expect, it } from 'vitest'
import { studentT } from '../../../src/lib/student-t.js'
import { emptyHistogram, LatencyHistogram } from '../../../src/result/histogram.js'
import { parseRunResult } from '../../../src/result/parse.js'
import type { Judgement, RunResult } from '../../../src/result/run-result.js'
import { withBatchMeans } from '../../../src/result/statistics/batch-means.js'
import { mergeNumbers } from '../../../src/result/statistics/merge-numbers.js'
import { median, medianHalfWidth } from '../../../src/result/statistics/order.js'
import { mergeReplications } from '../../../src/result/statistics/replications.js'
import { classResult, componentResult, faultResult, latency, runResult } from '../../support/run-result.js'
import { queue } from './support.js'

const plain = (customers: number, seeds: number, rho = 0.5): RunResult[] =>
  Array.from({ length: seeds }, (_, seed) => queue(rho, customers, seed).result)

const judgement = (verdict: Judgement['verdict'], observed: number | null = 1): Judgement => ({
  name: 'all.errors < 1%',
  verdict,
  observed,
  bound: 0.01,
  ...(verdict === 'pass' ? {} : { why: `because ${observed}` }),
})

describe('replications as one result', () => {
  it('add counts and histograms, and take means of what is a mean', () => {
    const results = plain(2000, 12)
    const merged = mergeReplications(results)
    const all = results.map(({ requests }) => requests.all)
    const sum = (value: (of: NonNullable<(typeof all)[number]>) => number): number =>
      all.reduce((total, of) => total + (of === undefined ? 0 : value(of)), 0)
    expect(merged.replications).toBe(12)
    expect(merged.requests.all?.ok).toBe(sum(({ ok }) => ok))
    expect(merged.requests.all?.latency?.mean).toBeCloseTo(
      sum(({ ok, latency }) => ok * (latency?.mean ?? 0)) / sum(({ ok }) => ok),
      12,
    )
    expect(LatencyHistogram.decode(merged.requests.all?.histogram ?? '').count).toBe(sum(({ ok }) => ok))
    expect(merged.requests.all?.latency?.max).toBe(Math.max(...all.map((of) => of?.latency?.max ?? 0)))
    expect(merged.components.server?.utilization.cpu).toBeCloseTo(
      results.reduce((total, { components }) => total + (components.server?.utilization.cpu ?? 0), 0) / 12,
      12,
    )
  })

  it('have half-widths by Student’s t', () => {
    const results = plain(2000, 12)
    const { halfWidth } = mergeReplications(results).components.server ?? {}
    const values = results.map(({ components }) => components.server?.utilization.cpu ?? 0)
    const mean = values.reduce((a, b) => a + b) / 12
    const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / 11
    expect(halfWidth?.['utilization.cpu']).toBeCloseTo(studentT(11) * Math.sqrt(variance / 12), 12)
    expect(mergeReplications(results).statistics).toMatchObject({ method: 'replications', count: 12, confidence: 0.95 })
  })

  it('hold the true values in about 95 of 100 cases', () => {
    const trials = 300
    const truths = { mean: 2, p50: 2 * Math.log(2), p95: 2 * Math.log(20) }
    const inside = { mean: 0, p50: 0, p95: 0, utilization: 0 }
    for (let trial = 0; trial < trials; trial++) {
      const results = Array.from({ length: 10 }, (_, i) => queue(0.5, 2000, 10 * trial + i).result)
      const { requests, components } = mergeReplications(results)
      const { latency, halfWidth } = requests.all ?? {}
      for (const which of ['mean', 'p50', 'p95'] as const)
        if (Math.abs((latency?.[which] ?? 0) - truths[which]) <= (halfWidth?.[`latency.${which}`] ?? 0)) inside[which]++
      const { utilization, halfWidth: widths } = components.server ?? {}
      if (Math.abs((utilization?.cpu ?? 0) - 0.5) <= (widths?.['utilization.cpu'] ?? 0)) inside.utilization++
    }
    // 300 trials scatter by 1.3 %.
    for (const hits of Object.values(inside)) {
      expect(hits / trials).toBeGreaterThan(0.915)
      expect(hits / trials).toBeLessThan(0.985)
    }
  }, 60_000)

  it('are one replication where there is one', () => {
    const [only] = plain(500, 1)
    expect(mergeReplications(only === undefined ? [] : [only])).toBe(only)
  })

  it('depend on the order of the replications only in what is the first’s', () => {
    const results = plain(1000, 12)
    const [a, b] = [mergeReplications(results), mergeReplications([...results].reverse())]
    expect(b.requests.all?.histogram).toBe(a.requests.all?.histogram)
    expect(b.requests.all?.halfWidth?.['latency.p95']).toBeCloseTo(a.requests.all?.halfWidth?.['latency.p95'] ?? 0, 12)
  })

  it('fewer than ten that have batch means combine these: two are as exact as one that is twice as long', () => {
    const single = (customers: number, seed: number): RunResult => {
      const { result, series } = queue(0.5, customers, seed)
      return withBatchMeans(result, series)
    }
    let [pair, long] = [0, 0]
    for (let seed = 0; seed < 30; seed++) {
      const merged = mergeReplications([single(5000, 2 * seed), single(5000, 2 * seed + 1)])
      expect(merged.statistics?.method).toBe('batch-means')
      expect(merged.statistics?.count).toBeGreaterThanOrEqual(40)
      pair += merged.requests.all?.halfWidth?.['latency.mean'] ?? Number.NaN
      long += single(10_000, 1000 + seed).requests.all?.halfWidth?.['latency.mean'] ?? Number.NaN
    }
    expect(pair / long).toBeCloseTo(1, 0)
  })

  it('percentiles of too few samples have no half-width, whatever they are the mean of', () => {
    const results = Array.from({ length: 12 }, (_, i) => {
      const values = latency(0.01 + 0.001 * i)
      return runResult({
        requests: {
          all: classResult({ ok: 120, completed: 120, latency: null, serviceLatency: values, histogram: '' }),
        },
      })
    })
    const { halfWidth } = mergeReplications(results).requests.all ?? {}
    expect(Object.keys(halfWidth ?? {}).filter((path) => path.startsWith('serviceLatency'))).toEqual([
      'serviceLatency.mean',
      'serviceLatency.p50',
      'serviceLatency.p90',
      'serviceLatency.p95',
    ])
  })

  it('pass through the parser of results', () => {
    const merged = mergeReplications(plain(1000, 10))
    expect(parseRunResult(JSON.stringify(merged), 'result.json').statistics?.count).toBe(10)
  })

  it('verdicts over time: what held in most of them holds; invariants must hold in all', () => {
    const results = [judgement('pass', 1), judgement('pass', 2), judgement('fail', 9)].map((one) =>
      runResult({ steadyState: [one], invariants: [one] }),
    )
    const { steadyState, invariants } = mergeReplications(results)
    expect(steadyState).toEqual([{ ...judgement('pass'), observed: 2, why: 'held in 2 of 3 replications' }])
    expect(invariants).toEqual([{ ...judgement('fail'), observed: 2, why: 'held in 2 of 3 replications; because 9' }])
  })

  it('messages are counted, the lengths of queues averaged', () => {
    const none = { rejected: 0, blocked: 0, redelivered: 0, expired: 0, dropped: 0, nacked: 0, exhausted: 0, wiped: 0 }
    const tasks = (length: { mean: number; max: number }, published: number) => ({
      ...none,
      length,
      published,
      delivered: published,
      acked: published - 1,
      received: 3,
      deadLettered: 1,
      lost: 2,
    })
    const results = [tasks({ mean: 1, max: 9 }, 10), tasks({ mean: 3, max: 4 }, 20)].map((queue) =>
      runResult({ components: { broker: componentResult({ queues: { tasks: queue } }) } }),
    )
    const { queues, halfWidth } = mergeReplications(results).components.broker ?? {}
    expect(queues?.tasks).toEqual({
      ...none,
      length: { mean: 2, max: 9 },
      published: 30,
      delivered: 30,
      acked: 28,
      received: 6,
      deadLettered: 2,
      lost: 4,
    })
    expect(halfWidth?.['queues.tasks.length.mean']).toBeCloseTo(studentT(1), 9)
    expect(Object.keys(halfWidth ?? {}).filter((path) => path.startsWith('queues'))).toHaveLength(1)
  })

  it('completions are merged from their histograms, shares of what completed have half-widths', () => {
    const seconds = [
      [1, 2],
      [3, 3, 3],
    ]
    const results = seconds.map((each, i) => {
      const histogram = new LatencyHistogram()
      for (const value of each) histogram.record(value)
      return runResult({
        requests: {
          all: classResult({
            completed: 100,
            ok: 100,
            degraded: i,
            completion: histogram.latency(),
            completionHistogram: histogram.encode(),
            queueDelay: null,
            queueDelayHistogram: emptyHistogram(),
          }),
        },
      })
    })
    const all = mergeReplications(results).requests.all
    expect(all?.completion?.mean).toBeCloseTo(12 / 5, 12)
    expect(all?.completion?.p90).toBeCloseTo(3, 2)
    expect(LatencyHistogram.decode(all?.completionHistogram ?? '').count).toBe(5)
    expect(all?.queueDelay).toBeNull()
    expect(all?.halfWidth?.['completion.mean']).toBeGreaterThan(0)
    // 0 and 1 of 100: t(1) · 0.5 %.
    expect(all?.halfWidth?.degraded).toBeCloseTo(studentT(1) * 0.005, 9)
    expect(all?.halfWidth).not.toHaveProperty('errors')
  })

  it('instances are added by their names', () => {
    const instance = (id: string, visits: number) => ({ id, cpuSeconds: 1, visits, restarts: 1 })
    const results = [[instance('a/0', 5)], [instance('a/0', 7), instance('a/1', 2)]].map((instances) =>
      runResult({ components: { a: componentResult({ instances }) } }),
    )
    expect(mergeReplications(results).components.a?.instances).toEqual([
      { id: 'a/0', cpuSeconds: 2, visits: 12, restarts: 2 },
      instance('a/1', 2),
    ])
  })
})

describe('faults of several replications', () => {
  it('are told by medians, with half-widths of what followed', () => {
    const results = [3, 1, 2, 7, 5, 4, 6].map((recoverySeconds) =>
      runResult({ faults: [faultResult({ recoverySeconds, failedRequests: recoverySeconds })] }),
    )
    const [fault] = mergeReplications(results).faults
    expect(fault).toMatchObject({ kind: 'kill', recoverySeconds: 4, failedRequests: 4, injectedAt: 12 })
    // Of seven the smallest and the largest hold the median with 98.4 %.
    expect(fault?.halfWidth).toMatchObject({ recoverySeconds: 3, failedRequests: 3, detectionSeconds: 0 })
  })

  it('never recovering is later than any time', () => {
    const merged = (times: readonly (number | null)[]) =>
      mergeReplications(times.map((recoverySeconds) => runResult({ faults: [faultResult({ recoverySeconds })] })))
        .faults[0]
    expect(merged([1, 2, null])?.recoverySeconds).toBe(2)
    expect(merged([1, null, null])?.recoverySeconds).toBeNull()
  })
})

describe('medians', () => {
  it('of even and odd numbers of values, and with values that are missing', () => {
    expect(median([])).toBeNull()
    expect(median([3])).toBe(3)
    expect(median([4, 1])).toBe(2.5)
    expect(median([9, 1, 5])).toBe(5)
    expect(median([1, null])).toBeNull()
  })

  it('are held by order statistics with 95 % at least: of 6 the outermost, of 20 the 6th on both sides', () => {
    const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)
    expect(medianHalfWidth(upTo(5))).toBeNull()
    expect(medianHalfWidth(upTo(6))).toBe(2.5)
    // David, Order Statistics, table 7.1: n = 20, ranks 6 and 15.
    expect(medianHalfWidth(upTo(20))).toBe((15 - 6) / 2)
    expect(medianHalfWidth([1, 2, 3, 4, 5, null])).toBeNull()
  })
})

describe('numbers of documents of one shape', () => {
  it('counts are added, maxima kept, the rest averaged over where it is told', () => {
    const means: Record<string, readonly number[]> = {}
    const merged = mergeNumbers(
      [
        { errors: { '503': 1 }, latency: { mean: 1, max: 5 }, hitRatio: null, pools: { a: { inUse: 1, timeouts: 2 } } },
        { errors: { '502': 2, '503': 3 }, latency: null, hitRatio: 0.5, pools: { a: { inUse: 3, timeouts: 1 } } },
      ] as unknown[],
      (path, values) => {
        means[path] = values
      },
    )
    expect(merged).toEqual({
      errors: { '502': 2, '503': 4 },
      latency: { mean: 1, max: 5 },
      hitRatio: 0.5,
      pools: { a: { inUse: 2, timeouts: 3 } },
    })
    expect(means).toEqual({ 'latency.mean': [1], hitRatio: [0.5], 'pools.a.inUse': [1, 3] })
  })
})

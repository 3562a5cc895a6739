/** A bare M/M/1 queue by Lindley's recursion, cut into intervals as an engine does. */
import { type RandomStream, randomStream } from '../../../src/lib/random.js'
import { LatencyHistogram } from '../../../src/result/histogram.js'
import type { RunResult } from '../../../src/result/run-result.js'
import type { IntervalSeries } from '../../../src/result/statistics/interval-series.js'
import { LatencySnapshots } from '../../../src/result/statistics/latency-snapshots.js'
import { classResult, runResult } from '../../support/run-result.js'

export interface Queue {
  readonly result: RunResult
  readonly series: IntervalSeries
}

/** μ = 1/s, λ = ρ/s, about `customers` of them, begun empty. `utilization.cpu` of component `server` is the time busy. */
export const queue = (rho: number, customers: number, seed: number): Queue => {
  const arrivals = randomStream(seed, 'arrivals')
  const service = randomStream(seed, 'service')
  return play(rho, customers, arrivals, service)
}

const play = (rho: number, customers: number, arrivals: RandomStream, service: RandomStream): Queue => {
  const [intervals, perInterval] = [60, 8]
  const duration = customers / rho
  const length = duration / intervals
  const fine = { over: new Float64Array(intervals * perInterval), under: new Float64Array(intervals * perInterval) }
  const busy = new Float64Array(intervals)
  const histogram = new LatencyHistogram()
  const snapshots = LatencySnapshots.empty()
  let [at, free, taken, busySeconds, busyBefore] = [0, 0, 0, 0, 0]
  const takeUntil = (time: number): void => {
    for (; taken < intervals - 1 && time >= (taken + 1) * length; taken++) {
      snapshots.take(histogram)
      busy[taken] = busySeconds - busyBefore
      busyBefore = busySeconds
    }
  }
  for (;;) {
    at += arrivals.exponential() / rho
    if (at >= duration) break
    const demand = service.exponential()
    free = Math.max(at, free) + demand
    takeUntil(free)
    const cell = Math.min(fine.over.length - 1, Math.floor((free / length) * perInterval))
    fine.over[cell] = (fine.over[cell] as number) + free - at
    fine.under[cell] = (fine.under[cell] as number) + 1
    histogram.record(free - at)
    busySeconds += demand
  }
  takeUntil(duration)
  snapshots.take(histogram)
  busy[intervals - 1] = busySeconds - busyBefore
  const latency = snapshots.intervals(histogram)
  const none = new Float64Array(intervals)
  const cls = { ok: latency.count, failed: none, refused: none, degraded: none, unknown: none, latencies: { latency } }
  const { count } = histogram
  const all = classResult({
    offered: count,
    completed: count,
    ok: count,
    attempts: count,
    ratePerSecond: count / duration,
    latency: histogram.latency(),
    histogram: histogram.encode(),
  })
  const { server, ...rest } = runResult().components
  return {
    result: runResult({
      durationSeconds: duration,
      requests: { all },
      components: {
        ...rest,
        server: {
          ...(server ?? (rest.app as NonNullable<typeof rest.app>)),
          utilization: { cpu: busySeconds / duration, memory: null },
        },
      },
    }),
    series: {
      seconds: length,
      count: intervals,
      requests: { all: cls },
      components: { server: { 'utilization.cpu': { over: busy, under: busy.map(() => length) } } },
      hosts: {},
      steps: {},
      fine: { seconds: length / perInterval, latency: fine },
    },
  }
}

/** Asymptotic standard deviation of the mean response of n customers, times √n: see docs/model.md. */
export const responseDeviation = (rho: number): number => (1 + rho) / (1 - rho) ** 2

/**
 * What a run did in consecutive intervals of equal length, which together are the measured time: what intervals of
 * confidence are computed from. An engine writes it with exact sums.
 */
import type { LatencyHistogram } from '../histogram.js'

export interface IntervalSeries {
  /** Length of each. */
  readonly seconds: number
  readonly count: number
  /** By class, and `all`. */
  readonly requests: Readonly<Record<string, ClassIntervals>>
  /** By id, then by path in the component's or host's result (`utilization.cpu`, `pools.main.inUse`). */
  readonly components: Readonly<Record<string, Readonly<Record<string, Quotient>>>>
  readonly hosts: Readonly<Record<string, Readonly<Record<string, Quotient>>>>
  readonly steps: Readonly<Record<string, LatencyIntervals>>
  /** Latencies of `all` in finer intervals, for the detection of the warm-up; else those of `requests` are used. */
  readonly fine?: { readonly seconds: number; readonly latency: Quotient } | undefined
}

/** An estimate that is a sum over intervals divided by another: a mean over requests, over time, or a share. */
export interface Quotient {
  readonly over: Float64Array
  readonly under: Float64Array
}

/** Latencies in seconds of what ended in each interval. */
export interface LatencyIntervals {
  /** Of all intervals. */
  readonly pooled: LatencyHistogram
  readonly count: Float64Array
  readonly sumSeconds: Float64Array
  /** For each bound (seconds): how many were at most that, by interval. */
  atMost(bounds: readonly number[]): readonly Float64Array[]
}

export interface ClassIntervals {
  readonly ok: Float64Array
  readonly failed: Float64Array
  /** ⊂ failed. */
  readonly refused: Float64Array
  readonly degraded: Float64Array
  readonly unknown: Float64Array
  /** By path in the class's result: `latency`, of successes; `serviceLatency`, `outcomes.hit.latency`, … */
  readonly latencies: Readonly<Record<string, LatencyIntervals>>
}

/** Percentiles do not merge; histograms do. Every latency over several seconds, instances or runs comes from here. */
import { LatencyHistogram } from './histogram.js'
import type { SecondEvent } from './run-event.js'
import type { StepResult } from './run-result.js'

export const mergeHistograms = (texts: Iterable<string>): LatencyHistogram => {
  const merged = new LatencyHistogram()
  for (const text of texts) merged.addEncoded(text)
  return merged
}

/** Latencies of the successes of a class (or `all`) that completed in the given seconds. */
export const latencyOver = (series: readonly SecondEvent[], subject: string): LatencyHistogram =>
  mergeHistograms(series.flatMap((second) => second.requests[subject]?.histogram ?? []))

/** Counters of a step that only grow while the instance lives. */
export type StepCounters = Pick<StepResult, 'count' | 'errors' | 'cpuSeconds' | 'drawn' | 'histogram'>

type Drawn = StepCounters['drawn']

/** Undefined where either side does not tell. */
export const combineDrawn = (a: Drawn, b: Drawn, combine: (a: number, b: number) => number): Drawn =>
  a === undefined || b === undefined
    ? undefined
    : { cpuSeconds: combine(a.cpuSeconds, b.cpuSeconds), waitSeconds: combine(a.waitSeconds, b.waitSeconds) }

export const drawnField = (drawn: Drawn): Pick<StepCounters, 'drawn'> => (drawn === undefined ? {} : { drawn })

/**
 * What happened between two samples of growing counters. An instance that was started again counts from 0: a count below
 * the earlier one means that all of it is new.
 */
export const stepDifference = (later: StepCounters, earlier: StepCounters | undefined): StepCounters => {
  if (earlier === undefined || later.count < earlier.count) return later
  const histogram = LatencyHistogram.decode(later.histogram)
  histogram.subtract(LatencyHistogram.decode(earlier.histogram))
  return {
    count: later.count - earlier.count,
    errors: Math.max(0, later.errors - earlier.errors),
    cpuSeconds: Math.max(0, later.cpuSeconds - earlier.cpuSeconds),
    ...drawnField(combineDrawn(later.drawn, earlier.drawn, (a, b) => Math.max(0, a - b))),
    histogram: histogram.encode(),
  }
}

/** The same step on several instances. */
export const sumSteps = (parts: readonly StepCounters[]): StepResult => {
  const histogram = mergeHistograms(parts.map((part) => part.histogram))
  const sum = (value: (part: StepCounters) => number): number => parts.reduce((total, part) => total + value(part), 0)
  return {
    count: sum((part) => part.count),
    errors: sum((part) => part.errors),
    cpuSeconds: sum((part) => part.cpuSeconds),
    ...drawnField(
      parts
        .map((part) => part.drawn)
        .reduce<Drawn>(
          (total, drawn) => combineDrawn(total, drawn, (a, b) => a + b),
          parts.length === 0 ? undefined : { cpuSeconds: 0, waitSeconds: 0 },
        ),
    ),
    latency: histogram.latency(),
    histogram: histogram.encode(),
  }
}

/** Difference of a counter that starts at 0 again with its process. */
export const counterDifference = (later: number, earlier: number | undefined): number =>
  earlier === undefined || later < earlier ? later : later - earlier

/**
 * Half-widths of one run in a steady state, by batch means. All estimates of a run use one number of batches, found on the mean
 * latency of `all`: 30, or 20 where 30 correlate (B. W. Schmeiser, "Batch size effects in the analysis of simulation output", 1982:
 * more than 30 gain little, fewer than 10 lose much).
 */
import type { HalfWidths, Latency, RunResult } from '../run-result.js'
import {
  batched,
  confidence,
  halfWidthOf,
  inBatches,
  independentSamples,
  quantileHalfWidth,
  type Spread,
  spreadOf,
  standingCorrelation,
} from './batches.js'
import type { ClassIntervals, IntervalSeries, LatencyIntervals, Quotient } from './interval-series.js'
import { type WarmUp, warmUpOf } from './warm-up.js'

const fewestBatches = 20
const mostBatches = 30

/** Intervals per batch; undefined: fewer than 20 intervals. */
const batchSizeOf = ({ count }: IntervalSeries, latency: Quotient | undefined): number | undefined => {
  const sizes = [mostBatches, fewestBatches]
    .map((batches) => Math.ceil(count / batches))
    .filter((size) => count / size >= fewestBatches)
  return latency === undefined
    ? sizes.at(-1)
    : (sizes.find((size) => standingCorrelation(batched(latency, size)) === 0) ?? sizes.at(-1))
}

const meanLatency = ({ sumSeconds, count }: LatencyIntervals): Quotient => ({ over: sumSeconds, under: count })

export const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 } as const satisfies Partial<
  Record<keyof Latency, number>
>

/** The result with half-widths beside its estimates. */
export const withBatchMeans = (result: RunResult, series: IntervalSeries): RunResult => {
  const all = series.requests.all
  const latency = all?.latencies.latency && meanLatency(all.latencies.latency)
  const fine = series.fine ?? (latency === undefined ? undefined : { seconds: series.seconds, latency })
  const warmup = fine === undefined ? null : warmUpOf(fine.latency, fine.seconds)
  const size = batchSizeOf(series, latency)
  if (size === undefined)
    return withoutHalfWidths(result, `the run has ${series.count} intervals, too few for batch means`, warmup)
  const spread = (quotient: Quotient): Spread | null => spreadOf(batched(quotient, size), true)
  const ofQuotient = (quotient: Quotient): number | undefined => {
    const found = spread(quotient)
    return found === null ? undefined : halfWidthOf(found)
  }
  const ofQuotients = (quotients: Readonly<Record<string, Quotient>> | undefined): { halfWidth?: HalfWidths } =>
    field(Object.entries(quotients ?? {}).map(([path, quotient]) => [path, ofQuotient(quotient)]))
  const ofLatency = (path: string, intervals: LatencyIntervals): (readonly [string, number | undefined])[] => {
    const { pooled, count } = intervals
    const mean = spread(meanLatency(intervals))
    if (mean === null) return []
    const independent = independentSamples(pooled, mean)
    const below = intervals.atMost(Object.values(quantiles).map((q) => pooled.quantile(q)))
    return [
      [`${path}.mean`, halfWidthOf(mean)],
      ...Object.entries(quantiles).map(([name, q], i) => {
        const share = ofQuotient({ over: below[i] as Float64Array, under: count })
        return [`${path}.${name}`, quantileHalfWidth(pooled, q, share ?? 0, independent) ?? undefined] as const
      }),
    ]
  }
  const ofClass = ({
    ok,
    failed,
    refused,
    degraded,
    unknown,
    latencies,
  }: ClassIntervals): { halfWidth?: HalfWidths } => {
    const completed = ok.map((count, i) => count + (failed[i] as number))
    // Where none are, or all, batches do not vary, which says nothing of how exact that is.
    const share = (over: Float64Array): number | undefined => ofQuotient({ over, under: completed }) || undefined
    return field([
      [
        'ratePerSecond',
        ok.some((count) => count > 0) ? ofQuotient({ over: ok, under: ok.map(() => series.seconds) }) : undefined,
      ],
      ['errors', share(failed.map((count, i) => count - (refused[i] as number)))],
      ['degraded', share(degraded)],
      ['unknown', share(unknown)],
      ...Object.entries(latencies).flatMap(([path, intervals]) => ofLatency(path, intervals)),
    ])
  }
  return {
    ...result,
    requests: mapped(result.requests, (id, each) => {
      const intervals = series.requests[id]
      return { ...each, ...(intervals === undefined ? {} : ofClass(intervals)) }
    }),
    components: mapped(result.components, (id, each) => ({ ...each, ...ofQuotients(series.components[id]) })),
    hosts: mapped(result.hosts, (id, each) => ({ ...each, ...ofQuotients(series.hosts[id]) })),
    steps: mapped(result.steps, (id, each) => {
      const intervals = series.steps[id]
      return {
        ...each,
        ...(intervals === undefined ? {} : field(ofLatency('latency', intervals))),
      }
    }),
    statistics: {
      method: 'batch-means',
      count: inBatches(new Float64Array(series.count), size).length,
      confidence,
      warmup,
    },
  }
}

export const withoutHalfWidths = (result: RunResult, why: string, warmup: WarmUp | null = null): RunResult => ({
  ...result,
  statistics: { method: 'none', count: 0, confidence, warmup, why },
})

const mapped = <T>(of: Readonly<Record<string, T>>, change: (id: string, each: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(of).map(([id, each]) => [id, change(id, each)]))

/** Only what could be told. */
const field = (entries: readonly (readonly [string, number | undefined])[]): { halfWidth?: HalfWidths } => {
  const told = entries.filter((entry): entry is readonly [string, number] => entry[1] !== undefined)
  return told.length === 0 ? {} : { halfWidth: Object.fromEntries(told) }
}

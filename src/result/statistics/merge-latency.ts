/** Latencies of several replications: percentiles do not merge, histograms do. */
import { LatencyHistogram } from '../histogram.js'
import type { Latency } from '../run-result.js'
import { quantiles } from './batch-means.js'
import { acrossOf, halfWidthOf, independentSamples, quantileHalfWidth, spreadOf } from './batches.js'

export interface MergedLatency {
  readonly latency: Latency | null
  readonly histogram: string
  /** By path; null: too few samples to tell. */
  readonly widths: ReadonlyMap<string, number | null>
}

export const mergeLatency = (
  parts: readonly { readonly latency: Latency | null; readonly histogram: string }[],
  /** What it is in paths. */
  as = 'latency',
): MergedLatency => {
  const histograms = parts.map(({ histogram }) => LatencyHistogram.decode(histogram))
  const pooled = new LatencyHistogram()
  for (const histogram of histograms) pooled.add(histogram)
  const counts = histograms.map(({ count }) => count)
  // The means of the results are exact, those of decoded histograms are not.
  const sums = parts.map(({ latency }, i) => (latency?.mean ?? 0) * (counts[i] ?? 0))
  const latency = pooled.latency()
  const widths = new Map<string, number | null>()
  const mean = spreadOf({ over: Float64Array.from(sums), under: Float64Array.from(counts) }, false)
  if (mean !== null) {
    widths.set(`${as}.mean`, halfWidthOf(mean))
    const independent = independentSamples(pooled, mean)
    for (const [name, q] of Object.entries(quantiles)) {
      const bound = pooled.quantile(q)
      const below = histograms.map((histogram) => histogram.countAtMost(bound))
      widths.set(`${as}.${name}`, quantileHalfWidth(pooled, q, acrossOf(below, counts) ?? 0, independent))
    }
  }
  return {
    latency: latency === null ? null : { ...latency, mean: sums.reduce((sum, value) => sum + value, 0) / pooled.count },
    histogram: pooled.encode(),
    widths,
  }
}

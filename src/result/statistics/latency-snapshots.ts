/** A growing histogram, looked at after each interval: what happened in between is the difference. */
import type { Binned, LatencyHistogram } from '../histogram.js'
import type { LatencyIntervals } from './interval-series.js'

interface Snapshot {
  readonly count: number
  readonly sumSeconds: number
  readonly binned: Binned
}

const nothing: Snapshot = { count: 0, sumSeconds: 0, binned: { from: 0, counts: new Uint32Array(0) } }

export class LatencySnapshots {
  private constructor(private readonly snapshots: Snapshot[]) {}

  /** Of a histogram that was empty so far, after `taken` intervals. */
  static empty(taken = 0): LatencySnapshots {
    return new LatencySnapshots(Array.from({ length: taken }, () => nothing))
  }

  /** Of several histograms that were looked at together. */
  static sum(parts: readonly LatencySnapshots[]): LatencySnapshots {
    const [first, ...others] = parts
    if (first === undefined || others.length === 0) return first ?? LatencySnapshots.empty()
    return new LatencySnapshots(
      first.snapshots.map((snapshot, i) =>
        others.reduce((sum, other) => added(sum, other.snapshots[i] as Snapshot), snapshot),
      ),
    )
  }

  take(histogram: LatencyHistogram): void {
    this.snapshots.push({
      count: histogram.count,
      sumSeconds: histogram.sumSeconds,
      binned: histogram.binned(),
    })
  }

  /** `pooled`: the histogram as it is at the end. Within a bin each interval's samples lie as the pooled ones do. */
  intervals(pooled: LatencyHistogram): LatencyIntervals {
    const { snapshots } = this
    return {
      pooled,
      count: differences(snapshots, ({ count }) => count),
      sumSeconds: differences(snapshots, ({ sumSeconds }) => sumSeconds),
      atMost: (bounds) =>
        bounds.map((bound) => {
          const { bin, share } = pooled.placeInBins(bound)
          return differences(snapshots, ({ binned }) => countUpTo(binned, bin, share))
        }),
    }
  }
}

const countUpTo = ({ from, counts }: Binned, bin: number, share: number): number => {
  const whole = Math.min(counts.length, bin - from)
  let sum = share * (counts[bin - from] ?? 0)
  for (let i = 0; i < whole; i++) sum += counts[i] as number
  return sum
}

const differences = (snapshots: readonly Snapshot[], value: (snapshot: Snapshot) => number): Float64Array => {
  let before = 0
  return Float64Array.from(snapshots, (snapshot) => {
    const now = value(snapshot)
    const difference = now - before
    before = now
    return difference
  })
}

const added = (a: Snapshot, b: Snapshot): Snapshot => ({
  count: a.count + b.count,
  sumSeconds: a.sumSeconds + b.sumSeconds,
  binned: addedBins(a.binned, b.binned),
})

const addedBins = (a: Binned, b: Binned): Binned => {
  if (a.counts.length === 0) return b
  if (b.counts.length === 0) return a
  const from = Math.min(a.from, b.from)
  const counts = new Uint32Array(Math.max(a.from + a.counts.length, b.from + b.counts.length) - from)
  counts.set(a.counts, a.from - from)
  for (let i = 0; i < b.counts.length; i++) {
    const at = b.from - from + i
    counts[at] = (counts[at] as number) + (b.counts[i] as number)
  }
  return { from, counts }
}

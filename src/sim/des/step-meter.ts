/** What each step of the flows did, from the end of the warm-up on (hot path: meters are numbers). */
import { LatencyHistogram } from '../../result/histogram.js'
import type { StepResult } from '../../result/run-result.js'
import type { LatencyIntervals } from '../../result/statistics/interval-series.js'
import { LatencySnapshots } from '../../result/statistics/latency-snapshots.js'

/** Latencies that are put down before they are sorted into the histogram. */
const batchSize = 512

export class StepMeter {
  errors = 0
  cpuSeconds = 0
  /** Of failures, which are recorded before the successes of the same batch. */
  failedSize = 0
  readonly failed = new Float64Array(batchSize)
  size = 0
  readonly latency = new Float64Array(batchSize)
  readonly histogram = new LatencyHistogram()
  readonly snapshots: LatencySnapshots

  /** Steps are compiled when they are first needed, perhaps after some intervals. */
  constructor(intervals: number) {
    this.snapshots = LatencySnapshots.empty(intervals)
  }

  /** The histogram, with all that was put down. */
  sorted(): LatencyHistogram {
    this.sortFailures()
    this.histogram.recordAll(this.latency, this.size)
    this.size = 0
    return this.histogram
  }

  sortFailures(): void {
    this.histogram.recordAll(this.failed, this.failedSize)
    this.failedSize = 0
  }
}

export class StepMeters {
  /** By number. */
  readonly meters: StepMeter[] = []
  private readonly ids = new Map<string, number>()
  private snapshots = 0

  constructor(private readonly clock: { readonly now: number }) {}

  /** The number of the step's meter. */
  of(step: string): number {
    let id = this.ids.get(step)
    if (id === undefined) {
      id = this.meters.length
      this.meters.push(new StepMeter(this.snapshots))
      this.ids.set(step, id)
    }
    return id
  }

  /** The meter with this number. */
  meter(meter: number): StepMeter {
    return this.meters[meter] as StepMeter
  }

  /** A step that took no time. */
  atOnce(meter: number): void {
    this.meter(meter).histogram.record(0)
  }

  /** The step that began at `startedAt[row]` has succeeded now. */
  ok(meter: number, startedAt: Float64Array, row: number): void {
    const step = this.meters[meter] as StepMeter
    const { size, latency } = step
    latency[size] = this.clock.now - (startedAt[row] as number)
    step.size = size + 1
    if (step.size === latency.length) step.sorted()
  }

  failed(meter: number, startedAt: Float64Array, row: number): void {
    const step = this.meters[meter] as StepMeter
    step.errors += 1
    const { failedSize, failed } = step
    failed[failedSize] = this.clock.now - (startedAt[row] as number)
    step.failedSize = failedSize + 1
    if (step.failedSize === failed.length) step.sortFailures()
  }

  /** CPU that the step wants now. */
  addCpu(meter: number, seconds: Float64Array, row: number): void {
    const step = this.meters[meter] as StepMeter
    step.cpuSeconds += seconds[row] as number
  }

  reset(): void {
    for (const step of this.meters) {
      step.errors = 0
      step.cpuSeconds = 0
      step.sorted().reset()
    }
  }

  /** An interval ends. */
  snapshot(): void {
    this.snapshots += 1
    for (const step of this.meters) step.snapshots.take(step.sorted())
  }

  /** Between the snapshots. */
  intervals(): Record<string, LatencyIntervals> {
    return Object.fromEntries(
      [...this.ids].map(([id, index]) => {
        const step = this.meters[index] as StepMeter
        return [id, step.snapshots.intervals(step.sorted())]
      }),
    )
  }

  result(): Record<string, StepResult> {
    return Object.fromEntries(
      [...this.ids].map(([id, index]) => {
        const step = this.meters[index] as StepMeter
        const { errors, cpuSeconds } = step
        const histogram = step.sorted()
        return [
          id,
          { count: histogram.count, errors, cpuSeconds, latency: histogram.latency(), histogram: histogram.encode() },
        ]
      }),
    )
  }
}

/** What each step of the flows did, from the end of the warm-up on (hot path: meters are numbers). */
import { LatencyHistogram } from '../../result/histogram.js'
import type { StepResult } from '../../result/run-result.js'

class StepMeter {
  count = 0
  errors = 0
  cpuSeconds = 0
  readonly histogram = new LatencyHistogram()
}

export class StepMeters {
  private readonly meters: StepMeter[] = []
  private readonly ids = new Map<string, number>()

  constructor(private readonly clock: { readonly now: number }) {}

  /** The number of the step's meter. */
  of(step: string): number {
    let id = this.ids.get(step)
    if (id === undefined) {
      id = this.meters.length
      this.meters.push(new StepMeter())
      this.ids.set(step, id)
    }
    return id
  }

  /** The step that began at `startedAt[row]` has succeeded now. */
  ok(meter: number, startedAt: Float64Array, row: number): void {
    const step = this.meters[meter] as StepMeter
    step.count += 1
    step.histogram.record(this.clock.now - (startedAt[row] as number))
  }

  /** A step that took no time. */
  atOnce(meter: number): void {
    const step = this.meters[meter] as StepMeter
    step.count += 1
    step.histogram.record(0)
  }

  failed(meter: number, startedAt: Float64Array, row: number): void {
    const step = this.meters[meter] as StepMeter
    step.count += 1
    step.errors += 1
    step.histogram.record(this.clock.now - (startedAt[row] as number))
  }

  /** CPU that the step wants now. */
  addCpu(meter: number, seconds: Float64Array, row: number): void {
    const step = this.meters[meter] as StepMeter
    step.cpuSeconds += seconds[row] as number
  }

  reset(): void {
    for (const step of this.meters) {
      step.count = 0
      step.errors = 0
      step.cpuSeconds = 0
      step.histogram.reset()
    }
  }

  result(): Record<string, StepResult> {
    return Object.fromEntries(
      [...this.ids].map(([id, index]) => {
        const { count, errors, cpuSeconds, histogram } = this.meters[index] as StepMeter
        return [id, { count, errors, cpuSeconds, latency: histogram.latency(), histogram: histogram.encode() }]
      }),
    )
  }
}

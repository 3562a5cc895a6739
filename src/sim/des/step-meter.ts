import { LatencyHistogram } from '../../result/histogram.js'
import type { StepResult } from '../../result/run-result.js'

/** What one step of the flow did, from the end of the warm-up on. */
export class StepMeter {
  count = 0
  errors = 0
  cpuSeconds = 0
  private readonly histogram = new LatencyHistogram()

  constructor(readonly id: string) {}

  ok(seconds: number): void {
    this.count += 1
    this.histogram.record(seconds)
  }

  failed(seconds: number): void {
    this.count += 1
    this.errors += 1
    this.histogram.record(seconds)
  }

  reset(): void {
    this.count = 0
    this.errors = 0
    this.cpuSeconds = 0
    this.histogram.reset()
  }

  result(): StepResult {
    return {
      count: this.count,
      errors: this.errors,
      cpuSeconds: this.cpuSeconds,
      latency: this.histogram.latency(),
      histogram: this.histogram.encode(),
    }
  }
}

/**
 * A count over time: its integral (for means) and its maximum since the last mark. The integral is kept as the sum of the
 * times at which the count fell less that at which it rose, so that a change costs one addition (hot path).
 */
export class Gauge {
  value = 0
  max = 0
  /** Sum of the times at which it fell less that at which it rose. */
  area = 0

  constructor(private readonly clock: { readonly now: number }) {}

  add(): void {
    this.area -= this.clock.now
    this.value += 1
    if (this.value > this.max) this.max = this.value
  }

  subtract(): void {
    this.area += this.clock.now
    this.value -= 1
  }

  set(value: number): void {
    this.area -= (value - this.value) * this.clock.now
    this.value = value
    if (value > this.max) this.max = value
  }

  /** ∫ value dt since the start of the run. */
  integral(): number {
    return this.area + this.value * this.clock.now
  }

  resetMax(): void {
    this.max = this.value
  }
}

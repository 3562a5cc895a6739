/** A number over time: its integral (for means) and its maximum since the last mark. */
export class Gauge {
  value = 0
  max = 0
  private area = 0
  private at = 0

  set(value: number, now: number): void {
    this.area += this.value * (now - this.at)
    this.at = now
    this.value = value
    if (value > this.max) this.max = value
  }

  /** ∫ value dt since the start of the run. */
  integral(now: number): number {
    return this.area + this.value * (now - this.at)
  }

  resetMax(): void {
    this.max = this.value
  }
}

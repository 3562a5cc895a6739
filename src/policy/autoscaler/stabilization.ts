/** Recommendations of the recent past, which keep an autoscaler from following every swing (KEP-853). */

export interface StabilizationWindows {
  /** Scaling up follows the lowest recommendation of this long. */
  readonly upSeconds: number
  /** Scaling down follows the highest recommendation of this long. */
  readonly downSeconds: number
}

export class Recommendations {
  readonly #recent: { readonly at: number; readonly replicas: number }[] = []

  /** An autoscaler that has just begun recommends what it finds. */
  begin(now: number, replicas: number): void {
    if (this.#recent.length === 0) this.#recent.push({ at: now, replicas })
  }

  /** Remembers `desired` and brings `current` between the lowest and the highest of the windows. */
  stabilise(now: number, current: number, desired: number, windows: StabilizationWindows): number {
    let lowest = desired
    let highest = desired
    for (const { at, replicas } of this.#recent) {
      if (at > now - windows.upSeconds) lowest = Math.min(lowest, replicas)
      if (at > now - windows.downSeconds) highest = Math.max(highest, replicas)
    }
    this.#remember(now, desired, Math.max(windows.upSeconds, windows.downSeconds))
    return Math.min(Math.max(current, lowest), highest)
  }

  /** Without `behavior`: the highest of the window, its beginning included. */
  highest(now: number, desired: number, windowSeconds: number): number {
    this.#remember(now, desired, windowSeconds)
    return this.#recent.reduce((highest, { replicas }) => Math.max(highest, replicas), desired)
  }

  #remember(now: number, replicas: number, windowSeconds: number): void {
    const kept = this.#recent.filter(({ at }) => at >= now - windowSeconds)
    this.#recent.splice(0, this.#recent.length, ...kept, { at: now, replicas })
  }
}

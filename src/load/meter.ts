/** The load generator's watch on itself: how late it sends, and what it costs. */
import { LatencyHistogram } from '../result/histogram.js'
import type { GeneratorResult } from '../result/run-result.js'

/** Readings that only grow: CPU-seconds of the generator's threads, and busy seconds of its event loop. */
export interface Usage {
  readonly cpuSeconds: number
  readonly busySeconds: number
}

export interface GeneratorSecond {
  readonly lagMaxSeconds: number
  readonly unsent: number
  readonly cpu: number
}

export class Meter {
  readonly #usage: () => Usage
  #lag = new LatencyHistogram()
  #lagMax = 0
  #unsent = 0
  #secondLagMax = 0
  #secondUnsent = 0
  #secondAt = 0
  #secondCpu = 0
  #beganAt = 0
  #began: Usage

  constructor(usage: () => Usage) {
    this.#usage = usage
    this.#began = usage()
  }

  /** The measured part begins; what was seen before does not count. Called once more when the warm-up is over. */
  begin(at: number): void {
    this.#lag = new LatencyHistogram()
    this.#lagMax = 0
    this.#unsent = 0
    this.#beganAt = at
    this.#began = this.#usage()
    if (at === 0) this.#secondCpu = this.#began.cpuSeconds
  }

  sent(lagSeconds: number): void {
    this.#lag.record(lagSeconds)
    if (lagSeconds > this.#lagMax) this.#lagMax = lagSeconds
    if (lagSeconds > this.#secondLagMax) this.#secondLagMax = lagSeconds
  }

  unsent(): void {
    this.#unsent++
    this.#secondUnsent++
  }

  second(at: number): GeneratorSecond {
    const { cpuSeconds } = this.#usage()
    const elapsed = at - this.#secondAt
    const second = {
      lagMaxSeconds: this.#secondLagMax,
      unsent: this.#secondUnsent,
      cpu: elapsed > 0 ? (cpuSeconds - this.#secondCpu) / elapsed : 0,
    }
    this.#secondAt = at
    this.#secondCpu = cpuSeconds
    this.#secondLagMax = 0
    this.#secondUnsent = 0
    return second
  }

  /** `at`: the end of the measured part. Requests may still be found unsent afterwards: `result()` knows them too. */
  end(at: number): () => GeneratorResult {
    const used = this.#usage()
    const elapsed = at - this.#beganAt
    const cpuSeconds = used.cpuSeconds - this.#began.cpuSeconds
    const busySeconds = used.busySeconds - this.#began.busySeconds
    return () => ({
      lag: {
        mean: this.#lag.meanSeconds,
        p50: this.#lag.quantile(0.5),
        p99: this.#lag.quantile(0.99),
        max: this.#lagMax,
      },
      unsent: this.#unsent,
      cpu: elapsed > 0 ? cpuSeconds / elapsed : 0,
      cpuSeconds,
      busy: elapsed > 0 ? Math.min(1, busySeconds / elapsed) : 0,
    })
  }
}

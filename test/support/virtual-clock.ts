import type { RunClock } from '../../src/run/clock.js'

interface Waiter {
  readonly at: number
  readonly resolve: () => void
}

/** Time that passes only when the test says so, and then in order. */
export class VirtualClock implements RunClock {
  #now = 1000
  #waiters: Waiter[] = []

  now(): number {
    return this.#now
  }

  waitUntil(seconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const waiter = { at: seconds, resolve }
      this.#waiters.push(waiter)
      signal.addEventListener('abort', () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        resolve()
      })
    })
  }

  at(seconds: number, action: () => void): void {
    this.#waiters.push({ at: seconds, resolve: action })
  }

  /** Lets everything due until `seconds` happen, each at its own time, with all that follows from it. */
  async runUntil(seconds: number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      this.#waiters.sort((a, b) => a.at - b.at)
      const next = this.#waiters[0]
      if (next === undefined || next.at > seconds) break
      this.#waiters.shift()
      this.#now = Math.max(this.#now, next.at)
      next.resolve()
    }
    this.#now = Math.max(this.#now, seconds)
  }
}

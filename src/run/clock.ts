/** Monotonic seconds, and waiting for them; tests put virtual time in its place. */
export interface RunClock {
  now(): number
  /** Resolves when `now()` has reached `seconds`, or early when `signal` is aborted. */
  waitUntil(seconds: number, signal: AbortSignal): Promise<void>
}

export const realClock: RunClock = {
  now: () => performance.now() / 1000,
  waitUntil: (seconds, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.max(0, (seconds - performance.now() / 1000) * 1000))
      signal.addEventListener('abort', done, { once: true })
    }),
}

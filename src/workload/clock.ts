/** Time, injected so that tests need no sleep. */
export interface Clock {
  /** Monotonic seconds. */
  now(): number
  /** Calls `then` after `milliseconds` (whole ones: Node cuts fractions). Returns a function that takes it back. */
  after(milliseconds: number, then: () => void): () => void
}

/** The longest that setTimeout takes; longer ones would fire at once. */
const longestMilliseconds = 2 ** 31 - 1

export const realClock: Clock = {
  now: () => performance.now() / 1000,
  after: (milliseconds, then) => {
    const timer = setTimeout(then, Math.min(milliseconds, longestMilliseconds))
    return () => clearTimeout(timer)
  },
}

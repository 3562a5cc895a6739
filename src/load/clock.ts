/**
 * CLOCK_MONOTONIC in seconds, the same in every thread of the process (performance.now() counts from the start of its
 * own thread).
 */
const [seconds, nanoseconds] = process.hrtime()

/** Add to this thread's performance.now() / 1000 to get the shared clock. */
export const clockOffsetSeconds = seconds + nanoseconds / 1e9 - performance.now() / 1000

export const now = (): number => clockOffsetSeconds + performance.now() / 1000

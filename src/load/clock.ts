/**
 * CLOCK_MONOTONIC in seconds, the same in every thread of the process (performance.now() counts from the start of its
 * own thread, but ticks with the same clock).
 */
const hrtimeSeconds = (): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds + nanoseconds / 1e9
}

/** Of several readings the one that took the least time: threads must agree to within microseconds. */
const measureOffset = (): number => {
  let best = Number.POSITIVE_INFINITY
  let offset = 0
  for (let i = 0; i < 20; i++) {
    const before = performance.now() / 1000
    const between = hrtimeSeconds()
    const after = performance.now() / 1000
    if (after - before >= best) continue
    best = after - before
    offset = between - (before + after) / 2
  }
  return offset
}

/** Add to this thread's performance.now() / 1000 to get the shared clock. */
export const clockOffsetSeconds = measureOffset()

export const now = (): number => clockOffsetSeconds + performance.now() / 1000

/** How long a piece of work took, and what the numbers of several rounds amount to. */

/**
 * Seconds of `work`: of the wall clock or of the CPU, whichever is less. On an idle machine the wall clock (threads that compile or
 * collect garbage beside it do not count), on a busy one the CPU (the others do not count).
 */
export const timed = (work) => {
  const wall = performance.now()
  const cpu = process.cpuUsage()
  const value = work()
  const { user, system } = process.cpuUsage(cpu)
  return { value, seconds: Math.min((performance.now() - wall) / 1000, (user + system) / 1e6) }
}

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** CPU time of a single thread, from the scheduler's own books (nanoseconds, not ticks). */
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * CPU-seconds that the calling thread has used so far. `/proc/thread-self` names the thread that reads it, and synchronous
 * file calls run on the thread that makes them. Where there is no such file (not Linux) it counts the whole process.
 */
export const threadCpuReader = (): (() => number) => {
  const path = ownSchedstat()
  if (path === undefined)
    return () => {
      const usage = process.cpuUsage()
      return (usage.user + usage.system) / 1e6
    }
  return () => Number(readFileSync(path, 'latin1').split(' ')[0]) / 1e9
}

/** `/proc/<pid>/task/<tid>/schedstat`: time on CPU, time waiting for one (both in nanoseconds), time slices. */
const ownSchedstat = (): string | undefined => {
  try {
    const path = `/proc/${readlinkSync('/proc/thread-self')}/schedstat`
    return Number(readFileSync(path, 'latin1').split(' ')[0]) > 0 ? path : undefined
  } catch {
    return undefined
  }
}

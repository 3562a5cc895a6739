/** Open load: a request at each arrival, whatever becomes of those before. */
import type { Issuer, Sender } from './sender.js'
import type { Timetable } from './timetable.js'

/** What decides when requests start. */
export interface Driver {
  start(): void
  /** No request starts any more. */
  end(): void
}

const nobody: Issuer = { finished: () => {} }

/** `next`: intended starts in order, Infinity after the last. */
export const arrivalsDriver = (next: () => number, sender: Sender, timetable: Timetable): Driver => {
  let ended = false
  const arrive = (at: number): void => {
    if (ended) return
    sender.issue(at, nobody)
    schedule()
  }
  const schedule = (): void => {
    const at = next()
    if (at < Number.POSITIVE_INFINITY) timetable.schedule(at, arrive)
  }
  return {
    start: schedule,
    end: () => {
      ended = true
    },
  }
}

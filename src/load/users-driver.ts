/**
 * Closed load: users who send, wait for the answer, think, and send again. As in the simulator, a user begins by thinking
 * (so that users who think do not all start at once), and surplus users leave when they have got their answer or finished
 * thinking.
 */
import type { Driver } from './arrivals-driver.js'
import type { Issuer, Sender } from './sender.js'
import type { Timetable } from './timetable.js'

/**
 * `changes`: how many users there are from which time on. `think`: a sample in seconds. `endsAt`: no request begins then
 * or later, though an answer may be told a moment before the end is.
 */
export const usersDriver = (
  changes: readonly { readonly at: number; readonly users: number }[],
  think: () => number,
  endsAt: number,
  sender: Pick<Sender, 'issue'>,
  timetable: Pick<Timetable, 'schedule'>,
): Driver => {
  let wanted = 0
  let active = 0
  let next = 0

  const join = (joinedAt: number): void => {
    active++
    const wake = (at: number): void => {
      if (active > wanted || at >= endsAt) active--
      else sender.issue(at, user)
    }
    const user: Issuer = {
      finished: (at) => {
        if (active > wanted) active--
        else ponder(at)
      },
    }
    const ponder = (at: number): void => {
      const seconds = think()
      if (seconds === 0) wake(at)
      else timetable.schedule(at + seconds, wake)
    }
    ponder(joinedAt)
  }
  const change = (at: number): void => {
    wanted = changes[next++]?.users ?? wanted
    schedule()
    while (active < wanted) join(at)
  }
  const schedule = (): void => {
    const upcoming = changes[next]
    if (upcoming !== undefined) timetable.schedule(upcoming.at, change)
  }
  return {
    start: schedule,
    end: () => {
      wanted = 0
      next = changes.length
    },
  }
}

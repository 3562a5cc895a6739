/**
 * Closed load: users who send, wait for the answer, think, and send again. The stages say how many there are: new ones
 * start when the level reaches the next whole number, surplus ones leave when they have got their answer or finished
 * thinking. A user begins by thinking, so that users who think do not all start at once.
 */
import type { Stage } from '../experiment/types.js'
import type { Driver } from './arrivals-driver.js'
import type { Issuer, Sender } from './sender.js'
import type { Timetable } from './timetable.js'

/** A level within this of a whole number has reached it. */
const tolerance = 1e-9

/** Users at `at` seconds: the whole part of the level. */
export const usersAt = (stages: readonly Stage[], at: number): number => {
  let start = 0
  for (const { fromLevel, toLevel, durationSeconds } of stages) {
    if (at < start + durationSeconds)
      return Math.floor(fromLevel + ((toLevel - fromLevel) * (at - start)) / durationSeconds + tolerance)
    start += durationSeconds
  }
  return 0
}

/** When the number of users next rises after `at`, at the latest at the start of the next stage; Infinity: never. */
export const nextRise = (stages: readonly Stage[], at: number): number => {
  let start = 0
  for (const { fromLevel, toLevel, durationSeconds } of stages) {
    const end = start + durationSeconds
    if (at < end) {
      const perSecond = (toLevel - fromLevel) / durationSeconds
      const next = usersAt(stages, at) + 1
      return perSecond > 0 ? Math.min(end, start + (next - fromLevel) / perSecond) : end
    }
    start = end
  }
  return Number.POSITIVE_INFINITY
}

/** `think`: a sample in seconds. */
export const usersDriver = (
  stages: readonly Stage[],
  think: () => number,
  sender: Sender,
  timetable: Timetable,
): Driver => {
  let active = 0
  let ended = false
  const surplus = (at: number): boolean => ended || active > usersAt(stages, at)

  const join = (joinedAt: number): void => {
    active++
    const wake = (at: number): void => {
      if (surplus(at)) active--
      else sender.issue(at, user)
    }
    const user: Issuer = {
      finished: (at) => {
        if (surplus(at)) active--
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
  const adjust = (at: number): void => {
    if (ended) return
    const wanted = usersAt(stages, at)
    while (active < wanted) join(at)
    const next = nextRise(stages, at)
    if (next < Number.POSITIVE_INFINITY) timetable.schedule(next, adjust)
  }
  return {
    start: () => adjust(0),
    end: () => {
      ended = true
    },
  }
}

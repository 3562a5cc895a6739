/** How finely a simulation is recorded: by the second, unless it is so long that nobody could keep or read that. */
import { loadSeconds } from './load.js'
import type { Experiment } from './types.js'

/** Lengths that divide minutes, hours and days. */
const lengths = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600]

/** Intervals of a run where nothing asks for more: an hour by the second. */
const usualIntervals = 3600

/** Intervals of a run in which conditions must be watched more finely. */
const mostIntervals = 20_000

/**
 * Seconds per `SecondEvent` of a simulation. Windows, tolerated absences and `for` of an abort condition are whole multiples
 * of it as long as that gives no more than 20,000 intervals (5.5 h by the second); beyond, they are rounded up to whole ones.
 */
export const seriesSeconds = (experiment: Experiment): number => {
  const seconds = loadSeconds(experiment.load)
  const least = (intervals: number): number =>
    lengths.find((length) => seconds / length <= intervals) ?? (lengths.at(-1) as number)
  const watched = [
    ...experiment.steadyState.flatMap(({ windowSeconds, tolerateSeconds }) => [windowSeconds, tolerateSeconds]),
    ...(experiment.abort === undefined ? [] : [experiment.abort.forSeconds]),
  ].filter((length) => length > 0)
  const wanted = least(usualIntervals)
  const fitting = lengths.findLast(
    (length) => length <= wanted && watched.every((other) => Number.isInteger(other / length)),
  )
  return Math.max(fitting ?? 1, least(mostIntervals))
}

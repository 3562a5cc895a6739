import { beganAt, type SecondEvent } from '../result/run-event.js'
import type { Topology } from '../topology/types.js'
import { quantityOf } from './quantities.js'
import type { Experiment } from './types.js'
import { holds, subjectOf } from './verdict.js'

/** Is handed every second of a run as it ends; says why the run must be aborted, or undefined to go on. */
export type AbortMonitor = (second: SecondEvent) => string | undefined

/**
 * Aborts once the condition has held in each second for `for`. Seconds that cannot tell (no request came back) neither begin
 * nor interrupt a stretch: a system that answers nothing at all must not escape the abort that its errors began.
 */
export const abortMonitor = (abort: Experiment['abort'], topology: Topology): AbortMonitor => {
  const over = abort && quantityOf(subjectOf(topology, abort.when.subject), abort.when.path.join('.'))?.over
  if (abort === undefined || over === undefined) return () => undefined
  const { when, forSeconds } = abort
  let since: number | undefined
  return (second) => {
    const value = over([second], when.subject)
    if (typeof value === 'number' && !holds(value, when.op, when.bound)) since = undefined
    else if (typeof value === 'number') since ??= beganAt(second)
    if (since === undefined || second.at - since < forSeconds - 1e-9) return undefined
    return `${when.text} for ${second.at - since} s`
  }
}

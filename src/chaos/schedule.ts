/** When faults strike and when they are taken back, in order of time. Pure: the conductor only waits and acts. */
import type { Fault } from '../experiment/types.js'

export interface FaultAction {
  /** Seconds since the start of the load. */
  readonly at: number
  readonly action: 'inject' | 'undo'
  /** Index into the list of faults. */
  readonly fault: number
}

/**
 * `for` schedules the undoing; a `restart` after a kill or stop is not scheduled here, because the supervisor of the system
 * starts the instance again itself. At equal times what ends goes before what begins, so that two pauses may touch.
 */
export const faultSchedule = (faults: readonly Pick<Fault, 'atSeconds' | 'forSeconds'>[]): readonly FaultAction[] =>
  faults
    .flatMap(({ atSeconds, forSeconds }, fault): FaultAction[] => [
      { at: atSeconds, action: 'inject', fault },
      ...(forSeconds === undefined ? [] : [{ at: atSeconds + forSeconds, action: 'undo', fault } as const]),
    ])
    .sort((a, b) => a.at - b.at || Number(a.action === 'inject') - Number(b.action === 'inject') || a.fault - b.fault)

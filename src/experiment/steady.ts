/** Whether a run of an experiment can have a steady state, so that one run tells how exact its estimates are. */
import type { Experiment } from './types.js'

/** Why it cannot; undefined: it can. */
export const unsteadyBecause = ({ load, faults }: Pick<Experiment, 'load' | 'faults'>): string | undefined => {
  if (faults.length > 0) return 'faults are injected'
  if (load.arrivals.kind === 'trace') return 'the arrivals are recorded ones'
  const [first] = load.stages
  const constant = load.stages.every(
    ({ fromLevel, toLevel, wave }) =>
      wave === undefined && fromLevel === first?.fromLevel && toLevel === first?.fromLevel,
  )
  return constant ? undefined : 'the load changes'
}

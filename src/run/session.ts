/**
 * Several measurements on one stack that is launched once: starting anew for each would heat and cool caches, and would take
 * longer than measuring.
 */
import { parseExperiment } from '../experiment/parse.js'
import type { Experiment } from '../experiment/types.js'
import { launchFor } from './attach.js'
import type { Run, RunContext } from './context.js'
import { runOn } from './on-stack.js'

export interface Session {
  /** Runs what the text of an experiment says. */
  measure(experimentText: string): Promise<Run>
  /** Takes the stack down. Idempotent. */
  close(): Promise<void>
}

/** `context.experiment` tells the pins; its load is not used. Rejects with what the runtime refuses, misses or fails at. */
export const openSession = async (context: RunContext): Promise<Session> => {
  const system = await launchFor(context)
  return {
    measure: (text) => {
      const experiment: Experiment = parseExperiment(text, { file: context.experimentFile, topology: context.topology })
      return runOn(system, { ...context, experiment, seed: experiment.seed }, true)
    },
    close: () => system.down(),
  }
}

import type { RunResult } from '../../result/run-result.js'
import { type SimulateInput, Simulation } from './simulation.js'

export type { SimulateInput } from './simulation.js'

/** One run of the event engine: pure, and the same bytes for the same input. Throws a PlimsollError for what it cannot do. */
export const simulate = (input: SimulateInput): RunResult => {
  const simulation = new Simulation(input)
  while (simulation.advance());
  return simulation.finish()
}

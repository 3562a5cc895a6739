/** One simulation, wherever it runs: in this thread, or in one of a pool. */
import type { Setting } from '../lib/document/settings.js'
import type { Problem } from '../lib/errors.js'
import type { ExitCode } from '../lib/exit-codes.js'
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import { type Cause, withoutCauses } from '../sim/without/causes.js'
import { steady } from '../sim/without/steady.js'
import { parseSource, type SimulationSource } from './source.js'

/** The declared traffic on a system that lacks causes of waiting. */
export interface Counterfactual {
  readonly without: readonly Cause[]
  readonly durationSeconds: number
  readonly warmupSeconds: number
}

export interface SimulationJob {
  readonly settings: readonly Setting[]
  readonly seed: number
  /** Undefined: the system as it is, for as long as the source says. */
  readonly counterfactual?: Counterfactual | undefined
  /** Keep the series and the events; without them a result takes little room. */
  readonly keepSeries: boolean
}

/** What is handed to a thread when it starts. */
export interface PoolPlan {
  readonly source: SimulationSource
}

export type ToSimulationWorker = { readonly id: number; readonly job: SimulationJob }

export type FromSimulationWorker =
  | { readonly type: 'progress'; readonly id: number; readonly share: number }
  | { readonly type: 'done'; readonly id: number; readonly result: RunResult }
  | {
      readonly type: 'failed'
      readonly id: number
      readonly exitCode: ExitCode
      readonly problems: readonly Problem[]
    }

/** Between two words of progress. */
const everySeconds = 0.1

/** Called some ten times a second with the share that is done; it may take time. False: give up. */
export type Pause = (share: number) => Promise<boolean>

/** To its end; undefined: `pause` gave up. */
export const playSimulation = async (
  simulation: Simulation,
  now: () => number,
  pause: Pause,
): Promise<RunResult | undefined> => {
  let pausedAt = now()
  while (simulation.advance()) {
    if (now() - pausedAt < everySeconds) continue
    if (!(await pause(simulation.now / simulation.durationSeconds))) return undefined
    pausedAt = now()
  }
  return simulation.finish()
}

const simulationOf = (source: SimulationSource, { settings, seed, counterfactual }: SimulationJob): Simulation => {
  if (counterfactual === undefined) {
    const { topology, experiment } = parseSource(source, settings)
    return new Simulation({ topology, experiment, seed, placement: source.placement })
  }
  const { without, durationSeconds, warmupSeconds } = counterfactual
  const { topology, experiment } = parseSource({ ...source, durationSeconds }, settings)
  const system = withoutCauses(steady(topology), without)
  return new Simulation({ ...system, experiment: { ...experiment, warmupSeconds }, seed })
}

/** Plays a job to its end; undefined: `pause` gave up. Throws a PlimsollError for what cannot be simulated. */
export const playJob = async (
  source: SimulationSource,
  job: SimulationJob,
  now: () => number,
  pause: Pause,
): Promise<RunResult | undefined> => {
  const simulation = simulationOf(source, job)
  const result = await playSimulation(simulation, now, pause)
  return result === undefined || job.keepSeries ? result : { ...result, series: [], events: [] }
}

/** One experiment in the simulator, with the run folder that a run on a stack has too. */
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { PlimsollError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import type { Placement } from '../result/placement.js'
import type { RunEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import { refuseUnsupported } from '../sim/des/unsupported.js'
import { calibrationFile, readTraceBeside } from '../system/files.js'
import { createRunFolder } from '../system/run-folder.js'
import { realClock } from './clock.js'
import type { Run, RunContext } from './context.js'
import { simulateAll } from './simulate-all.js'
import { playSimulation } from './simulation-job.js'
import type { SimulationSource } from './source.js'

export interface Repetition {
  readonly replications: number
  readonly threads: number
  /** Monotonic seconds. */
  readonly now: () => number
  /** Simulations that are over, and those under way as shares. */
  readonly onProgress: (played: number) => void
}

/**
 * `placement`: of the run on a stack that it is compared with; undefined: what the experiment, else the topology says. The
 * folder's events are those of the first replication.
 */
export const runInSimulator = async (
  context: RunContext,
  placement: Placement | undefined,
  repetition?: Repetition,
): Promise<Run> => {
  const { topology, experiment } = context
  // Before there is a folder of a run that never was.
  refuseUnsupported(topology, experiment)
  const folder = createRunFolder({
    cwd: context.cwd,
    runsFolder: context.runsFolder,
    startedAt: new Date(),
    engine: 'sim',
    experimentName: experiment.name,
    topologyText: topology.source.text,
    calibrationText: context.calibrationText,
    experimentText: experiment.source.text,
    origin: { topology: context.topologyFile, experiment: context.experimentFile },
  })
  const onEvent = (event: RunEvent): void => {
    folder.append(event)
    context.onEvent(event)
  }
  try {
    const result =
      repetition === undefined || repetition.replications === 1
        ? await once(context, placement, repetition, onEvent)
        : await replicated(context, placement, repetition, onEvent)
    if (result === undefined) throw interrupted(context.signal)
    folder.finish(result)
    return { result, folder: folder.path }
  } finally {
    folder.close()
  }
}

const interrupted = ({ reason }: AbortSignal): PlimsollError =>
  new PlimsollError(reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated, [
    { message: 'the simulation was interrupted' },
  ])

/** Undefined: interrupted; its events so far are in the folder. */
const once = async (
  { topology, experiment, seed, signal }: RunContext,
  placement: Placement | undefined,
  repetition: Repetition | undefined,
  onEvent: (event: RunEvent) => void,
): Promise<RunResult | undefined> => {
  const simulation = new Simulation({ topology, experiment, placement, seed, onEvent })
  return playSimulation(simulation, realClock.now, async (share) => {
    repetition?.onProgress(share)
    // Lets signals through.
    await setImmediate()
    return !signal.aborted
  })
}

/** Undefined: interrupted. */
const replicated = async (
  context: RunContext,
  placement: Placement | undefined,
  { replications, ...repetition }: Repetition,
  onEvent: (event: RunEvent) => void,
): Promise<RunResult | undefined> => {
  const [result] =
    (await simulateAll({
      ...repetition,
      source: sourceOf(context, placement),
      points: [{ settings: [], seed: context.seed }],
      plan: { fewest: replications, most: replications, enough: () => true },
      signal: context.signal,
    })) ?? []
  const events = result === undefined ? [] : [...result.events, ...result.series]
  for (const event of events.toSorted((a, b) => a.at - b.at)) onEvent(event)
  return result
}

/** The texts of what the context holds. */
export const sourceOf = (context: RunContext, placement: Placement | undefined): SimulationSource => {
  const { topology, experiment, experimentFile, calibrationText } = context
  const { arrivals } = experiment.load
  const trace = arrivals.kind === 'trace' ? readTraceBeside(dirname(experimentFile))(arrivals.file) : undefined
  const { file, text } = topology.source
  return {
    topology: {
      file,
      text,
      ...(calibrationText === undefined
        ? {}
        : { calibration: { file: join(dirname(file), calibrationFile), text: calibrationText } }),
    },
    experiment: {
      file: experiment.source.file,
      text: experiment.source.text,
      traces: arrivals.kind === 'trace' && trace !== undefined ? { [arrivals.file]: trace } : {},
    },
    durationSeconds: 0,
    placement,
  }
}

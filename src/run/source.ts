/**
 * What is simulated, as texts: what was read once is parsed again wherever it is simulated (a thread cannot be handed a
 * checked topology, which holds functions), with other settings each time.
 */
import { engineRegistry } from '../catalog/index.js'
import { defaultExperiment } from '../experiment/default.js'
import { parseExperiment, problemsWithoutTopology } from '../experiment/parse.js'
import type { Experiment } from '../experiment/types.js'
import type { Setting } from '../lib/document/settings.js'
import { settingBelow } from '../lib/document/settings.js'
import { PlimsollError } from '../lib/errors.js'
import type { Placement } from '../result/placement.js'
import type { TextFile, TopologyFile } from '../system/files.js'
import { parseTopology } from '../topology/parse.js'
import type { Topology } from '../topology/types.js'

export interface SimulationSource {
  readonly topology: TopologyFile
  readonly experiment:
    | (TextFile & {
        /** Texts of recorded arrivals by their path as written. */
        readonly traces: Readonly<Record<string, string>>
      })
    | undefined
  /** Without an experiment: for how long the declared traffic runs. */
  readonly durationSeconds: number
  /** Undefined: the experiment's, else the topology's. */
  readonly placement?: Placement | undefined
}

export interface Simulated {
  readonly topology: Topology
  readonly experiment: Experiment
}

/** Throws a PlimsollError with everything that is wrong. `readTrace`: where the source does not hold its traces yet. */
export const parseSource = (
  source: SimulationSource,
  settings: readonly Setting[] = [],
  readTrace = heldTraces(source),
): Simulated => {
  const { experiment, durationSeconds } = source
  const ofExperiment = settings.flatMap((setting) => settingBelow(setting, 'experiment') ?? [])
  const ofTopology = settings.filter((setting) => settingBelow(setting, 'experiment') === undefined)
  const topology = topologyOf(source, ofTopology, ofExperiment)
  if (experiment === undefined) return { topology, experiment: defaultExperiment(topology, durationSeconds, 1) }
  const { file, text } = experiment
  return { topology, experiment: parseExperiment(text, { file, topology, readTrace, settings: ofExperiment }) }
}

const heldTraces =
  ({ experiment }: SimulationSource) =>
  (path: string): string | undefined =>
    experiment !== undefined && Object.hasOwn(experiment.traces, path) ? experiment.traces[path] : undefined

const topologyOf = (
  { topology: { text, ...file }, experiment }: SimulationSource,
  settings: readonly Setting[],
  ofExperiment: readonly Setting[],
): Topology => {
  try {
    return parseTopology(text, { ...file, registry: engineRegistry, settings })
  } catch (error) {
    if (!(error instanceof PlimsollError) || experiment === undefined) throw error
    // What is wrong with the experiment by itself is told at the same time.
    const own = problemsWithoutTopology(experiment.text, experiment.file, undefined, ofExperiment)
    throw new PlimsollError(error.exitCode, [...own, ...error.problems])
  }
}

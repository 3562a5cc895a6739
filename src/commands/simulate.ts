import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { defaultExperiment } from '../experiment/default.js'
import type { Experiment } from '../experiment/types.js'
import { usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { formatSeconds } from '../lib/units.js'
import { formatResult } from '../report/result.js'
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import { loadExperiment, loadTopology } from '../system/files.js'
import type { Topology } from '../topology/types.js'
import type { CommandHandler, Invocation } from './command.js'
import { durationOf, seedOf } from './flags.js'
import type { Host } from './host.js'
import { printJson } from './json.js'

/** Simulated without an experiment and without --duration; named in the help. */
const defaultSeconds = 60

/** Between two looks at signals, and two updates of the progress line. */
const lookUpSeconds = 0.1

/** With an experiment the verdicts decide the exit code; a look at the declared traffic has none. */
export const run: CommandHandler = async (invocation): Promise<ExitCode> => {
  const { options, host } = invocation
  const { topology, experiment } = await inputs(invocation)
  const seed = seedOf(options.seed) ?? experiment.seed
  const result = await simulated(new Simulation({ topology, experiment, seed }), host)
  if (result === undefined) return exitCodes.interrupted
  if (options.json === true) printJson(host, result)
  else host.stdout.write(formatResult(result, host.stdout))
  return options.experiment !== undefined && fails(result) ? exitCodes.doesNotHold : exitCodes.ok
}

/** Undefined: interrupted. */
const simulated = async (simulation: Simulation, host: Host): Promise<RunResult | undefined> => {
  const total = formatSeconds(simulation.durationSeconds)
  let lookedUpAt = host.now()
  let drawn = false
  while (simulation.advance()) {
    if (host.now() - lookedUpAt < lookUpSeconds) continue
    lookedUpAt = host.now()
    if (host.stderr.isTTY) {
      drawn = true
      host.stderr.write(`\r\u001b[Ksimulated ${Math.round(simulation.now)} s of ${total}`)
    }
    await setImmediate()
    if (host.signal.aborted) break
  }
  if (drawn) host.stderr.write('\r\u001b[K')
  return host.signal.aborted ? undefined : simulation.finish()
}

const inputs = async ({
  args,
  options,
  host,
}: Invocation): Promise<{ readonly topology: Topology; readonly experiment: Experiment }> => {
  const [file = ''] = args
  const path = resolve(host.cwd, file)
  const durationSeconds = durationOf('--duration', options.duration)
  if (durationSeconds === 0) throw usageError('--duration: expected more than 0 seconds')
  if (typeof options.experiment === 'string' && durationSeconds !== undefined)
    throw usageError(
      '--duration and --experiment exclude each other: the stages of an experiment say how long it takes',
    )
  if (typeof options.experiment === 'string')
    return loadExperiment(resolve(host.cwd, options.experiment), { file: options.experiment, topology: path })
  const topology = await loadTopology(path, { file })
  return { topology, experiment: defaultExperiment(topology, durationSeconds ?? defaultSeconds, 1) }
}

/** A verdict that is invalid says nothing, and so does not fail. */
const fails = ({ steadyState, slo, invariants, status }: RunResult): boolean =>
  status === 'aborted' || [...steadyState, ...slo, ...invariants].some(({ verdict }) => verdict === 'fail')

import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { defaultExperiment } from '../experiment/default.js'
import type { Experiment } from '../experiment/types.js'
import { usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { formatSeconds, parseDuration } from '../lib/units.js'
import { formatResult } from '../report/result.js'
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import { loadExperiment, loadTopology } from '../system/files.js'
import type { Topology } from '../topology/types.js'
import type { CommandHandler, Invocation } from './command.js'
import type { Host } from './host.js'
import { printJson } from './json.js'

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
  if (typeof options.experiment === 'string')
    return loadExperiment(resolve(host.cwd, options.experiment), { file: options.experiment, topology: path })
  const topology = await loadTopology(path, { file })
  return { topology, experiment: defaultExperiment(topology, durationOf(options.duration), 1) }
}

const durationOf = (text: Invocation['options'][string]): number => {
  const parsed = parseDuration(String(text ?? '60s'))
  if (!parsed.ok) throw usageError(`--duration: ${parsed.message}`, parsed.hint)
  if (parsed.value <= 0) throw usageError('--duration: expected more than 0 seconds')
  return parsed.value
}

const seedOf = (text: Invocation['options'][string]): number | undefined => {
  if (text === undefined) return undefined
  const seed = Number(text)
  if (String(text).trim() === '' || !Number.isSafeInteger(seed) || seed < 0)
    throw usageError(`--seed ${String(text)}: expected a whole number`)
  return seed
}

/** A verdict that is invalid says nothing, and so does not fail. */
const fails = ({ steadyState, slo, invariants, status }: RunResult): boolean =>
  status === 'aborted' || [...steadyState, ...slo, ...invariants].some(({ verdict }) => verdict === 'fail')

import { dirname, resolve } from 'node:path'
import type { Setting } from '../lib/document/settings.js'
import { parseSetting } from '../lib/document/settings.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { formatSeconds } from '../lib/units.js'
import { resultCsv, sweepCsv } from '../report/csv.js'
import { formatResult } from '../report/result.js'
import { formatSweep } from '../report/sweep.js'
import type { RunResult } from '../result/run-result.js'
import { pointResult, type Sweep } from '../result/sweep.js'
import { type Point, replicationPlan } from '../run/replications.js'
import { simulateAll } from '../run/simulate-all.js'
import { parseSource, type Simulated, type SimulationSource } from '../run/source.js'
import { readExperimentFile, readTopologyFile, readTraceBeside } from '../system/files.js'
import { cores } from '../system/proc.js'
import { assertReplaceable, replaceFile } from '../system/replace-file.js'
import { progressBar } from './bar.js'
import type { CommandHandler, Invocation } from './command.js'
import type { Host } from './host.js'
import { printJson } from './json.js'
import { exitCodeOf } from './run-context.js'
import { type SimulateFlags, simulateFlags } from './simulate-flags.js'
import { inAscii } from './terminal.js'
import { uncertainNote } from './uncertain-note.js'

/** Simulated without an experiment and without --duration; named in the help. */
const defaultSeconds = 60

/** With an experiment the verdicts decide the exit code; a look at the declared traffic, or a sweep, has none. */
export const run: CommandHandler = async (invocation): Promise<ExitCode> => {
  const { host } = invocation
  const flags = simulateFlags(invocation)
  const { source, points } = await inputs(invocation, flags)
  if (typeof flags.csv === 'string') assertReplaceable(resolve(host.cwd, flags.csv))
  const note = points[0] && uncertainNote(points[0].simulated.topology)
  if (note !== undefined) host.stderr.write(note)
  const results = await simulated(host, flags, source, points)
  const [first] = results ?? []
  if (results === undefined || first === undefined)
    return host.signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted
  if (flags.sweeps.length > 0) {
    printSweep(host, flags, sweepOf(flags, points, results))
    return exitCodes.ok
  }
  await print(host, flags, first, points[0]?.simulated)
  return flags.experiment === undefined ? exitCodes.ok : exitCodeOf(first)
}

interface PreparedPoint extends Point {
  readonly values: readonly string[]
  readonly simulated: Simulated
}

interface Inputs {
  readonly source: SimulationSource
  readonly points: readonly PreparedPoint[]
}

/** Everything that is wrong is told before anything is simulated, at every point. */
const inputs = async ({ args, host }: Invocation, flags: SimulateFlags): Promise<Inputs> => {
  const [file = ''] = args
  const path = flags.experiment === undefined ? undefined : resolve(host.cwd, flags.experiment)
  const topology = await readTopologyFile(resolve(host.cwd, file), { file })
  const traces: Record<string, string> = {}
  const read = path === undefined ? () => undefined : readTraceBeside(dirname(path))
  const readTrace = (trace: string): string | undefined => {
    const text = traces[trace] ?? read(trace)
    if (text !== undefined) traces[trace] = text
    return text
  }
  const experiment =
    path === undefined ? undefined : { ...(await readExperimentFile(path, flags.experiment ?? path)), traces }
  const source = { topology, experiment, durationSeconds: flags.durationSeconds ?? defaultSeconds }
  const points = combinations(flags).map((values): PreparedPoint => {
    const swept = values.map((value, i) => parseSetting(`${flags.sweeps[i]?.path}=${value}`, '--sweep'))
    const settings: readonly Setting[] = [...flags.settings, ...swept]
    const simulated = parseSource(source, settings, readTrace)
    return { values, settings, simulated, seed: flags.seed ?? simulated.experiment.seed }
  })
  return { source, points }
}

/** Of the values of the sweeps, the last varying fastest; one empty one where nothing is swept. */
const combinations = ({ sweeps }: SimulateFlags): readonly (readonly string[])[] =>
  sweeps.reduce<readonly (readonly string[])[]>(
    (before, { values }) => before.flatMap((some) => values.map((value) => [...some, value])),
    [[]],
  )

/** Undefined: interrupted. */
const simulated = async (
  host: Host,
  flags: SimulateFlags,
  source: SimulationSource,
  points: readonly PreparedPoint[],
): Promise<readonly RunResult[] | undefined> => {
  const plan = replicationPlan(flags.replications, flags.precision)
  const total = points.length * plan.most
  const bar = progressBar(host)
  const seconds = lengthOf(points[0]?.simulated)
  const text = (played: number): string =>
    total === 1
      ? `simulated ${Math.round(played * seconds)} s of ${formatSeconds(seconds)}`
      : `${Math.floor(played)} of ${flags.precision === undefined ? '' : 'at most '}${total} simulations`
  try {
    return await simulateAll({
      source,
      points,
      plan,
      threads: flags.threads ?? cores,
      signal: host.signal,
      now: host.now,
      onProgress: (played) => bar.draw(played / total, text(played)),
    })
  } finally {
    bar.end()
  }
}

const lengthOf = (simulated: Simulated | undefined): number =>
  simulated?.experiment.load.stages.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0) ?? 0

const writeCsv = (host: Host, { csv }: SimulateFlags, text: string): void => {
  if (typeof csv === 'string') replaceFile(resolve(host.cwd, csv), text)
}

const print = async (
  host: Host,
  flags: SimulateFlags,
  result: RunResult,
  simulated: Simulated | undefined,
): Promise<void> => {
  if (flags.csv !== undefined) writeCsv(host, flags, resultCsv(result))
  if (flags.check && simulated !== undefined) await printCheck(host, flags, result, simulated)
  else if (flags.json) printJson(host, result)
  else host.stdout.write(flags.csv === true ? resultCsv(result) : formatResult(result, host.stdout))
}

/** With --json the check alone: it is a document of its own. */
const printCheck = async (
  host: Host,
  flags: SimulateFlags,
  result: RunResult,
  { topology, experiment }: Simulated,
): Promise<void> => {
  // Only now: most simulations are not checked.
  const [{ checkAgainstTheory }, { formatCheck }] = await Promise.all([
    import('../sim/analytic/check.js'),
    import('../report/check.js'),
  ])
  const check = checkAgainstTheory(result, topology, experiment)
  if (flags.json) printJson(host, check)
  else host.stdout.write(`${formatResult(result, host.stdout)}\n${formatCheck(check, host.stdout)}`)
}

const printSweep = (host: Host, flags: SimulateFlags, sweep: Sweep): void => {
  if (flags.csv !== undefined) writeCsv(host, flags, sweepCsv(sweep))
  if (flags.json) printJson(host, sweep)
  else
    host.stdout.write(
      flags.csv === true ? sweepCsv(sweep) : formatSweep(sweep, { ...host.stdout, ascii: inAscii(host.env) }),
    )
}

const sweepOf = (flags: SimulateFlags, points: readonly PreparedPoint[], results: readonly RunResult[]): Sweep => ({
  apiVersion: 'plimsoll/v1',
  kind: 'Sweep',
  topology: { name: points[0]?.simulated.topology.name ?? '' },
  experiment: { name: points[0]?.simulated.experiment.name ?? '' },
  seed: points[0]?.seed ?? 0,
  parameters: flags.sweeps.map(({ path, values, numbers, unit }) => ({
    path,
    values,
    ...(numbers === undefined ? {} : { numbers, unit }),
  })),
  points: points.flatMap(({ values }, i) => {
    const result = results[i]
    return result === undefined ? [] : [{ values, result: pointResult(result) }]
  }),
})

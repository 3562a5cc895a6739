import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { calibrate, type MeasuredRun } from '../calibrate/calibrate.js'
import { differences } from '../calibrate/difference.js'
import type { Estimates } from '../calibrate/moments.js'
import { predictedResponse } from '../calibrate/response.js'
import { invalidInput, usageError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { formatCalibrationChange } from '../report/calibration.js'
import { type Response, responseLines } from '../report/response.js'
import { calibrationFile, loadTopology } from '../system/files.js'
import { replaceFile } from '../system/replace-file.js'
import { readRun, readRunOrigin } from '../system/run-folder.js'
import { formatCalibration, parseCalibration } from '../topology/calibration-file.js'
import { stepFacts } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import type { CommandHandler, Invocation } from './command.js'
import { printJson } from './json.js'
import { inAscii } from './terminal.js'

interface Found {
  readonly file: string
  readonly topology: Topology
}

/** The calibration that is there may be of an earlier shape of the topology; it is about to be replaced anyway. */
const load = async (file: string): Promise<Topology> => {
  try {
    return await loadTopology(file)
  } catch {
    return loadTopology(file, { calibration: false })
  }
}

/** Of --topology, else what the runs recorded, else one that lies where topologies do and means the same. */
const findTopology = async ({ args, options, host }: Invocation, runs: readonly MeasuredRun[]): Promise<Found> => {
  const given = options.topology
  if (typeof given === 'string') {
    const file = resolve(host.cwd, given)
    return { file, topology: await load(file) }
  }
  const origins = args.flatMap((run) => readRunOrigin(run, host.cwd)?.topology ?? [])
  const recorded = origins.find((file) => existsSync(file))
  if (recorded !== undefined) return { file: recorded, topology: await load(recorded) }
  const digests = new Set(runs.map(({ result }) => result.topology.digest))
  for (const folder of [host.cwd, ...args.map((run) => dirname(resolve(host.cwd, run)))]) {
    const file = join(folder, 'topology.yaml')
    if (!existsSync(file) || existsSync(join(folder, 'events.jsonl'))) continue
    const topology = await load(file).catch(() => undefined)
    if (topology !== undefined && digests.has(topology.digest)) return { file, topology }
  }
  throw invalidInput({
    message: 'which topology is to be calibrated?',
    why: 'the runs do not tell where it lies, or it is no longer there',
    hint: '--topology FILE',
  })
}

/** The run's id, which is the name of its folder; a lone file keeps its path. */
const nameOf = (path: string): string => {
  const file = basename(path)
  if (file !== 'result.json') return file.endsWith('.json') ? path : file
  return basename(dirname(resolve(path)))
}

interface Lesson extends Found {
  readonly runs: readonly MeasuredRun[]
}

/** Runs that exist, or that are made now. */
const lessonOf = async (invocation: Invocation): Promise<Lesson> => {
  const { args, options, host } = invocation
  if (options.loads !== undefined) return (await import('./calibrate-loads.js')).measuredLoads(invocation)
  for (const flag of ['knee', 'for', 'repeat'])
    if (options[flag] !== undefined)
      throw usageError(`--${flag}: only with --loads`, 'plimsoll calibrate --loads 10%,45%,70%')
  if (args.length === 0)
    throw usageError('missing required argument: runs to learn from', 'or let it make them: --loads 10%,45%,70%')
  const runs = args.map((path): MeasuredRun => ({ name: nameOf(path), result: readRun(path, host.cwd) }))
  return { ...(await findTopology(invocation, runs)), runs }
}

/** From this ratio of the highest to the lowest rate on there is a curve. */
const curveFrom = 1.5

/** Undefined: one load is no curve. */
const responseOf = (topology: Topology, estimates: Estimates, runs: readonly MeasuredRun[]): Response | undefined => {
  const measured = runs.flatMap(({ result }) => {
    const { all } = result.requests
    if (all?.latency == null) return []
    return [{ result, ratePerSecond: all.ratePerSecond, p95Seconds: all.latency.p95 }]
  })
  const range = [
    Math.min(...measured.map((one) => one.ratePerSecond)),
    Math.max(...measured.map((one) => one.ratePerSecond)),
  ] as const
  const [first] = measured
  if (first === undefined || !(range[1] >= curveFrom * range[0])) return undefined
  return {
    predicted: predictedResponse(topology, estimates, first.result, range),
    measured: measured.map(({ ratePerSecond, p95Seconds }) => ({ ratePerSecond, p95Seconds })),
  }
}

export const run: CommandHandler = async (invocation) => {
  const { options, host } = invocation
  const { file, topology, runs } = await lessonOf(invocation)
  const { estimates, warnings } = calibrate(topology, runs)
  const target = join(dirname(file), calibrationFile)
  const text = formatCalibration(estimates)
  // Read back, so that the digest is that of the file and a name that the file could not hold shows now.
  const calibration = parseCalibration(text, {
    file: target,
    components: Object.keys(topology.components),
    requests: Object.keys(topology.requests),
    steps: [...stepFacts(topology).keys()],
  })
  const response = responseOf(topology, estimates, runs)
  const changes = differences(topology, topology.calibration, estimates)
  const written = options.dryRun !== true
  if (written) replaceFile(target, text)
  if (options.json === true)
    printJson(host, {
      apiVersion: 'plimsoll/v1',
      kind: 'Calibration',
      ...calibration,
      file: target,
      written,
      differences: changes,
      warnings,
      response,
    })
  else {
    const where = relative(host.cwd, target)
    const title = written ? `wrote ${where}` : `would write ${where}`
    host.stdout.write(
      formatCalibrationChange(
        `${title} from ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`,
        changes,
        warnings,
        host.stdout,
      ),
    )
    if (response !== undefined) {
      const { columns } = host.stdout
      host.stdout.write(`\n${responseLines(response, { columns, ascii: inAscii(host.env) }).join('\n')}\n`)
    }
  }
  return exitCodes.ok
}

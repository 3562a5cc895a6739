/** `plimsoll calibrate --loads`: makes the runs that it learns from by itself. */
import { resolve } from 'node:path'
import type { MeasuredRun } from '../calibrate/calibrate.js'
import { engines } from '../catalog/index.js'
import { parseExperiment } from '../experiment/parse.js'
import { steadyText } from '../experiment/steady-text.js'
import type { Experiment } from '../experiment/types.js'
import { targetFailed, usageError } from '../lib/errors.js'
import { parsePercentage, parseRate } from '../lib/units.js'
import { formatMilliseconds, formatRate } from '../report/quantity.js'
import type { RunContext } from '../run/context.js'
import { type Measurement, type MeasureOptions, measureKnee, measureLoads, measureOnce } from '../run/measured-loads.js'
import { openSession } from '../run/session.js'
import { loadExperiment, loadTopology, readText } from '../system/files.js'
import type { Topology } from '../topology/types.js'
import type { Invocation } from './command.js'
import { countOf, durationOf } from './flags.js'

export interface MeasuredLoads {
  /** Absolute path of the topology. */
  readonly file: string
  readonly topology: Topology
  readonly runs: readonly MeasuredRun[]
}

const defaults = { seconds: 20, repeats: 3, kneeSeconds: 8, startPerSecond: 100 } as const

/** The just-in-time compiler optimizes for some ten thousand requests to each process: until then all is dearer, by up to a half. */
const warmUp = { name: 'warm-up', seed: 1, level: { users: 32 }, seconds: 30 } as const

type Load = { readonly share: number } | { readonly ratePerSecond: number }

interface Flags {
  readonly loads: readonly Load[]
  readonly kneePerSecond: number | undefined
  readonly seconds: number
  readonly repeats: number
}

const loadOf = (text: string): Load => {
  const rate = parseRate(text)
  if (rate.ok && rate.value > 0) return { ratePerSecond: rate.value }
  const share = parsePercentage(text)
  if (share.ok && share.value > 0 && share.value <= 1) return { share: share.value }
  throw usageError(`--loads: expected a share of the knee up to 100% or a rate, got "${text}"`, '--loads 10%,45%,70%')
}

const flagsOf = ({ options }: Invocation): Flags => {
  const loads = String(options.loads)
    .split(',')
    .map((text) => loadOf(text.trim()))
  const knee = options.knee === undefined ? undefined : parseRate(String(options.knee))
  if (knee !== undefined && !(knee.ok && knee.value > 0))
    throw usageError(`--knee: expected a rate, got "${options.knee}"`, '--knee 600/s')
  return {
    loads,
    kneePerSecond: knee?.ok === true ? knee.value : undefined,
    seconds: durationOf('--for', options.for) ?? defaults.seconds,
    repeats: countOf('--repeat', options.repeat, 20) ?? defaults.repeats,
  }
}

interface Subject {
  readonly topology: Topology
  readonly topologyFile: string
  /** Of which the mix and the pins count; undefined: a topology was given. */
  readonly experiment: Experiment | undefined
}

/** The existing calibration may be of an earlier shape, and is about to be replaced. */
const subjectOf = async ({ args, host }: Invocation): Promise<Subject> => {
  const [file = 'topology.yaml', ...more] = args
  if (more.length > 0) throw usageError('--loads takes one experiment or topology, whose load it varies')
  const path = resolve(host.cwd, file)
  if (!/^kind:[ \t]*Experiment\b/m.test(await readText(path, file)))
    return {
      topology: await loadTopology(path, { file, calibration: false }),
      topologyFile: path,
      experiment: undefined,
    }
  const { experiment, topology, topologyPath } = await loadExperiment(path, { file, calibration: false })
  return { topology, topologyFile: topologyPath, experiment }
}

const told = ({ run: { result }, disturbed }: Measurement): string => {
  const { all } = result.requests
  const latency = `p50 ${formatMilliseconds(all?.latency?.p50)} p99 ${formatMilliseconds(all?.latency?.p99)} ms`
  const why = disturbed.map((one) => one.why).join('; ')
  return `${formatRate(all?.ratePerSecond)}  ${latency}${why === '' ? '' : `  not counted: ${why}`}`
}

export const measuredLoads = async (invocation: Invocation): Promise<MeasuredLoads> => {
  const { host } = invocation
  const flags = flagsOf(invocation)
  const { topology, topologyFile, experiment } = await subjectOf(invocation)
  const conditions = { topology: topologyFile, mix: experiment?.load.mix, pin: experiment?.placement?.pin }
  const note = (text: string): void => {
    host.stderr.write(`${text}\n`)
  }
  const startPerSecond =
    flags.kneePerSecond ??
    (topology.traffic?.mode === 'open' ? topology.traffic.ratePerSecond : defaults.startPerSecond)
  const session = await openSession(
    contextOf(invocation, topology, topologyFile, steadyText({ ...conditions, ...warmUp, warmupSeconds: 0 })),
  )
  try {
    const options: MeasureOptions = {
      session,
      conditions,
      onMeasured: (name, measurement) => note(`  ${name.padEnd(16)} ${told(measurement)}`),
    }
    await measureOnce(options, warmUp)
    const knee = await kneeOf(options, flags, startPerSecond)
    if (knee !== undefined) note(`  knee: ${formatRate(knee)}`)
    const ratesPerSecond = flags.loads.map((load) => ('share' in load ? load.share * (knee ?? 0) : load.ratePerSecond))
    const measurements = await measureLoads(options, {
      ratesPerSecond,
      tiltedUpToPerSecond: tiltedUpTo(knee, ratesPerSecond),
      mix: conditions.mix ?? usualMix(topology),
      repeats: flags.repeats,
      seconds: flags.seconds,
    })
    host.signal.throwIfAborted()
    return { file: topologyFile, topology, runs: accepted(measurements, ratesPerSecond) }
  } finally {
    await session.close()
  }
}

/** Half of the knee; where nobody knows that, all but the highest load. */
const tiltedUpTo = (kneePerSecond: number | undefined, ratesPerSecond: readonly number[]): number => {
  if (kneePerSecond !== undefined) return kneePerSecond / 2
  const highest = Math.max(...ratesPerSecond)
  return Math.max(0, ...ratesPerSecond.filter((rate) => rate < highest))
}

/** Classes that follow from others have no share of their own. */
const usualMix = ({ requests }: Topology): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.values(requests).flatMap(({ id, share, derivedFrom }) => (derivedFrom === undefined ? [[id, share]] : [])),
  )

/** Undefined: no load is a share of it. */
const kneeOf = async (options: MeasureOptions, flags: Flags, startPerSecond: number): Promise<number | undefined> => {
  if (!flags.loads.some((load) => 'share' in load)) return undefined
  if (flags.kneePerSecond !== undefined) return flags.kneePerSecond
  const knee = await measureKnee(options, { startPerSecond, seconds: defaults.kneeSeconds })
  if (knee === undefined)
    throw targetFailed(
      'the knee could not be found',
      `not even ${formatRate(startPerSecond / 16)} was carried with a p99 latency below 50 ms`,
      'look at the stack with plimsoll run, or name the knee with --knee',
    )
  return knee
}

/** Only undisturbed runs teach. Throws when a load has none: the law would rest on the others alone. */
const accepted = (measurements: readonly Measurement[], ratesPerSecond: readonly number[]): readonly MeasuredRun[] => {
  const good = measurements.filter(({ disturbed }) => disturbed.length === 0)
  for (const [i, rate] of ratesPerSecond.entries()) {
    const ofLoad = measurements.filter((_, n) => n % ratesPerSecond.length === i)
    if (ofLoad.some((measurement) => good.includes(measurement))) continue
    throw targetFailed(
      `no run at ${formatRate(rate)} could be trusted`,
      ofLoad
        .at(-1)
        ?.disturbed.map(({ why }) => why)
        .join('; '),
      'close other programs and calibrate again; a lower load where the stack itself was the limit',
    )
  }
  return good.map(({ run }) => ({ name: run.folder.split('/').at(-1) ?? run.folder, result: run.result }))
}

const contextOf = ({ host }: Invocation, topology: Topology, topologyFile: string, text: string): RunContext => ({
  topology,
  topologyFile,
  calibrationText: undefined,
  experiment: parseExperiment(text, { file: 'calibrate', topology }),
  experimentFile: topologyFile,
  seed: 1,
  cwd: host.cwd,
  runsFolder: undefined,
  packageFolder: host.packageFolder,
  runtime: undefined,
  engines,
  purpose: 'run',
  signal: host.signal,
  onEvent: () => {},
  onLaunch: () => {},
  onNote: (message) => host.stderr.write(`${message}\n`),
})

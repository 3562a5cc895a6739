/** What the flags of `simulate` mean; whatever is wrong with one is a usage error that names it. */
import { parseSetting, type Setting } from '../lib/document/settings.js'
import { usageError } from '../lib/errors.js'
import { parseSweep, type Sweep } from '../lib/sweep-values.js'
import { parsePercentage } from '../lib/units.js'
import type { Invocation } from './command.js'
import { countOf, durationOf, seedOf } from './flags.js'

export interface SimulateFlags {
  readonly experiment: string | undefined
  readonly durationSeconds: number | undefined
  readonly settings: readonly Setting[]
  readonly sweeps: readonly Sweep[]
  readonly seed: number | undefined
  readonly replications: number | undefined
  /** Relative half-width. */
  readonly precision: number | undefined
  readonly threads: number | undefined
  /** Theory beside the result. */
  readonly check: boolean
  readonly json: boolean
  /** A file, or true for stdout. */
  readonly csv: string | true | undefined
}

export const maxReplications = 10_000
export const maxThreads = 256

/** Points of a sweep. */
const maxPoints = 1000

export const simulateFlags = ({ options }: Invocation): SimulateFlags => {
  const many = (name: string): readonly string[] => {
    const value = options[name]
    return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : []
  }
  const experiment = typeof options.experiment === 'string' ? options.experiment : undefined
  const durationSeconds = durationOf('--duration', options.duration)
  if (durationSeconds === 0) throw usageError('--duration: expected more than 0 seconds')
  if (experiment !== undefined && durationSeconds !== undefined)
    throw usageError(
      '--duration and --experiment exclude each other: the stages of an experiment say how long it takes',
      '--set experiment.load.stages.0.for=60s changes a stage',
    )
  const flags: SimulateFlags = {
    experiment,
    durationSeconds,
    settings: many('set').map((text) => parseSetting(text)),
    sweeps: many('sweep').map(parseSweep),
    seed: seedOf(options.seed),
    replications: countOf('--replications', options.replications, maxReplications),
    precision: precisionOf(options.precision),
    threads: countOf('--threads', options.threads, maxThreads),
    check: options.check === true,
    json: options.json === true,
    csv: options.csv === true || typeof options.csv === 'string' ? options.csv : undefined,
  }
  checkPaths(flags)
  checkSweeps(flags)
  if (flags.check && flags.sweeps.length > 0)
    throw usageError('--check: theory is set beside one simulation, not beside a sweep', '--set takes one value')
  if (flags.check && flags.csv === true)
    throw usageError('--check: the CSV on stdout leaves no place for it', '--csv FILE writes the numbers to a file')
  if (flags.json && flags.csv === true)
    throw usageError('--json and --csv both go to stdout', '--csv FILE writes the table of numbers to a file')
  return flags
}

const precisionOf = (value: Invocation['options'][string]): number | undefined => {
  if (value === undefined) return undefined
  const parsed = parsePercentage(String(value))
  if (!parsed.ok) throw usageError(`--precision: ${parsed.message}`, parsed.hint ?? 'such as --precision 2%')
  if (parsed.value >= 0.001 && parsed.value <= 1) return parsed.value
  throw usageError(`--precision: expected 0.1% to 100%, got "${value}"`, 'such as --precision 2%')
}

interface Named {
  readonly flag: string
  readonly path: string
}

const named = ({ settings, sweeps }: SimulateFlags): readonly Named[] => [
  ...settings.map(({ flag, path }) => ({ flag, path: path.map(({ name }) => name).join('.') })),
  ...sweeps.map(({ path }) => ({ flag: '--sweep', path })),
]

/** Paths that nothing would come of. */
const checkPaths = (flags: SimulateFlags): void => {
  for (const { flag, path } of named(flags)) {
    const [first, second] = path.split('.')
    if (first === 'experiment' && flags.experiment === undefined)
      throw usageError(`${flag} ${path}: there is no experiment`, 'give one with --experiment')
    if (first === 'experiment' && second === 'topology')
      throw usageError(`${flag} ${path}: the topology is the one that is given`)
    if (first === 'experiment' && second === 'seed' && flags.seed !== undefined)
      throw usageError(`${flag} ${path}: --seed is the seed`)
    if (first === 'traffic' && second !== 'thinkTime' && flags.experiment !== undefined)
      throw usageError(
        `${flag} ${path}: with an experiment its stages say the load`,
        `such as ${flag} experiment.load.stages.0.hold=…`,
      )
  }
}

const checkSweeps = (flags: SimulateFlags): void => {
  const { sweeps } = flags
  if (sweeps.length > 2)
    throw usageError(
      `--sweep: at most two, got ${sweeps.length}: ${sweeps.map(({ path }) => path).join(', ')}`,
      'set one of them with --set, or sweep it in another run',
    )
  const points = sweeps.reduce((product, { values }) => product * values.length, 1)
  if (points > maxPoints) throw usageError(`--sweep: ${points} points; at most ${maxPoints} are simulated`)
  const paths = named(flags).map(({ path }) => path)
  const twice = sweeps.find(({ path }) => paths.filter((other) => other === path).length > 1)
  if (twice !== undefined) throw usageError(`--sweep ${twice.path}: it is given twice`)
}

/** Topologies and experiments from files. */
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { engineRegistry } from '../catalog/index.js'
import type { Experiment } from '../experiment/types.js'
import { invalidInput, PlimsollError } from '../lib/errors.js'
import { formatBytes } from '../lib/units.js'
import { parseTopology } from '../topology/parse.js'
import type { Topology } from '../topology/types.js'

/** Far more than any file of ours; a disk image given by mistake stays on its disk. */
const maxBytes = 8 * 1024 * 1024

export const calibrationFile = 'calibration.yaml'

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its symbolic links go in a circle',
}

/** Throws PlimsollError (exit code 3) when it cannot be read; `named` is how the message names it. */
export const readText = async (path: string, named: string = path): Promise<string> => {
  try {
    const { size } = await stat(path)
    if (size <= maxBytes) return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const why = Object.hasOwn(causes, code) ? causes[code] : error instanceof Error ? error.message : String(error)
    throw invalidInput({ message: `cannot read ${named}: ${why}` })
  }
  throw invalidInput({ message: `cannot read ${named}: it has more than ${formatBytes(maxBytes)}` })
}

const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return readText(path)
  }
}

const kinds = {
  Topology: { article: 'a topology', hint: 'plimsoll check, plan, simulate, generate and up take it' },
  Experiment: { article: 'an experiment', hint: 'plimsoll check and run take it; so does simulate --experiment' },
} as const

/** One error where the other kind of file was given, instead of one for each of its keys. */
const refuseOtherKind = (text: string, file: string, wanted: keyof typeof kinds): void => {
  const written = /^kind:[ \t]*(Topology|Experiment)\b/m.exec(text)
  const kind = written?.[1] as keyof typeof kinds | undefined
  if (written === null || kind === undefined || kind === wanted) return
  const line = text.slice(0, written.index).split('\n').length
  throw invalidInput({
    message: `expected ${kinds[wanted].article}, got ${kinds[kind].article}`,
    position: { file, line, column: 1 },
    excerpt: { line: text.split('\n')[line - 1] ?? '', length: written[0].length },
    hint: kinds[kind].hint,
  })
}

export interface LoadOptions {
  /** How messages name the file; default: its path. */
  readonly file?: string
  /** false: leave out the calibration.yaml that stands beside it. */
  readonly calibration?: boolean
}

export interface LoadedExperiment {
  readonly experiment: Experiment
  readonly topology: Topology
  /** Path of the topology, resolved. */
  readonly topologyPath: string
  /** Of the calibration.yaml beside it; undefined: there is none. */
  readonly calibrationText: string | undefined
}

/** Reads traces that an experiment in `folder` names; undefined: it cannot be read. */
export const readTraceBeside =
  (folder: string) =>
  (file: string): string | undefined => {
    try {
      return readFileSync(resolve(folder, file), 'utf8')
    } catch {
      return undefined
    }
  }

/** An experiment with its topology: the one that it names, or `topology` (a path). */
export const loadExperiment = async (
  path: string,
  options: LoadOptions & { readonly topology?: string | undefined } = {},
): Promise<LoadedExperiment> => {
  // Loaded here so that `plan`, which starts in milliseconds, does not load the experiment language.
  const { experimentTopologyPath, parseExperiment, problemsWithoutTopology } = await import('../experiment/parse.js')
  const file = options.file ?? path
  const { text } = await readExperimentFile(path, file)
  const written = options.topology ?? experimentTopologyPath(text, file)
  const below = (folder: string): string =>
    options.topology === undefined && !isAbsolute(written) ? join(folder, written) : written
  const named = below(dirname(file))
  const topologyPath = resolve(below(dirname(path)))
  const topology = await loadTopology(topologyPath, {
    file: named,
    ...(options.calibration === undefined ? {} : { calibration: options.calibration }),
  }).catch((error: unknown) => {
    if (!(error instanceof PlimsollError)) throw error
    // A topology that cannot be read at all is told where the experiment names it.
    const [first] = error.problems
    const isNamed = options.topology === undefined && error.problems.length === 1
    const unreadable = isNamed && first?.position === undefined ? first : undefined
    const own = problemsWithoutTopology(text, file, unreadable)
    throw new PlimsollError(error.exitCode, [...own, ...(unreadable === undefined ? error.problems : [])])
  })
  const experiment = parseExperiment(text, { file, topology, readTrace: readTraceBeside(dirname(path)) })
  const calibrationText =
    options.calibration === false ? undefined : await readIfThere(join(dirname(topologyPath), calibrationFile))
  return { experiment, topology, topologyPath, calibrationText }
}

export interface TextFile {
  /** As messages name it. */
  readonly file: string
  readonly text: string
}

export interface TopologyFile extends TextFile {
  /** The calibration.yaml that stands beside it. */
  readonly calibration?: TextFile
}

/** The texts of a topology, unread. */
export const readTopologyFile = async (path: string, options: LoadOptions = {}): Promise<TopologyFile> => {
  const file = options.file ?? path
  const text = await readText(path, file)
  refuseOtherKind(text, file, 'Topology')
  const calibrated = options.calibration === false ? undefined : await readIfThere(join(dirname(path), calibrationFile))
  if (calibrated === undefined) return { file, text }
  return { file, text, calibration: { file: join(dirname(file), calibrationFile), text: calibrated } }
}

/** The text of an experiment, unread. */
export const readExperimentFile = async (path: string, file: string): Promise<TextFile> => {
  const text = await readText(path, file)
  refuseOtherKind(text, file, 'Experiment')
  return { file, text }
}

/** A topology, with the calibration.yaml that stands beside it. */
export const loadTopology = async (path: string, options: LoadOptions = {}): Promise<Topology> => {
  const { text, ...file } = await readTopologyFile(path, options)
  return parseTopology(text, { ...file, registry: engineRegistry })
}

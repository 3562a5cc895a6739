/** Writes run folders as the run happens, and reads results back. Their form is src/result/run-folder.ts. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { invalidInput, targetFailed } from '../lib/errors.js'
import { parseRunResult } from '../result/parse.js'
import type { RunEvent } from '../result/run-event.js'
import { type RunOrigin, runFiles, runId, runsFolder } from '../result/run-folder.js'
import type { RunResult } from '../result/run-result.js'
import { makeFolder } from './make-folder.js'

export interface RunFolderOptions {
  readonly cwd: string
  /** Relative to `cwd`; default `.plimsoll/runs`. */
  readonly runsFolder?: string | undefined
  readonly startedAt: Date
  readonly engine: 'sim' | 'stack'
  readonly experimentName: string
  /** Texts as they were read; the copies refer to each other, so that the folder runs again as it stands. */
  readonly topologyText: string
  readonly calibrationText?: string | undefined
  readonly experimentText?: string | undefined
  readonly origin?: RunOrigin | undefined
  readonly prediction?: RunResult | undefined
}

export interface RunFolder {
  readonly id: string
  /** Absolute. */
  readonly path: string
  /** The line is with the operating system when this returns: a `kill -9` of plimsoll loses none. */
  append(event: RunEvent): void
  /** Written beside and renamed, so that `result.json` is whole or absent. Closes the folder. */
  finish(result: RunResult): void
  /** Closes the folder of a run that has no result. Idempotent. */
  close(): void
}

export const createRunFolder = (options: RunFolderOptions): RunFolder => {
  const parent = resolve(options.cwd, options.runsFolder ?? runsFolder)
  const path = create(parent, runId(options.startedAt, options.experimentName, options.engine))
  writeFileSync(join(path, runFiles.topology), options.topologyText)
  if (options.calibrationText !== undefined) writeFileSync(join(path, runFiles.calibration), options.calibrationText)
  if (options.experimentText !== undefined)
    writeFileSync(join(path, runFiles.experiment), besideTopology(options.experimentText))
  if (options.origin !== undefined)
    writeFileSync(join(path, runFiles.origin), `${JSON.stringify(options.origin, null, 1)}\n`)
  if (options.prediction !== undefined) writePrediction(path, options.prediction)
  let events: number | undefined = openSync(join(path, runFiles.events), 'a')
  const close = (): void => {
    if (events !== undefined) closeSync(events)
    events = undefined
  }
  return {
    id: basename(path),
    path,
    append: (event) => {
      if (events !== undefined) writeSync(events, `${JSON.stringify(event)}\n`)
    },
    finish: (result) => {
      close()
      writeWhole(join(path, runFiles.result), result)
    },
    close,
  }
}

/** What the simulator says of the run in this folder, instead of what it said before. */
export const writePrediction = (folder: string, result: RunResult): void =>
  writeWhole(join(folder, runFiles.prediction), result)

const writeWhole = (target: string, result: RunResult): void => {
  const file = openSync(`${target}.tmp`, 'w')
  try {
    writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${target}.tmp`, target)
}

/** `mkdir` decides who has the name: of two runs in one second, the second gets `-2`. */
const create = (parent: string, id: string): string => {
  try {
    makeFolder(parent)
    for (let n = 1; ; n++) {
      const path = join(parent, n === 1 ? id : `${id}-${n}`)
      try {
        mkdirSync(path)
        return path
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw targetFailed(`cannot create a run folder in ${parent}`, why, 'run plimsoll in a folder that you may write to')
  }
}

const besideTopology = (experimentText: string): string => {
  const document = parseDocument(experimentText)
  document.set('topology', runFiles.topology)
  return document.toString({ lineWidth: 0 })
}

/**
 * The result of a run: `path` is a result file, a run folder, or the id of a run below `cwd`. `-` is for the caller to
 * handle.
 */
export const readRun = (path: string, cwd: string): RunResult => {
  const file = locate(path, cwd)
  return parseRunResult(readText(file), path)
}

/** Where the run at `path` came from; undefined: it does not tell (a lone result.json). */
export const readRunOrigin = (path: string, cwd: string): RunOrigin | undefined => {
  const file = join(dirname(locate(path, cwd)), runFiles.origin)
  if (!existsSync(file)) return undefined
  const origin = JSON.parse(readText(file)) as Partial<RunOrigin>
  return typeof origin.topology === 'string' && typeof origin.experiment === 'string'
    ? { topology: origin.topology, experiment: origin.experiment }
    : undefined
}

const locate = (path: string, cwd: string): string => {
  const candidates = [resolve(cwd, path), resolve(cwd, runsFolder, path)]
  const found = candidates.find(existsSync)
  if (found === undefined)
    throw invalidInput({
      message: `no run at ${path}`,
      why: 'there is neither such a file or folder, nor a run of that name in .plimsoll/runs',
      hint: 'give a run folder, its result.json, or the name of a folder in .plimsoll/runs',
    })
  if (!statSync(found).isDirectory()) {
    if (basename(found) === runFiles.events) return resultOf(dirname(found), path)
    return found
  }
  return resultOf(found, path)
}

const resultOf = (folder: string, path: string): string => {
  const result = join(folder, runFiles.result)
  if (existsSync(result)) return result
  const events = join(folder, runFiles.events)
  if (!existsSync(events))
    throw invalidInput({
      message: `${path} is no run folder: it holds neither ${runFiles.result} nor ${runFiles.events}`,
      hint: 'runs lie in .plimsoll/runs',
    })
  const seconds = readEvents(folder).filter((event) => event.type === 'second').length
  throw invalidInput({
    message: `${path} has no ${runFiles.result}: the run was killed, or is still going`,
    why: `${runFiles.events} holds the ${seconds} second${seconds === 1 ? '' : 's'} that it had seen`,
    hint: 'run the experiment again, or read events.jsonl (one JSON document a line)',
  })
}

/** The events of a run folder, of a killed run as well: a last line that was cut is left out. */
export const readEvents = (folder: string): RunEvent[] =>
  readText(join(folder, runFiles.events))
    .split('\n')
    .flatMap((line) => {
      try {
        const event: unknown = JSON.parse(line)
        return typeof event === 'object' && event !== null && 'type' in event ? [event as RunEvent] : []
      } catch {
        return []
      }
    })

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw invalidInput({ message: `cannot read ${file}`, why: error instanceof Error ? error.message : String(error) })
  }
}

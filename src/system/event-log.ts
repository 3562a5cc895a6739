/** Reads the events of a run: all that are there, or as they are written. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { invalidInput, type Problem } from '../lib/errors.js'
import { parseRunEvent, parseRunResult } from '../result/parse.js'
import type { RunEvent } from '../result/run-event.js'
import { runFiles, runsFolder } from '../result/run-folder.js'
import type { RunResult } from '../result/run-result.js'

export interface RecordedRun {
  /** In order of time. */
  readonly events: readonly RunEvent[]
  /** Undefined: it was killed, or is still going. */
  readonly result: RunResult | undefined
  readonly prediction: RunResult | undefined
  /** What is wrong with the end of its events; what came before it is whole. */
  readonly cut: Problem | undefined
}

/** A run folder (or a file in it), the id of a run below `cwd`, a lone result; undefined: the newest run below `cwd`. */
export const findRun = (name: string | undefined, cwd: string): string => {
  if (name === undefined) return newestRun(cwd)
  const found = [resolve(cwd, name), resolve(cwd, runsFolder, name)].find(existsSync)
  if (found === undefined)
    throw invalidInput({
      message: `no run at ${name}`,
      why: `there is neither such a file or folder, nor a run of that name in ${runsFolder}`,
      hint: `give a run folder, or the name of a folder in ${runsFolder}`,
    })
  if (statSync(found).isDirectory()) return found
  return existsSync(join(dirname(found), runFiles.events)) ? dirname(found) : found
}

/** Ids sort by time. */
const newestRun = (cwd: string): string => {
  const parent = resolve(cwd, runsFolder)
  const ids = existsSync(parent)
    ? readdirSync(parent).filter((id) => existsSync(join(parent, id, runFiles.events)))
    : []
  const newest = ids.sort().at(-1)
  if (newest !== undefined) return join(parent, newest)
  throw invalidInput({
    message: `no run in ${runsFolder}`,
    hint: 'plimsoll run <experiment> makes one; or give the folder of a run that lies elsewhere',
  })
}

/** `path` is what `findRun` found; `name` is how errors call it. */
export const readRecordedRun = (path: string, name: string): RecordedRun => {
  if (!statSync(path).isDirectory()) {
    const result = parseRunResult(readText(path), name)
    return { events: eventsOf(result), result, prediction: undefined, cut: undefined }
  }
  const result = readResult(path, name, runFiles.result)
  const prediction = readResult(path, name, runFiles.prediction)
  const file = join(path, runFiles.events)
  if (!existsSync(file)) {
    if (result !== undefined) return { events: eventsOf(result), result, prediction, cut: undefined }
    throw invalidInput({
      message: `${name} is no run folder: it holds no ${runFiles.events}`,
      hint: `runs lie in ${runsFolder}`,
    })
  }
  const shown = join(name, runFiles.events)
  const lines = readText(file).split('\n')
  const last = lines.pop() ?? ''
  const isCut = last !== '' && !isJson(last)
  if (last !== '' && !isCut) lines.push(last)
  const events = lines.map((line, i) => parseRunEvent(line, shown, i + 1))
  const cut = isCut ? cutOff(shown, lines.length + 1, last) : undefined
  const [first] = events
  if (first === undefined)
    throw invalidInput(cut ?? { message: `${shown} is empty`, why: 'the run ended before its load began' })
  if (first.type !== 'started')
    throw invalidInput({
      message: `a run begins with an event of type "started", this one with "${first.type}"`,
      position: { file: shown, line: 1, column: 1 },
      hint: 'the beginning of the file is missing; run the experiment again',
    })
  return { events: events.toSorted((a, b) => a.at - b.at), result, prediction, cut }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What a run wrote ends with a newline. */
const cutOff = (file: string, line: number, text: string): Problem => ({
  message: 'the line is cut off',
  position: { file, line, column: text.length + 1 },
  why: 'whoever wrote it was killed in the middle, the disk was full, or the file was copied while it grew',
  hint: 'everything before it is shown; remove the line to be rid of this message',
})

/** A second is over when what happens at its end begins. */
const eventsOf = (result: RunResult): readonly RunEvent[] =>
  [...result.series, ...result.events].sort((a, b) => a.at - b.at)

const readResult = (folder: string, name: string, file: string): RunResult | undefined =>
  existsSync(join(folder, file)) ? parseRunResult(readText(join(folder, file)), join(name, file)) : undefined

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw invalidInput({ message: `cannot read ${file}`, why: error instanceof Error ? error.message : String(error) })
  }
}

const newline = 10

/** Between two looks at a file that grows. */
const everyMilliseconds = 200

/** The result comes soon after the last event, or never. */
const looksForResult = 25

export interface Growing {
  /** What was written since the last time, in order. */
  readonly onEvents: (events: readonly RunEvent[]) => void
  /** Once there is one. */
  readonly onPrediction: (result: RunResult) => void
}

/**
 * Reads the events of a run as they are written, from the first on, until the run has ended; then the result that it left, or
 * undefined where it left none. Undefined as well when `signal` is aborted. Rejects for a line that is no event.
 */
export const followRun = async (
  folder: string,
  name: string,
  signal: AbortSignal,
  { onEvents, onPrediction }: Growing,
): Promise<RunResult | undefined> => {
  const shown = join(name, runFiles.events)
  const path = join(folder, runFiles.events)
  if (!existsSync(path)) throw invalidInput({ message: `${name} holds no ${runFiles.events} to follow` })
  const file = openSync(path, 'r')
  const chunk = Buffer.alloc(1 << 16)
  let rest = Buffer.alloc(0)
  let line = 0
  let isPredicted = false
  /** Looks since the run has ended. */
  let looks = 0
  try {
    while (!signal.aborted) {
      const prediction = isPredicted ? undefined : readResult(folder, name, runFiles.prediction)
      if (prediction !== undefined) {
        isPredicted = true
        onPrediction(prediction)
      }
      const hasResult = existsSync(join(folder, runFiles.result))
      const events: RunEvent[] = []
      for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
        rest = Buffer.concat([rest, chunk.subarray(0, read)])
        for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
          events.push(parseRunEvent(rest.toString('utf8', 0, end), shown, ++line))
          rest = rest.subarray(end + 1)
        }
      }
      if (events.length > 0) onEvents(events)
      if (looks > 0 || events.some(({ type }) => type === 'ended')) looks++
      if (hasResult) return readResult(folder, name, runFiles.result)
      if (looks > looksForResult) return undefined
      await sleep(everyMilliseconds, undefined, { signal }).catch(() => undefined)
    }
    return undefined
  } finally {
    closeSync(file)
  }
}

/** How a run that `findRun` found is called in what is told of it. */
export const nameOfRun = (path: string, name: string | undefined): string => name ?? join(runsFolder, basename(path))

/** Watches a run: the replay of one that is over, or one that goes on somewhere else. */
import { usageError } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import type { RunResult } from '../result/run-result.js'
import { findRun, followRun, nameOfRun, type RecordedRun, readRecordedRun } from '../system/event-log.js'
import { readRun } from '../system/run-folder.js'
import { openLive, openReplay, type ScreenTerminal } from '../tui/open.js'
import { fastest, slowest } from '../tui/player.js'
import type { CommandHandler, Invocation } from './command.js'
import type { Host } from './host.js'
import { runProgress } from './progress.js'
import { aborted, sessionOptions, tellProblem } from './screen.js'

export const run: CommandHandler = async (invocation) => {
  const { host, args, options } = invocation
  const path = findRun(args[0], host.cwd)
  const name = nameOfRun(path, args[0])
  const speed = speedOf(options.speed)
  const prediction = typeof options.prediction === 'string' ? readRun(options.prediction, host.cwd) : undefined
  if (options.follow === true) {
    if (options.speed !== undefined) throw usageError('--speed: a run that goes on has a speed of its own')
    return host.terminal === undefined
      ? followPlainly(host, path, name)
      : follow(host, host.terminal, path, name, prediction)
  }
  const recorded = readRecordedRun(path, name)
  const replayed = prediction === undefined ? recorded : { ...recorded, prediction }
  if (host.terminal === undefined) tellPlainly(host, recorded)
  else await replay(host, host.terminal, replayed, speed ?? 1)
  // What can be shown has been shown; that it is not all is still an error.
  if (recorded.cut === undefined) return exitCodes.ok
  tellProblem(host, recorded.cut)
  return exitCodes.invalidInput
}

const speedOf = (value: Invocation['options'][string]): number | undefined => {
  if (value === undefined) return undefined
  const speed = Number(String(value).replace(/[x×]$/, ''))
  if (speed >= slowest && speed <= fastest) return speed
  throw usageError(`--speed: expected a number from ${slowest} to ${fastest}, got "${value}"`, 'for example --speed 4')
}

const replay = async (host: Host, terminal: ScreenTerminal, recorded: RecordedRun, speed: number): Promise<void> => {
  const { events, result, prediction, cut } = recorded
  const session = await openReplay({ ...sessionOptions(host, terminal), events, outcome: result, speed })
  try {
    if (prediction !== undefined) session.predict(prediction)
    if (cut !== undefined)
      session.note(`line ${cut.position?.line} of the events is cut off: this is all there is`, true)
    await leaving(session.left, host.signal)
  } finally {
    session.close()
  }
}

/** Rejects when the dashboard failed. */
const leaving = async (left: Awaited<ReturnType<typeof openReplay>>['left'], signal: AbortSignal): Promise<void> => {
  const departure = await Promise.race([left, aborted(signal)])
  if (departure !== 'aborted' && departure.kind === 'crashed') throw departure.error
}

const follow = async (
  host: Host,
  terminal: ScreenTerminal,
  path: string,
  name: string,
  prediction: RunResult | undefined,
): Promise<ExitCode> => {
  const session = await openLive({ ...sessionOptions(host, terminal), owns: false })
  const over = new AbortController()
  try {
    if (prediction !== undefined) session.predict(prediction)
    const following = followRun(path, name, AbortSignal.any([host.signal, over.signal]), {
      onEvents: (events) => session.events(events),
      onPrediction: (result) => {
        if (prediction === undefined) session.predict(result)
      },
    }).then((result) => {
      if (result !== undefined) session.finish(result)
    })
    // A line that is no event ends it; the end of the run does not.
    await Promise.race([leaving(session.left, host.signal), following.then(() => new Promise<never>(() => {}))])
  } finally {
    over.abort()
    session.close()
  }
  return exitCodes.ok
}

const tellPlainly = (host: Host, { events, result }: RecordedRun): void => {
  const progress = runProgress(host.stdout)
  for (const event of events) progress.event(event)
  progress.end()
  tellEnd(host, events.findLast(({ type }) => type === 'ended') !== undefined, result)
}

const followPlainly = async (host: Host, path: string, name: string): Promise<ExitCode> => {
  const progress = runProgress(host.stdout)
  let hasEnded = false
  const result = await followRun(path, name, host.signal, {
    onEvents: (events) => {
      for (const event of events) progress.event(event)
      hasEnded ||= events.some(({ type }) => type === 'ended')
    },
    onPrediction: () => {},
  })
  progress.end()
  if (!host.signal.aborted) tellEnd(host, hasEnded, result)
  return exitCodes.ok
}

const tellEnd = (host: Host, hasEnded: boolean, result: RunResult | undefined): void => {
  if (result !== undefined) host.stdout.write(`${result.status} after ${Math.round(result.durationSeconds)} s\n`)
  else
    host.stdout.write(
      hasEnded ? 'it has ended and left no result\n' : 'no end is recorded: it goes on, or was killed\n',
    )
}

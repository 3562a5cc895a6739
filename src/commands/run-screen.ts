/** `run --tui`: the same run with its events on a screen. What it prints comes when the screen has been left. */
import { PlimsollError } from '../lib/errors.js'
import type { ExitCode } from '../lib/exit-codes.js'
import type { Placement } from '../result/placement.js'
import type { RunResult } from '../result/run-result.js'
import type { RunContext } from '../run/context.js'
import { predict } from '../run/predict.js'
import { type LiveSession, openLive, type ScreenTerminal } from '../tui/open.js'
import type { Host, Output } from './host.js'
import { runProgress } from './progress.js'
import type { PreparedRun } from './run-context.js'
import { aborted, sessionOptions } from './screen.js'

/** Before the load begins; a simulation that takes longer would rather be looked at afterwards (`--on both`). */
const predictionSeconds = 15

/** `conducts` is the run, given where to print and whom to tell. */
export const onScreen = async (
  host: Host,
  terminal: ScreenTerminal,
  prepared: PreparedRun,
  conducts: (host: Host, prepared: PreparedRun) => Promise<ExitCode>,
): Promise<ExitCode> => {
  const session = await openLive({ ...sessionOptions(host, terminal), owns: true })
  const held = heldOutputs(host)
  const close = (): void => {
    session.close()
    held.release()
  }
  const watched = watchedBy(session, host, prepared)
  // Once the screen is left, everything goes where it goes without one.
  void session.left.then((departure) => {
    close()
    if (departure.kind === 'quit') return
    watched.leaveScreen()
    if (departure.kind === 'crashed') host.stderr.write(`the dashboard failed, the run goes on: ${departure.error}\n`)
  })
  const onAbort = (): void => session.activity('stopping: undoing what was done; Ctrl-C again forces')
  host.signal.addEventListener('abort', onAbort, { once: true })
  try {
    const code = await conducts(held.host, watched.prepared)
    session.over()
    await Promise.race([session.left, aborted(host.signal)])
    return code
  } finally {
    host.signal.removeEventListener('abort', onAbort)
    watched.end()
    close()
  }
}

interface Watched {
  readonly prepared: PreparedRun
  /** From now on there are lines of progress instead. */
  leaveScreen(): void
  end(): void
}

const watchedBy = (session: LiveSession, host: Host, { context }: PreparedRun): Watched => {
  const plainly = runProgress(host.stderr)
  let isOnScreen = true
  const note = (text: string, isBad = false): void => {
    if (isOnScreen) session.note(text, isBad)
    else host.stderr.write(`${text}\n`)
  }
  const event: RunContext['onEvent'] = (event) => (isOnScreen ? session.events([event]) : plainly.event(event))
  const watched: RunContext = {
    ...context,
    onEvent: event,
    onLaunch: ({ instance, state, atSeconds }) => {
      if (state === 'ready') note(`${instance} ready after ${atSeconds.toFixed(1)} s`)
    },
    onNote: note,
    predict: (placement) => predicted(session, watched, host, placement),
  }
  return {
    prepared: {
      context: watched,
      progress: { event, end: plainly.end },
      onResult: (result) => session.finish(result),
      onPrediction: (result) => session.predict(result),
      onActivity: (text) => session.activity(text),
    },
    leaveScreen: () => {
      isOnScreen = false
    },
    end: plainly.end,
  }
}

/** Without one the run goes on all the same. */
const predicted = async (
  session: LiveSession,
  context: RunContext,
  host: Host,
  placement: Placement,
): Promise<RunResult | undefined> => {
  session.activity('predicting')
  try {
    const result = await predict(context, {
      placement,
      withinSeconds: predictionSeconds,
      now: host.now,
      onProgress: (share) => session.activity(`predicting ${Math.floor(share * 100)} %`),
    })
    if (result !== undefined) session.predict(result)
    return result
  } catch (error) {
    if (!(error instanceof PlimsollError)) throw error
    context.onNote(`no prediction: ${error.message}`)
    return undefined
  } finally {
    session.activity(undefined)
  }
}

/** Keeps what is printed until the terminal is free. */
const heldOutputs = (host: Host) => {
  let kept: (() => void)[] | undefined = []
  const held = (output: Output): Output => ({
    ...output,
    // A bar would be drawn over itself.
    isTTY: false,
    write: (text) => {
      if (kept === undefined) output.write(text)
      else kept.push(() => output.write(text))
    },
  })
  return {
    host: { ...host, stdout: held(host.stdout), stderr: held(host.stderr) },
    release: (): void => {
      const all = kept ?? []
      kept = undefined
      for (const write of all) write()
    },
  }
}

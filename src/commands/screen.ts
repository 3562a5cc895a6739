/** What the commands that open a dashboard have in common. */

import type { Problem } from '../lib/errors.js'
import { paintFor } from '../report/paint.js'
import { formatProblem } from '../report/problems.js'
import type { ScreenTerminal, SessionOptions } from '../tui/open.js'
import { ascii, unicode } from '../tui/style.js'
import type { Host } from './host.js'
import { inAscii } from './terminal.js'

/** Keys that would be signals become signals again: one way to end things, whoever asks. */
export const sessionOptions = (host: Host, terminal: ScreenTerminal): SessionOptions => ({
  terminal,
  style: { paint: paintFor(host.stdout.color), glyphs: inAscii(host.env) ? ascii : unicode },
  now: host.now,
  interrupt: () => {
    process.kill(process.pid, 'SIGINT')
  },
})

/** Resolves when the command is to end early. */
export const aborted = (signal: AbortSignal): Promise<'aborted'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('aborted')
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })

export const tellProblem = (host: Host, problem: Problem): void =>
  host.stderr.write(`${formatProblem(problem, paintFor(host.stderr.color))}\n`)

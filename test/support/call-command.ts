import { fileURLToPath } from 'node:url'
import type { CommandHandler, Invocation } from '../../src/commands/command.js'
import { PlimsollError } from '../../src/lib/errors.js'

export interface Called {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** `file:line:column: message` of each problem; empty: it did not throw. */
  readonly problems: readonly string[]
}

/** A whole command in this process, as if on a pipe of 80 columns. */
export const callCommand = async (
  handler: CommandHandler,
  args: readonly string[],
  options: Invocation['options'],
  cwd: string,
): Promise<Called> => {
  const written = { stdout: '', stderr: '' }
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[stream] += text
    },
    isTTY: false,
    columns: 80,
    color: false,
  })
  const host = {
    cwd,
    env: {},
    stdout: output('stdout'),
    stderr: output('stderr'),
    signal: new AbortController().signal,
    now: () => 0,
    packageFolder: fileURLToPath(new URL('../..', import.meta.url)),
  }
  try {
    const code = await handler({ host, args, options })
    return { code, ...written, problems: [] }
  } catch (error) {
    if (!(error instanceof PlimsollError)) throw error
    const problems = error.problems.map(
      ({ message, position }) =>
        `${position === undefined ? '' : `${position.file}:${position.line}:${position.column}: `}${message}`,
    )
    return { code: error.exitCode, ...written, problems }
  }
}

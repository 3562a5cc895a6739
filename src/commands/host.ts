import type { ScreenTerminal } from '../tui/open.js'

/** What a command may touch of the outside: handed in, so that whole commands run under test in this process. */
export interface Host {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Data. */
  readonly stdout: Output
  /** Everything else: progress, notes, errors. */
  readonly stderr: Output
  /** For a screen with keys; absent: nobody sits at one, as in pipes, in CI, and where the terminal is dumb. */
  readonly terminal?: ScreenTerminal | undefined
  /**
   * Aborted by the first SIGINT or SIGTERM: undo and clean up, then return. A second signal ends the process at once.
   * `reason` is the signal's name.
   */
  readonly signal: AbortSignal
  /** Monotonic seconds. */
  readonly now: () => number
  /** Absolute path of the package: templates, scenarios and entry points lie below it. */
  readonly packageFolder: string
}

export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Of the terminal; 80 when it is not one. */
  readonly columns: number
  /** No colour under NO_COLOR, a dumb terminal or a pipe. */
  readonly color: boolean
}

import type { ExitCode } from '../lib/exit-codes.js'
import type { Host } from './host.js'

/** A command is data; its handler is loaded when it is called, so that `--help` loads none of them. */
export interface CommandSpec {
  readonly name: string
  readonly summary: string
  /** Printed below the options by `--help`. */
  readonly details?: string
  /** commander's notation: `<required>`, `[optional]`, `[variadic...]`. */
  readonly arguments?: readonly { readonly name: string; readonly summary: string }[]
  readonly options?: readonly OptionSpec[]
  /** It starts things: the first Ctrl-C asks it to undo them. The others end at once. */
  readonly undoes?: true
  readonly load: () => Promise<{ readonly run: CommandHandler }>
}

export interface OptionSpec {
  /** commander's notation: `--seed <number>`, `--json`. */
  readonly flags: string
  readonly summary: string
  readonly default?: string | number | boolean
  readonly choices?: readonly string[]
  /** May be given more than once; the value is then an array. */
  readonly repeatable?: boolean
}

export interface Invocation {
  readonly host: Host
  /** Positional arguments in order; a variadic one is spread. */
  readonly args: readonly string[]
  /** By the long flag in camelCase. Values are strings (or true, or an array for repeatable ones). */
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
}

/** Throws PlimsollError for what the user can mend; returns the exit code otherwise. */
export type CommandHandler = (invocation: Invocation) => Promise<ExitCode>

import { type ExitCode, exitCodes } from './exit-codes.js'

/** A place in a file that the user wrote. Lines and columns count from 1, as editors do. */
export interface Position {
  readonly file: string
  /** 0: no file, but what a flag of the name `file` was given. */
  readonly line: number
  readonly column: number
}

/** One thing that is wrong, told in the order in which a reader needs it: what, where, why, what to do. */
export interface Problem {
  /** What is wrong, naming what was expected and what was got. */
  readonly message: string
  readonly position?: Position
  /** The source line that holds the offending text, for an excerpt with a caret. */
  readonly excerpt?: { readonly line: string; readonly length: number }
  readonly why?: string
  /** What to do: a did-you-mean, a command, an alternative. */
  readonly hint?: string
}

/**
 * An error that the user can act on. It is printed without a stack trace and ends the program with `exitCode`.
 * Anything else that reaches `cli.ts` is a bug of ours (exit code 1).
 */
export class PlimsollError extends Error {
  override readonly name: string = 'PlimsollError'
  constructor(
    readonly exitCode: ExitCode,
    readonly problems: readonly Problem[],
    options?: ErrorOptions,
  ) {
    super(problems.map((problem) => problem.message).join('\n'), options)
  }
}

/** The input is wrong: a file, a flag's value, a reference (exit code 3). */
export const invalidInput = (...problems: Problem[]): PlimsollError =>
  new PlimsollError(exitCodes.invalidInput, problems)

/** The command line is wrong (exit code 2). */
export const usageError = (message: string, hint?: string): PlimsollError =>
  new PlimsollError(exitCodes.usage, [{ message, ...(hint === undefined ? {} : { hint }) }])

/** A valid input asks for what this version cannot carry out yet; `what` names it (exit code 3). */
export const notYet = (what: string, position?: Position, hint?: string): PlimsollError =>
  invalidInput({
    message: `${what}: not supported yet`,
    ...(position === undefined ? {} : { position }),
    ...(hint === undefined ? {} : { hint }),
  })

/** A program that is needed is not installed (exit code 5). */
export const missingProgram = (message: string, hint: string): PlimsollError =>
  new PlimsollError(exitCodes.missingProgram, [{ message, hint }])

/** What we started, or were pointed at, failed (exit code 6). */
export const targetFailed = (message: string, why?: string, hint?: string): PlimsollError =>
  new PlimsollError(exitCodes.targetFailed, [
    { message, ...(why === undefined ? {} : { why }), ...(hint === undefined ? {} : { hint }) },
  ])

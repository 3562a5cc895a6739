/** Every exit code of the program, and what a script may conclude from it. */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  invalidInput: 3,
  doesNotHold: 4,
  missingProgram: 5,
  targetFailed: 6,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

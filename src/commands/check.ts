import { resolve } from 'node:path'
import { PlimsollError, type Problem } from '../lib/errors.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { checkFile, type FileCheck } from '../system/check-file.js'
import type { CommandHandler } from './command.js'

/** Checks every file and tells of all problems of all of them in one go. */
export const run: CommandHandler = async ({ args, options, host }): Promise<ExitCode> => {
  const checks: FileCheck[] = []
  for (const file of args) checks.push(await checkFile(file, resolve(host.cwd, file)))
  const problems = distinct(checks.flatMap((check) => check.problems))
  if (options.json === true) {
    host.stdout.write(`${JSON.stringify(report(checks), null, 2)}\n`)
    return problems.length === 0 ? exitCodes.ok : exitCodes.invalidInput
  }
  for (const { file, problems: own, summary } of checks) {
    host.stdout.write(own.length === 0 ? `${file}: ok (${summary})\n` : `${file}: ${counted(own.length)}\n`)
  }
  if (problems.length > 0) throw new PlimsollError(exitCodes.invalidInput, problems)
  return exitCodes.ok
}

const counted = (count: number): string => `${count} ${count === 1 ? 'error' : 'errors'}`

/** A topology that is checked by itself and for its experiments is wrong only once. */
const distinct = (problems: readonly Problem[]): readonly Problem[] => {
  const seen = new Set<string>()
  return problems.filter(({ position, message }) => {
    const id =
      position === undefined ? message : `${resolve(position.file)}:${position.line}:${position.column} ${message}`
    const isNew = !seen.has(id)
    seen.add(id)
    return isNew
  })
}

const report = (checks: readonly FileCheck[]) => ({
  apiVersion: 'plimsoll/v1',
  kind: 'CheckReport',
  files: checks.map(({ file, kind, problems }) => ({
    file,
    kind: kind ?? null,
    ok: problems.length === 0,
    problems: problems.map(({ message, position, why, hint }) => ({
      message,
      ...(position === undefined ? {} : { file: position.file, line: position.line, column: position.column }),
      ...(why === undefined ? {} : { why }),
      ...(hint === undefined ? {} : { hint }),
    })),
  })),
})

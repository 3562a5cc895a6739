import { exitCodes } from '../lib/exit-codes.js'
import { formatResult, resultMarkdown } from '../report/result.js'
import { readRun } from '../system/run-folder.js'
import type { CommandHandler } from './command.js'
import { printJson } from './json.js'

export const run: CommandHandler = async ({ args, options, host }) => {
  const result = readRun(args[0] ?? '', host.cwd)
  if (options.json === true) printJson(host, result)
  else if (options.md === true) host.stdout.write(resultMarkdown(result))
  else host.stdout.write(formatResult(result, host.stdout))
  return exitCodes.ok
}

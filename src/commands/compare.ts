import { invalidInput } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { compareResults } from '../report/compare.js'
import { comparisonMarkdown, formatComparison } from '../report/comparison.js'
import type { RunResult } from '../result/run-result.js'
import { readRun } from '../system/run-folder.js'
import type { CommandHandler } from './command.js'
import { printJson } from './json.js'

const expected = { sim: 'a simulation', stack: 'a measurement on a stack' } satisfies Record<
  RunResult['engine'],
  string
>

const readAs = (engine: RunResult['engine'], path: string, cwd: string): RunResult => {
  const result = readRun(path, cwd)
  if (result.engine === engine) return result
  throw invalidInput({
    message: `${path}: expected ${expected[engine]}, got ${expected[result.engine]}`,
    hint: 'give the prediction first, then the measurement: plimsoll compare SIM STACK',
  })
}

export const run: CommandHandler = async ({ args, options, host }) => {
  const comparison = compareResults(readAs('sim', args[0] ?? '', host.cwd), readAs('stack', args[1] ?? '', host.cwd))
  if (options.json === true) printJson(host, comparison)
  else if (options.md === true) host.stdout.write(comparisonMarkdown(comparison))
  else host.stdout.write(formatComparison(comparison, host.stdout))
  return exitCodes.ok
}

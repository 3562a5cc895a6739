import { resolve } from 'node:path'
import { exitCodes } from '../lib/exit-codes.js'
import { capacityPlan } from '../plan/capacity.js'
import { planDifference } from '../plan/difference.js'
import { paintFor } from '../report/paint.js'
import { differenceMarkdown, formatDifference } from '../report/plan-difference.js'
import { loadTopology } from '../system/files.js'
import type { CommandHandler } from './command.js'
import { printJson } from './json.js'

/** A difference is news, not a verdict: it ends with 0. */
export const run: CommandHandler = async ({ args, options, host }) => {
  const [base = '', head = ''] = args
  const planned = async (file: string) => capacityPlan(await loadTopology(resolve(host.cwd, file), { file }))
  const difference = planDifference(await planned(base), await planned(head))
  const title = `what changes from ${base} to ${head}`
  if (options.json === true) printJson(host, difference)
  else if (options.md === true) host.stdout.write(differenceMarkdown(difference, title))
  else
    host.stdout.write(
      formatDifference(difference, title, {
        columns: Math.min(host.stdout.columns, 100),
        paint: paintFor(host.stdout.color),
      }),
    )
  return exitCodes.ok
}

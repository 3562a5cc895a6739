import { resolve } from 'node:path'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { capacityPlan } from '../plan/capacity.js'
import { paintFor } from '../report/paint.js'
import { renderPlan } from '../report/plan.js'
import { loadTopology } from '../system/files.js'
import type { CommandHandler } from './command.js'

/** Findings are advice, not a verdict: a plan that was made ends with 0. */
export const run: CommandHandler = async ({ args, options, host }): Promise<ExitCode> => {
  const [file = ''] = args
  const topology = await loadTopology(resolve(host.cwd, file), { file })
  const plan = capacityPlan(topology)
  host.stdout.write(
    options.json === true
      ? `${JSON.stringify(plan, null, 2)}\n`
      : renderPlan(plan, {
          columns: Math.min(host.stdout.columns, 100),
          paint: paintFor(host.stdout.color),
          headroom: topology.policy.headroom,
        }),
  )
  return exitCodes.ok
}

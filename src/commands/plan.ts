import { resolve } from 'node:path'
import { parsePriceList } from '../catalog/prices/file.js'
import type { PriceList } from '../catalog/prices/list.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { capacityPlan } from '../plan/capacity.js'
import { paintFor } from '../report/paint.js'
import { renderPlan } from '../report/plan.js'
import { loadTopology, readText } from '../system/files.js'
import type { CommandHandler } from './command.js'

/** Findings are advice, not a verdict: a plan that was made ends with 0. */
export const run: CommandHandler = async ({ args, options, host }): Promise<ExitCode> => {
  const [file = ''] = args
  const topology = await loadTopology(resolve(host.cwd, file), { file })
  const prices = await pricesOf(options.prices, host.cwd)
  const plan = capacityPlan(topology, undefined, prices)
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

/** The price list that --prices names; undefined: the one that we ship. */
const pricesOf = async (file: unknown, cwd: string): Promise<PriceList | undefined> =>
  typeof file === 'string' ? parsePriceList(await readText(resolve(cwd, file), file), file) : undefined

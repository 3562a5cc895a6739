import type { InstanceStatus } from '../contract/running-system.js'
import { connect, StillStarting } from '../deploy/runtime/remote.js'
import { chooseSystem, type KnownSystem, knownSystems } from '../deploy/runtime/systems.js'
import { PlimsollError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { renderText } from '../report/document.js'
import { paintFor } from '../report/paint.js'
import { type SystemReport, systemsDocument } from '../report/system.js'
import { machine } from '../system/machine.js'
import type { CommandHandler } from './command.js'
import { printJson } from './json.js'
import { ledgerOf, systemOption } from './systems.js'

const reachable = async ({ entry }: KnownSystem): Promise<Pick<SystemReport, 'state' | 'entries' | 'instances'>> => {
  try {
    const system = await connect(entry)
    return { state: 'up', entries: system.entries, instances: await system.status() }
  } catch (error) {
    // Between the ledger's entry and the first socket, too, it is on its way.
    if (error instanceof StillStarting || error instanceof PlimsollError)
      return { state: 'starting', entries: {}, instances: [] as readonly InstanceStatus[] }
    throw error
  }
}

export const reportOf = async (known: KnownSystem): Promise<SystemReport> => {
  const { id, topology, purpose } = known.entry
  const found = known.owned ? await reachable(known) : ({ state: 'lost', entries: {}, instances: [] } as const)
  return { id, topology, purpose, ...found }
}

export const run: CommandHandler = async (invocation) => {
  const { host, options } = invocation
  const systems = await knownSystems(ledgerOf(host), machine)
  const id = systemOption(invocation)
  const chosen = id === undefined ? systems : [chooseSystem(systems, id)]
  const reports = await Promise.all(chosen.map(reportOf))
  if (options.json === true) printJson(host, { apiVersion: 'plimsoll/v1', kind: 'Status', systems: reports })
  else {
    const { columns, color } = host.stdout
    host.stdout.write(renderText(systemsDocument(reports), { columns, paint: paintFor(color) }))
  }
  return exitCodes.ok
}

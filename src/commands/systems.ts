/** What the commands on running systems share. */
import { join } from 'node:path'
import type { Ledger } from '../contract/machine.js'
import { chooseSystem, type KnownSystem, knownSystems } from '../deploy/runtime/systems.js'
import { machine } from '../system/machine.js'
import type { Invocation } from './command.js'
import type { Host } from './host.js'

export const ledgerFolder = (host: Host): string => join(host.cwd, '.plimsoll', 'ledger')

export const ledgerOf = (host: Host): Ledger => machine.ledger(ledgerFolder(host))

export const systemOption = ({ options }: Invocation): string | undefined =>
  typeof options.system === 'string' ? options.system : undefined

/** The system that the command means; see `chooseSystem` for what it throws. */
export const chosenSystem = async (invocation: Invocation): Promise<KnownSystem> =>
  chooseSystem(await knownSystems(ledgerOf(invocation.host), machine), systemOption(invocation))

import { undoAll } from '../deploy/runtime/systems.js'
import { exitCodes } from '../lib/exit-codes.js'
import { removeAbandonedDemoFolders } from '../system/demo-folder.js'
import { machine } from '../system/machine.js'
import type { CommandHandler } from './command.js'
import { printJson } from './json.js'
import { ledgerOf, systemOption } from './systems.js'

export const run: CommandHandler = async (invocation) => {
  const { host, options } = invocation
  const began = host.now()
  const undone = await undoAll(ledgerOf(host), machine, systemOption(invocation))
  if (systemOption(invocation) === undefined) removeAbandonedDemoFolders(host.cwd)
  const seconds = host.now() - began
  if (options.json === true) printJson(host, { apiVersion: 'plimsoll/v1', kind: 'Down', seconds, systems: undone })
  else if (undone.length === 0) host.stdout.write('nothing is up\n')
  else for (const { id } of undone) host.stdout.write(`${id} is down, nothing of it is left\n`)
  return exitCodes.ok
}

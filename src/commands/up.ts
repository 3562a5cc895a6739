import { resolve } from 'node:path'
import { engines } from '../catalog/index.js'
import type { LedgerEntry } from '../contract/ledger.js'
import type { Progress } from '../deploy/runtime/launch.js'
import { connect, type RemoteSystem } from '../deploy/runtime/remote.js'
import { runtimeOf } from '../deploy/runtime/runtimes.js'
import { startSupervisor } from '../deploy/runtime/supervise.js'
import { connectWhenReady, knownSystems } from '../deploy/runtime/systems.js'
import { undoEntry } from '../deploy/runtime/undo.js'
import { targetFailed } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { startSupervisorProcess } from '../system/detached.js'
import { loadTopology } from '../system/files.js'
import { machine } from '../system/machine.js'
import type { Topology } from '../topology/types.js'
import type { CommandHandler, Invocation } from './command.js'
import type { Host } from './host.js'
import { printJson } from './json.js'
import { ledgerFolder, ledgerOf } from './systems.js'

/** The system of this topology that is up already; what a crashed one left is removed on the way. */
const existing = async (host: Host, file: string, topology: Topology): Promise<LedgerEntry | undefined> => {
  const ledger = ledgerOf(host)
  for (const { entry, owned } of await knownSystems(ledger, machine)) {
    if (entry.purpose !== 'up' || entry.topology.file !== file) continue
    if (!owned) {
      host.stderr.write(`${entry.id} was left by a plimsoll that was killed; removing it\n`)
      await undoEntry(entry, ledger, machine)
      continue
    }
    if (entry.topology.digest !== topology.digest)
      throw targetFailed(
        `${topology.name} is already up (${entry.id}), from an earlier version of ${entry.topology.file}`,
        undefined,
        `plimsoll down --system ${entry.id}, then up again`,
      )
    return entry
  }
  return undefined
}

const progressLine = ({ instance, state, atSeconds }: Progress): string =>
  `  ${instance.padEnd(16)} ${state.padEnd(9)} ${atSeconds.toFixed(1)} s\n`

const print = async (
  { host, options }: Invocation,
  entry: LedgerEntry,
  system: RemoteSystem,
  alreadyUp: boolean,
): Promise<void> => {
  if (options.json === true) {
    const { id, entries, placement, versions } = system
    const { topology, runtime } = entry
    const instances = await system.status()
    printJson(host, {
      apiVersion: 'plimsoll/v1',
      kind: 'System',
      id,
      topology,
      runtime,
      alreadyUp,
      entries,
      placement,
      versions,
      instances,
    })
  } else for (const url of Object.values(system.entries)) host.stdout.write(`${url}\n`)
}

export const run: CommandHandler = async (invocation) => {
  const { host, args, options } = invocation
  const runtime = runtimeOf(String(options.runtime ?? 'process'))
  const file = resolve(host.cwd, args[0] ?? '')
  const topology = await loadTopology(file)
  const already = await existing(host, file, topology)
  if (already !== undefined) {
    const system = await connectWhenReady(already, ledgerOf(host), machine, host.signal)
    host.stderr.write(`${topology.name} is already up (${already.id})\n`)
    await print(invocation, already, system, true)
    return exitCodes.ok
  }
  host.stderr.write(`starting ${topology.name}\n`)
  for (const note of runtime.leftOut?.({ topology, engines }) ?? []) host.stderr.write(`${note}\n`)
  const entry = await startSupervisor({
    runtime,
    machine,
    engines,
    topology,
    topologyFile: file,
    ledgerFolder: ledgerFolder(host),
    packageFolder: host.packageFolder,
    signal: host.signal,
    seed: 1,
    onProgress: (progress) => {
      // The others are stopped when one fails: the error says so.
      if (progress.state !== 'stopped') host.stderr.write(progressLine(progress))
    },
    startDetached: (folder, logFile) => startSupervisorProcess(host.packageFolder, folder, logFile),
  })
  await print(invocation, entry, await connect(entry), false)
  host.stderr.write(`${entry.id} is up; plimsoll status, logs, chaos and down work on it\n`)
  return exitCodes.ok
}

/** Launches a topology on a runtime: ledger, folder and control socket first, then what the runtime starts. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Engine } from '../../contract/engine.js'
import type { LedgerEntry } from '../../contract/ledger.js'
import type { Ledger, Machine } from '../../contract/machine.js'
import { PlimsollError } from '../../lib/errors.js'
import { exitCodes } from '../../lib/exit-codes.js'
import type { InstanceState } from '../../result/run-event.js'
import type { Topology } from '../../topology/types.js'
import { serveControl } from './control.js'
import { isPortTaken } from './failure.js'
import { baseFolder, makeSystemFolder } from './folder.js'
import type { Pin, Runtime } from './runtime.js'
import { startInstances } from './start.js'
import type { OwnedSystem } from './system.js'
import { undoEntry, writeCopy } from './undo.js'

export interface LaunchOptions {
  readonly runtime: Runtime
  readonly machine: Machine
  readonly engines: ReadonlyMap<string, Engine>
  readonly topology: Topology
  /** Absolute path, for the ledger. */
  readonly topologyFile: string
  /** Default: made from the topology's name. */
  readonly id?: string
  readonly purpose: LedgerEntry['purpose']
  /** `<cwd>/.plimsoll/ledger` */
  readonly ledgerFolder: string
  /** Root of the package, for entry points below dist/. */
  readonly packageFolder: string
  /** Aborted: everything is undone, and `launch` rejects. Of no effect once it has resolved. */
  readonly signal: AbortSignal
  readonly seed: number
  /** Cores by component, `stack` for all of them, and `generator`. */
  readonly pin?: Pin | undefined
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly instance: string
  readonly state: InstanceState
  /** Since `launch` was called. */
  readonly atSeconds: number
}

/** The topology's name and six random characters: unique enough for one machine, short enough for socket paths. */
export const newSystemId = (name: string): string => {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 20)
  return `${clean === '' ? 'system' : clean}-${randomBytes(3).toString('hex')}`
}

export const socketName = 'control.sock'

/** The entry of a system that this process is about to make, with itself as owner. */
export const newEntry = async (
  options: Pick<LaunchOptions, 'runtime' | 'machine' | 'topology' | 'topologyFile' | 'purpose'>,
  id: string,
): Promise<LedgerEntry> => {
  const { runtime, machine, topology, topologyFile, purpose } = options
  const folder = join(await baseFolder(machine.uid === 0), `plimsoll-${id}`)
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'LedgerEntry',
    id,
    runtime: runtime.name,
    topology: { name: topology.name, file: topologyFile, digest: topology.digest },
    purpose,
    folder,
    bootSeconds: machine.uptimeSeconds(),
    bootId: machine.bootId,
    socket: join(folder, socketName),
    ...(runtime.name === 'compose' ? { containerEngine: machine.containers().endpoint } : {}),
    owner: ownerOf(machine),
  }
}

export const ownerOf = (machine: Machine): LedgerEntry['owner'] => {
  const self = machine.stat(process.pid)
  return self === undefined ? null : { pid: self.pid, startSeconds: self.startSeconds }
}

export const launch = async (options: LaunchOptions): Promise<OwnedSystem> => {
  const { runtime, machine } = options
  await runtime.preflight(options)
  const ledger = machine.ledger(options.ledgerFolder)
  const entry = await newEntry(options, options.id ?? newSystemId(options.topology.name))
  await ledger.write(entry)
  try {
    await makeSystemFolder(entry.folder)
    await writeCopy({ entry, ledgerFolder: options.ledgerFolder })
    return await launchInto(entry, ledger, options)
  } catch (error) {
    await undoEntry(entry, ledger, machine)
    throw interrupted(options.signal) ?? error
  }
}

const interrupted = (signal: AbortSignal): PlimsollError | undefined =>
  signal.aborted
    ? new PlimsollError(signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated, [
        { message: 'interrupted while the stack was starting; everything has been undone' },
      ])
    : undefined

/**
 * Into a folder that exists and a ledger that knows of it. On failure all instances are ended; folder and entry stay. The
 * control socket is there from before the first instance, so that a system that is still starting can be ended through it.
 */
export const launchInto = async (entry: LedgerEntry, ledger: Ledger, options: LaunchOptions): Promise<OwnedSystem> => {
  let system: OwnedSystem | undefined
  const asked = new AbortController()
  const signal = AbortSignal.any([options.signal, asked.signal])
  const control = await serveControl(entry.socket, {
    system: () => system,
    down: async () => {
      asked.abort('SIGTERM')
      await launching.catch(() => undefined)
      await system?.down()
    },
  })
  const launching = startWithFreshPorts(entry, ledger, { ...options, signal }, control.close)
  try {
    system = await launching
    return system
  } catch (error) {
    control.close()
    throw interrupted(signal) ?? error
  }
}

/** Tries again, with other ports, when somebody took one of ours before its server did. */
const startWithFreshPorts = async (
  entry: LedgerEntry,
  ledger: Ledger,
  options: LaunchOptions,
  onDown: () => void,
): Promise<OwnedSystem> => {
  const beganAt = performance.now()
  for (let tries = 1; ; tries++) {
    const assembly = await options.runtime.assemble(entry, options)
    try {
      return await startInstances({ entry, ledger, options, assembly, beganAt, onDown })
    } catch (error) {
      if (tries >= 3 || options.signal.aborted || !isPortTaken(error)) throw error
      await assembly.discard()
    }
  }
}

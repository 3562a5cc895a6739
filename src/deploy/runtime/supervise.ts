/**
 * The two ends of `up`: `startSupervisor` makes the ledger entry, the folder and a detached process that works in it, and
 * follows it until the system is healthy; `supervise` is that process.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LedgerEntry } from '../../contract/ledger.js'
import type { Machine } from '../../contract/machine.js'
import type { RuntimeName } from '../../contract/running-system.js'
import { PlimsollError, targetFailed } from '../../lib/errors.js'
import { exitCodes } from '../../lib/exit-codes.js'
import type { Topology } from '../../topology/types.js'
import { type Refusal, refusalOf } from './control.js'
import { logTail } from './failure.js'
import { makeSystemFolder } from './folder.js'
import { type LaunchOptions, launchInto, newEntry, newSystemId, ownerOf, type Progress } from './launch.js'
import type { Pin, Runtime } from './runtime.js'
import { sleep } from './time.js'
import { undoEntry, writeCopy } from './undo.js'

/** What the supervisor is told, in its folder. */
export interface SupervisorSpec {
  readonly entry: LedgerEntry
  readonly ledgerFolder: string
  readonly packageFolder: string
  readonly seed: number
  readonly pin?: Pin | undefined
}

const specName = 'supervisor.json'

type Message =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly refusal: Refusal }

export interface Detached {
  readonly pid: number
  readonly exited: Promise<unknown>
  onMessage(listener: (message: unknown) => void): void
  send(message: unknown): void
  letGo(): void
}

export interface UpOptions extends Omit<LaunchOptions, 'purpose'> {
  /** Starts dist/entries/supervisor.js in this folder, in a session of its own. */
  readonly startDetached: (folder: string, logFile: string) => Detached
}

/** An aborted start gets this long to undo itself before it is undone from outside. */
const abortSeconds = 30

/** Resolves when the system is healthy, its supervisor going on alone. On failure and abort everything is undone. */
export const startSupervisor = async (options: UpOptions): Promise<LedgerEntry> => {
  const { machine, topology, runtime, signal } = options
  await runtime.preflight(options)
  const ledger = machine.ledger(options.ledgerFolder)
  const entry = await newEntry({ ...options, purpose: 'up' }, options.id ?? newSystemId(topology.name))
  await ledger.write(entry)
  try {
    await makeSystemFolder(entry.folder)
    await writeCopy({ entry, ledgerFolder: options.ledgerFolder })
    const { ledgerFolder, packageFolder, seed, pin } = options
    const spec: SupervisorSpec = { entry, ledgerFolder, packageFolder, seed, pin }
    await writeFile(join(entry.folder, specName), JSON.stringify(spec), { mode: 0o600 })
    if (!signal.aborted) await follow(options, entry)
  } catch (error) {
    await undoEntry((await ledger.read(entry.id)) ?? entry, ledger, machine)
    throw error
  }
  if (!signal.aborted) return (await ledger.read(entry.id)) ?? entry
  await undoEntry((await ledger.read(entry.id)) ?? entry, ledger, machine)
  throw new PlimsollError(signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated, [
    { message: 'interrupted while the stack was starting; everything has been undone' },
  ])
}

/** Resolves when it is healthy or was aborted; rejects with what the supervisor says is wrong. */
const follow = async (options: UpOptions, entry: LedgerEntry): Promise<void> => {
  const { signal } = options
  const logFile = join(entry.folder, 'logs', 'supervisor.log')
  const supervisor = options.startDetached(entry.folder, logFile)
  let abort = (): void => undefined
  const outcome = new Promise<Message | 'gone' | 'aborted'>((resolve) => {
    abort = () => {
      supervisor.send({ type: 'abort' })
      void Promise.race([supervisor.exited, sleep(abortSeconds)]).then(() => resolve('aborted'))
    }
    signal.addEventListener('abort', abort, { once: true })
    supervisor.onMessage((raw) => {
      const message = raw as Message
      if (message.type === 'progress') options.onProgress?.(message.progress)
      else if (!signal.aborted) resolve(message)
    })
    void supervisor.exited.then(() => resolve(signal.aborted ? 'aborted' : 'gone'))
  })
  const message = await outcome
  signal.removeEventListener('abort', abort)
  if (message === 'aborted') return
  if (message !== 'gone' && message.type === 'failed') {
    // It undoes before it ends: nothing may remain when the user reads the error.
    await Promise.race([supervisor.exited, sleep(abortSeconds)])
    throw new PlimsollError(message.refusal.exitCode, message.refusal.problems)
  }
  if (message === 'gone') {
    const tail = await logTail(logFile, 10)
    throw targetFailed('the supervisor ended while the stack was starting', tail.join('\n    '))
  }
  supervisor.letGo()
}

/** What the supervising process is handed of its surroundings. */
export interface SupervisorHost {
  readonly machine: Machine
  readonly engines: LaunchOptions['engines']
  readonly runtimeOf: (name: RuntimeName) => Runtime
  readonly loadTopology: (file: string) => Promise<Topology>
  /** To `up`; nothing happens when it is gone. */
  readonly tell: (message: Message) => Promise<void>
  /** `up` asked for it, or was itself killed before the system was healthy; or a signal came. */
  readonly signal: AbortSignal
  readonly aborted: Promise<void>
  /** `up` may go from here on. */
  readonly detach: () => void
}

/** Resolves when the system is no more. */
export const supervise = async (folder: string, host: SupervisorHost): Promise<void> => {
  const { machine } = host
  const spec = JSON.parse(await readFile(join(folder, specName), 'utf8')) as SupervisorSpec
  const ledger = machine.ledger(spec.ledgerFolder)
  const entry: LedgerEntry = { ...spec.entry, owner: ownerOf(machine) }
  try {
    await ledger.write(entry)
    const topology = await host.loadTopology(entry.topology.file)
    if (topology.digest !== entry.topology.digest)
      throw targetFailed(`${entry.topology.file} changed while the stack was starting`, undefined, 'start it again')
    const system = await launchInto(entry, ledger, {
      runtime: host.runtimeOf(entry.runtime),
      machine,
      engines: host.engines,
      topology,
      topologyFile: entry.topology.file,
      purpose: 'up',
      ledgerFolder: spec.ledgerFolder,
      packageFolder: spec.packageFolder,
      signal: host.signal,
      seed: spec.seed,
      pin: spec.pin,
      onProgress: (progress) => void host.tell({ type: 'progress', progress }),
    })
    system.onEvent((event) => process.stdout.write(`${new Date().toISOString()} ${JSON.stringify(event)}\n`))
    host.detach()
    await host.tell({ type: 'ready' })
    await Promise.race([host.aborted, system.ended])
    await system.down()
  } catch (error) {
    const refusal = refusalOf(error)
    process.stderr.write(`${JSON.stringify(refusal)}\n`)
    await undoEntry(entry, ledger, machine)
    await host.tell({ type: 'failed', refusal })
  }
}

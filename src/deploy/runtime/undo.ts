/**
 * Undoes a ledger entry by what the kernel knows, whoever started the system and whatever became of it: ends every process
 * that works in its folder, removes containers that carry its label, shared memory, the folder, and last the entry. Idempotent, may run twice at once, and
 * may itself be killed at any moment: as long as something is left, the entry is.
 */
import { readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import type { LedgerEntry } from '../../contract/ledger.js'
import type { Ledger, Machine, ProcessStat } from '../../contract/machine.js'
import { targetFailed } from '../../lib/errors.js'
import { removeContainers } from './compose/remove.js'
import { sleep, until } from './time.js'

export interface Undone {
  readonly id: string
  /** Processes that had to be ended. */
  readonly processes: number
}

/** An owner that stops its own system gets this long. */
const ownerSeconds = 20
/** Servers that were asked to end get this long. */
const graceSeconds = 4

/** The process that owns the system, if it is still that process. */
export const livingOwner = (entry: LedgerEntry, machine: Machine): ProcessStat | undefined => {
  if (entry.owner === null || entry.bootId !== machine.bootId) return undefined
  const stat = machine.stat(entry.owner.pid)
  if (stat === undefined || stat.state === 'Z') return undefined
  return Math.abs(stat.startSeconds - entry.owner.startSeconds) < 0.005 ? stat : undefined
}

/** The same pid, and the same process: a pid may have passed on since it was looked up. */
const signalTo = (machine: Machine, process: ProcessStat, signal: NodeJS.Signals): void => {
  if (machine.stat(process.pid)?.startSeconds === process.startSeconds) machine.signal(process.pid, signal)
}

/** A folder that this program could have made for this entry; nothing else is ever removed. */
export const isOurFolder = (entry: LedgerEntry): boolean =>
  isAbsolute(entry.folder) && basename(entry.folder) === `plimsoll-${entry.id}` && !entry.folder.includes('/../')

const endProcesses = async (entry: LedgerEntry, machine: Machine): Promise<readonly number[]> => {
  const ended = new Set<number>()
  if (entry.bootId !== machine.bootId) return []
  const left = async (): Promise<readonly ProcessStat[]> => {
    const found = await machine.inside(entry.folder, entry.bootSeconds)
    for (const { pid } of found) ended.add(pid)
    return found
  }
  const first = await left()
  // The owner first and at once: it would start again what ends. (It works inside the folder when it is a supervisor.)
  const owner = livingOwner(entry, machine)
  const supervisor = first.find(({ pid }) => pid === owner?.pid)
  if (supervisor !== undefined) signalTo(machine, supervisor, 'SIGKILL')
  // SIGINT is what all of our servers end on at once and in order (PostgreSQL then removes its shared memory itself).
  for (const process of first) if (process !== supervisor) signalTo(machine, process, 'SIGINT')
  for (const process of first) if (process.state === 'T' || process.state === 't') signalTo(machine, process, 'SIGCONT')
  const nobody = async (): Promise<boolean> => (await left()).length === 0
  if (first.length > 0 && !(await until(nobody, graceSeconds / 2, 0.03))) {
    // A step of initdb takes SIGINT for the end of a query.
    for (const process of await left()) signalTo(machine, process, 'SIGTERM')
    await until(nobody, graceSeconds / 2, 0.03)
  }
  // Twice in a row nothing: what was being forked at the first look shows at the second.
  for (let empty = 0; empty < 2; ) {
    const found = await left()
    for (const process of found) signalTo(machine, process, 'SIGKILL')
    empty = found.length === 0 ? empty + 1 : 0
    await sleep(0.03)
  }
  return [...ended]
}

/** Does not ask its owner: for the owner itself, and for when there is none. */
export const undoEntry = async (entry: LedgerEntry, ledger: Ledger, machine: Machine): Promise<Undone> => {
  if (!isOurFolder(entry))
    throw targetFailed(
      `the ledger's entry ${entry.id} names a folder that is not one of ours: ${entry.folder}`,
      'plimsoll removes only folders that it made itself',
      `look at ${join(ledger.folder, `${entry.id}.json`)}, and remove it by hand if you do not need it`,
    )
  try {
    const ended = await endProcesses(entry, machine)
    if (entry.runtime === 'compose') await removeContainers(entry, machine.containers(entry.containerEngine))
    await machine.removeSharedMemory(entry.folder, ended)
    await rm(entry.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    await ledger.remove(entry.id)
    return { id: entry.id, processes: ended.length }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'EPERM' && code !== 'EACCES') throw error
    throw targetFailed(
      `not permitted to remove the system ${entry.id}`,
      message,
      'run plimsoll down as the user who started it',
    )
  }
}

/** Asks the owner if it lives, and takes over when there is none, or when it does not get it done in time. */
export const undoThroughOwner = async (
  entry: LedgerEntry,
  ledger: Ledger,
  machine: Machine,
  ask: (entry: LedgerEntry, owner: ProcessStat) => Promise<void>,
): Promise<Undone> => {
  const owner = livingOwner(entry, machine)
  if (owner !== undefined && owner.pid !== process.pid && owner.state !== 'T') {
    // Not so when the ledger was deleted or its file is broken: then only the owner's end tells.
    const listed = (await ledger.read(entry.id)) !== undefined
    const removed = async (): Promise<boolean> => listed && (await ledger.read(entry.id)) === undefined
    await ask(entry, owner).catch(() => undefined)
    const gone = await until(async () => {
      if (livingOwner(entry, machine)?.state === 'T') return true
      return livingOwner(entry, machine) === undefined || (await removed())
    }, ownerSeconds)
    // It removes the entry last; a supervisor then still has to leave.
    if (gone && (await removed())) {
      if (entry.purpose === 'up') await until(() => livingOwner(entry, machine) === undefined, 5)
      return { id: entry.id, processes: 0 }
    }
  }
  // A run's owner is a plimsoll in some terminal: it must not go on measuring a system that is gone.
  const still = livingOwner(entry, machine)
  if (still !== undefined && still.pid !== process.pid) signalTo(machine, still, 'SIGKILL')
  // `up` hands its system to a supervisor: the entry may have a new owner by now.
  return undoEntry((await ledger.read(entry.id)) ?? entry, ledger, machine)
}

/** The copy of an entry in its own folder, for a ledger that was deleted or can no longer be read. */
const copyName = 'ledger-entry.json'

export interface EntryCopy {
  readonly entry: LedgerEntry
  readonly ledgerFolder: string
}

export const writeCopy = (copy: EntryCopy): Promise<void> =>
  writeFile(join(copy.entry.folder, copyName), JSON.stringify(copy), { mode: 0o600 })

/** Of a folder that is ours: anyone may make one of that name in /tmp, but not as us. */
const readCopy = async (folder: string, machine: Machine): Promise<EntryCopy | undefined> => {
  try {
    const file = join(folder, copyName)
    const copy = JSON.parse(await readFile(file, 'utf8')) as EntryCopy
    const own = (await stat(file)).uid === machine.uid && (await stat(folder)).uid === machine.uid
    return own && isOurFolder(copy.entry) && copy.entry.folder === folder ? copy : undefined
  } catch {
    return undefined
  }
}

const realFolder = (path: string): Promise<string> => realpath(path).catch(() => path)

/** Systems that were started from this ledger's folder, by their own folders. */
export const copiesOf = async (ledger: Ledger, machine: Machine): Promise<readonly LedgerEntry[]> => {
  const bases = new Set(await Promise.all([tmpdir(), '/tmp', '/var/tmp'].map(realFolder)))
  const found: LedgerEntry[] = []
  for (const base of bases)
    for (const name of await readdir(base).catch(() => [])) {
      const copy = name.startsWith('plimsoll-') ? await readCopy(join(base, name), machine) : undefined
      if (copy?.ledgerFolder === ledger.folder) found.push(copy.entry)
    }
  return found
}

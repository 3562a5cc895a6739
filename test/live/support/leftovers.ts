/**
 * What a machine has before and after: processes, listening sockets, shared memory and our folders. Tests run beside other
 * programs (also beside other systems of plimsoll's), so a test gives its systems a TMPDIR of their own: processes and
 * sockets count if they work below it or descend from the test, shared memory if no living process has it.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { descendants } from '../../../src/system/proc.js'

export interface Snapshot {
  readonly folders: readonly string[]
  /** `pid name directory` of processes that work in one of the folders, also in a deleted one. */
  readonly processes: readonly string[]
  /** Of those processes, and of all that descend from this test. */
  readonly listening: readonly string[]
  /** Ids of System V shared memory segments that nobody is attached to. */
  readonly segments: readonly string[]
  /** Names of POSIX shared memory segments that nobody maps. */
  readonly posix: readonly string[]
}

const attempt = <T>(action: () => T, otherwise: T): T => {
  try {
    return action()
  } catch {
    return otherwise
  }
}

const pids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

const directoryOf = (pid: number): string => attempt(() => readlinkSync(`/proc/${pid}/cwd`), '')

const socketsOf = (pid: number): readonly string[] =>
  attempt(() => readdirSync(`/proc/${pid}/fd`), [])
    .map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''))
    .flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [])

const listeningSockets = (): ReadonlyMap<string, string> =>
  new Map(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
      attempt(() => readFileSync(file, 'utf8'), '')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === '0A')
        .map((fields): [string, string] => [fields[9] ?? '', fields[1] ?? '']),
    ),
  )

const mapped = (name: string): boolean =>
  pids().some((pid) => attempt(() => readFileSync(`/proc/${pid}/maps`, 'latin1'), '').includes(`/dev/shm/${name}`))

/** A TMPDIR that servers of other users can get into, short enough for sockets. */
export const temporaryBase = (): string => {
  const base = mkdtempSync('/tmp/pl-')
  chmodSync(base, 0o711)
  return base
}

/** Of the systems that have their folders in `base`. */
export const snapshot = (base: string): Snapshot => {
  const ours = pids().filter((pid) => directoryOf(pid).startsWith(`${base}/`))
  const mine = [...descendants([process.pid]).values()].flat().map(({ pid }) => pid)
  const listening = listeningSockets()
  return {
    folders: readdirSync(base)
      .map((name) => join(base, name))
      .sort(),
    processes: ours
      .map(
        (pid) => `${pid} ${attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), '?')} ${directoryOf(pid)}`,
      )
      .sort(),
    listening: [...new Set([...ours, ...mine])]
      .flatMap((pid) => socketsOf(pid))
      .flatMap((inode) => listening.get(inode) ?? [])
      .sort(),
    segments: readFileSync('/proc/sysvipc/shm', 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields.length > 6 && fields[6] === '0')
      .map((fields) => fields[1] ?? '')
      .sort(),
    posix: attempt(() => readdirSync('/dev/shm'), [])
      .filter((name) => name.startsWith('PostgreSQL.') && !mapped(name))
      .sort(),
  }
}

/** What `after` has that `before` had not; every list empty: nothing was left behind. */
export const leftovers = (before: Snapshot, after: Snapshot): Snapshot => {
  const added = (key: keyof Snapshot): readonly string[] => after[key].filter((one) => !before[key].includes(one))
  return {
    folders: added('folders'),
    processes: added('processes'),
    listening: added('listening'),
    segments: added('segments'),
    posix: added('posix'),
  }
}

/**
 * Waits for shared memory alone: other programs on the machine (an initdb somewhere) have segments that nobody maps for
 * moments. Processes, sockets and folders must be gone at once.
 */
export const leftBehind = async (before: Snapshot, base: string): Promise<Snapshot> => {
  for (let tries = 0; ; tries++) {
    const left = leftovers(before, snapshot(base))
    if ((left.segments.length === 0 && left.posix.length === 0) || tries === 50) return left
    await new Promise((done) => setTimeout(done, 100))
  }
}

export const nothing: Snapshot = { folders: [], processes: [], listening: [], segments: [], posix: [] }

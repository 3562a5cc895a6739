/**
 * What a machine has before and after: processes, listening sockets, shared memory and our folders. Tests run beside other
 * programs, so processes and sockets count only if they could be ours: they descend from this test, or work in a folder
 * of plimsoll's.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { descendants } from '../../../src/system/proc.js'

export interface Snapshot {
  readonly folders: readonly string[]
  /** `pid name directory` of processes that work in a folder of plimsoll's, also a deleted one. */
  readonly processes: readonly string[]
  /** Of those processes, and of all that descend from this test. */
  readonly listening: readonly string[]
  /** Ids of System V shared memory segments. */
  readonly segments: readonly string[]
  /** Names of POSIX shared memory segments. */
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

export const snapshot = (): Snapshot => {
  const base = tmpdir()
  const ours = pids().filter((pid) => /\/plimsoll-[^/]+/.test(directoryOf(pid)))
  const mine = [...descendants([process.pid]).values()].flat().map(({ pid }) => pid)
  const listening = listeningSockets()
  return {
    folders: readdirSync(base)
      .filter((name) => name.startsWith('plimsoll-'))
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
      .map((line) => line.trim().split(/\s+/)[1] ?? '')
      .filter((id) => id !== '')
      .sort(),
    posix: attempt(() => readdirSync('/dev/shm'), [])
      .filter((name) => name.startsWith('PostgreSQL.'))
      .sort(),
  }
}

/** What `after` has that `before` had not; every list empty: nothing was left behind. */
export const leftovers = (before: Snapshot, after: Snapshot = snapshot()): Snapshot => {
  const added = (key: keyof Snapshot): readonly string[] => after[key].filter((one) => !before[key].includes(one))
  return {
    folders: added('folders'),
    processes: added('processes'),
    listening: added('listening'),
    segments: added('segments'),
    posix: added('posix'),
  }
}

export const nothing: Snapshot = { folders: [], processes: [], listening: [], segments: [], posix: [] }

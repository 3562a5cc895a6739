/**
 * Shared memory that PostgreSQL leaves behind when it is killed: a small System V segment that guards its data
 * directory, and POSIX segments of the start-up steps of initdb. Living servers remove theirs themselves.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { allPids, stat } from './proc.js'
import { runProgram } from './spawn.js'

export interface Segment {
  readonly key: number
  readonly id: number
  readonly creator: number
  readonly attached: number
  readonly uid: number
  readonly createdAt: number
}

/** /proc/sysvipc/shm: key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap. */
export const parseSegments = (text: string): readonly Segment[] =>
  text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields) => fields.length >= 14)
    .map((f) => ({
      key: f[0] ?? 0,
      id: f[1] ?? -1,
      creator: f[4] ?? 0,
      attached: f[6] ?? 0,
      uid: f[7] ?? -1,
      createdAt: f[13] ?? 0,
    }))

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** Data directories at most two levels below `folder` (`<instance>/data`). */
const dataFolders = (folder: string): readonly string[] => {
  const inner = (path: string): readonly string[] => {
    try {
      return readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(path, entry.name))
    } catch {
      return []
    }
  }
  return inner(folder)
    .flatMap((instance) => [instance, ...inner(instance)])
    .filter((path) => read(join(path, 'PG_VERSION')) !== undefined || read(join(path, 'postgresql.conf')) !== undefined)
}

interface Owner {
  readonly uid: number
  readonly key: number
  readonly segmentId: number | undefined
  readonly since: number
}

/** PostgreSQL derives the key from the inode of its data directory; line 7 of postmaster.pid tells `key shmid`. */
const ownerOf = (path: string): Owner | undefined => {
  try {
    const { uid, ino, birthtimeMs } = statSync(path)
    const listed = read(join(path, 'postmaster.pid'))?.split('\n')[6]?.trim().split(/\s+/)[1]
    return {
      uid,
      key: ino | 0,
      segmentId: listed === undefined ? undefined : Number(listed),
      since: birthtimeMs / 1000,
    }
  } catch {
    return undefined
  }
}

/** Those nobody is attached to, owned by the data's owner and made since the data was, that belong to it or to a dead process of ours. */
export const leftSegments = (
  segments: readonly Segment[],
  owners: readonly Owner[],
  deadPids: readonly number[],
): readonly Segment[] =>
  segments.filter(
    (segment) =>
      segment.attached === 0 &&
      (deadPids.includes(segment.creator) ||
        owners.some(
          (owner) =>
            segment.uid === owner.uid &&
            segment.createdAt >= Math.floor(owner.since) &&
            (segment.key === owner.key || segment.id === owner.segmentId),
        )),
  )

const removeSegment = async (id: number): Promise<void> => {
  // A failure means that another `down` was faster, or that util-linux is missing; 56 bytes then stay until reboot.
  await runProgram({
    program: '/usr/bin/ipcrm',
    args: ['-m', String(id)],
    env: {},
    cwd: '/',
    timeoutSeconds: 5,
  }).catch(() => undefined)
}

/** Names below /dev/shm that a living process maps; undefined: some process could not be looked into. */
const mappedNames = (uid: number): ReadonlySet<string> | undefined => {
  const names = new Set<string>()
  for (const pid of allPids()) {
    let owner: number
    try {
      owner = statSync(`/proc/${pid}`).uid
    } catch {
      continue
    }
    if (owner !== uid) continue
    const maps = read(`/proc/${pid}/maps`)
    if (maps === undefined && stat(pid) !== undefined) return undefined
    for (const match of (maps ?? '').matchAll(/\/dev\/shm\/(PostgreSQL\.\d+)/g))
      if (match[1] !== undefined) names.add(match[1])
  }
  return names
}

/** A POSIX segment that no process of its owner maps is garbage; only those made since our data directory are looked at. */
const removePosix = (owner: Owner): void => {
  let names: readonly string[]
  try {
    names = readdirSync('/dev/shm').filter((name) => /^PostgreSQL\.\d+$/.test(name))
  } catch {
    return
  }
  const candidates = names.filter((name) => {
    try {
      const { uid, birthtimeMs, mtimeMs } = statSync(join('/dev/shm', name))
      return uid === owner.uid && Math.max(birthtimeMs, mtimeMs) / 1000 >= Math.floor(owner.since)
    } catch {
      return false
    }
  })
  const mapped = candidates.length === 0 ? undefined : mappedNames(owner.uid)
  if (mapped === undefined) return
  for (const name of candidates) if (!mapped.has(name)) rmSync(join('/dev/shm', name), { force: true })
}

export const removeSharedMemory = async (folder: string, deadPids: readonly number[]): Promise<void> => {
  const owners = dataFolders(folder)
    .map(ownerOf)
    .filter((owner) => owner !== undefined)
  const segments = parseSegments(read('/proc/sysvipc/shm') ?? '')
  for (const segment of leftSegments(segments, owners, deadPids)) await removeSegment(segment.id)
  for (const owner of owners) removePosix(owner)
}

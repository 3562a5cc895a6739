/** The folder of a system: data, logs and sockets of its processes, and the working directory of each. */
import { accessSync, constants, statSync } from 'node:fs'
import { mkdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { targetFailed } from '../../lib/errors.js'
import type { Topology } from '../../topology/types.js'
import { instancePaths } from './paths.js'

/** A Unix socket's path has at most 107 bytes; folder name, instance and socket name need about 60. */
const longestBase = 48

const usable = (base: string, byOthers: boolean): boolean => {
  try {
    accessSync(base, constants.W_OK | constants.X_OK)
    for (let path = base; byOthers; path = dirname(path)) {
      if ((statSync(path).mode & 0o001) === 0) return false
      if (path === dirname(path)) break
    }
    return Buffer.byteLength(base) <= longestBase
  } catch {
    return false
  }
}

/**
 * Where the folders of systems go: the temporary folder, unless its path is too long for sockets or the unprivileged
 * users of servers could not get into it. Symbolic links are resolved, as the kernel reports working directories.
 */
export const baseFolder = async (serversRunAsOthers: boolean): Promise<string> => {
  for (const candidate of [tmpdir(), '/tmp', '/var/tmp']) {
    const base = await realpath(candidate).catch(() => undefined)
    if (base !== undefined && usable(base, serversRunAsOthers)) return base
  }
  throw targetFailed(
    'no folder for temporary files can be used',
    `${tmpdir()}, /tmp and /var/tmp are not writable, not open to other users, or their paths are longer than ${longestBase} bytes`,
    'set TMPDIR to a writable folder with a short path',
  )
}

/** Fails if it exists: somebody else's folder must not become ours. */
export const makeSystemFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { mode: 0o711 })
  await mkdir(join(folder, 'logs'), { mode: 0o755 })
}

/** Data and logs of all instances, as if they had never been started. */
export const removeInstances = async (systemFolder: string, topology: Topology): Promise<void> => {
  const paths = Object.values(topology.components).flatMap(({ id, replicas }) =>
    Array.from({ length: replicas }, (_, index) => instancePaths(systemFolder, id, index)),
  )
  await Promise.all(
    paths.flatMap(({ folder, logFile }) => [folder, logFile]).map((path) => rm(path, { recursive: true, force: true })),
  )
}

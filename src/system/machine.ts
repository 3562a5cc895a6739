/** The machine as the process runtime sees it. */
import type { Machine } from '../contract/machine.js'
import { account } from './accounts.js'
import { usageReader } from './docker/cgroup.js'
import { containerEngine } from './docker/engine.js'
import { dockerDaemons, dockerProxies } from './docker/processes.js'
import { inside } from './inside.js'
import { ledger } from './ledger.js'
import { holdPorts } from './ports.js'
import * as proc from './proc.js'
import { findProgram } from './programs.js'
import { removeSharedMemory } from './shared-memory.js'
import { runProgram, startProcess } from './spawn.js'

/** Accounts that servers run as when plimsoll is root, besides root itself. */
const serverAccounts = ['postgres', 'redis', 'www-data', 'nobody'] as const

const signal = (pid: number, name: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

export const machine: Machine = {
  uid: process.getuid?.() ?? -1,
  cores: proc.cores,
  memoryBytes: proc.memoryBytes,
  bootId: proc.bootId(),
  uptimeSeconds: proc.uptimeSeconds,
  start: startProcess,
  run: runProgram,
  stat: proc.stat,
  memory: proc.memory,
  descendants: proc.descendants,
  inside: (folder, sinceSeconds) =>
    inside(
      folder,
      sinceSeconds,
      serverAccounts.map((name) => account([name])).filter((one) => one !== undefined),
    ),
  signal,
  cpu: proc.cpu,
  holdPorts,
  findProgram: (need) => findProgram(need),
  account,
  removeSharedMemory,
  ledger,
  containers: (endpoint) => containerEngine(endpoint),
  containerUsage: usageReader,
  dockerDaemons,
  dockerProxies,
}

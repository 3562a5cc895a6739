/** What the kernel accounts to the control group of a process: version 1 (cpuacct, memory) and version 2. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerUsage } from '../../contract/containers.js'

interface Hierarchy {
  /** Where it is mounted. */
  readonly mount: string
  readonly path: string
}

/**
 * `11:cpu,cpuacct:/docker/ab12…` of /proc/PID/cgroup, and `cgroup /sys/fs/cgroup/cpuacct cgroup rw,cpuacct 0 0` of
 * /proc/mounts. Undefined: there is no such controller.
 */
export const hierarchyOf = (controller: string, groups: string, mounts: string): Hierarchy | undefined => {
  const path = groups
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, controllers = '']) => controllers.split(',').includes(controller))
    ?.slice(2)
    .join(':')
  const mount = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes(controller))?.[1]
  return path === undefined || mount === undefined ? undefined : { mount, path }
}

/** Of version 2, whose line is `0::/system.slice/docker-ab12….scope`. */
export const unifiedOf = (groups: string, mounts: string): Hierarchy | undefined => {
  const path = /^0::(.*)$/m.exec(groups)?.[1]
  const mount = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2')?.[1]
  return path === undefined || mount === undefined ? undefined : { mount, path }
}

const numberIn = (file: string): number => Number.parseInt(readFileSync(file, 'utf8'), 10)

const field = (file: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0)

/**
 * Memory without file pages that nobody has used lately, as `docker stats` shows it. Undefined: the process is gone, or its
 * groups are not ours to see.
 */
export const usageReader = (pid: number): (() => ContainerUsage) | undefined => {
  try {
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    const mounts = readFileSync('/proc/mounts', 'utf8')
    const [cpu, memory] = ['cpuacct', 'memory'].map((name) => hierarchyOf(name, groups, mounts))
    if (cpu !== undefined && memory !== undefined) {
      const [cpuFolder, memoryFolder] = [join(cpu.mount, cpu.path), join(memory.mount, memory.path)]
      return () => ({
        cpuSeconds: numberIn(join(cpuFolder, 'cpuacct.usage')) / 1e9,
        memoryBytes: Math.max(
          0,
          numberIn(join(memoryFolder, 'memory.usage_in_bytes')) -
            field(join(memoryFolder, 'memory.stat'), 'total_inactive_file'),
        ),
      })
    }
    const unified = unifiedOf(groups, mounts)
    if (unified === undefined) return undefined
    const folder = join(unified.mount, unified.path)
    return () => ({
      cpuSeconds: field(join(folder, 'cpu.stat'), 'usage_usec') / 1e6,
      memoryBytes: Math.max(
        0,
        numberIn(join(folder, 'memory.current')) - field(join(folder, 'memory.stat'), 'inactive_file'),
      ),
    })
  } catch {
    return undefined
  }
}

/** Readers of /proc. Synchronous: a read of procfs costs microseconds, less than a trip through the thread pool. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { Memory, ProcessStat } from '../contract/machine.js'

/** USER_HZ: what the kernel counts times in for user space; 100 on every architecture that Node.js runs on. */
const ticksPerSecond = 100
const pageBytes = 4096

/**
 * One line of /proc/PID/stat (proc(5)). The name stands in parentheses and may itself hold spaces and parentheses: it
 * ends at the last one. Undefined: not such a line.
 */
export const parseStat = (line: string): ProcessStat | undefined => {
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const pid = Number.parseInt(line, 10)
  // Field 3 of the manual page is index 0 here.
  const fields = line.slice(close + 2).split(' ')
  const ticks = (field: number): number => Number(fields[field - 3] ?? 0) / ticksPerSecond
  if (!Number.isInteger(pid) || fields.length < 20) return undefined
  return {
    pid,
    name: line.slice(open + 1, close),
    state: fields[0] ?? '?',
    parent: Number(fields[1]),
    session: Number(fields[3]),
    terminal: Number(fields[4]),
    cpuSeconds: ticks(14) + ticks(15),
    childrenCpuSeconds: ticks(16) + ticks(17),
    startSeconds: ticks(22),
  }
}

/** Undefined: it is gone, or not ours to see. */
const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

export const stat = (pid: number): ProcessStat | undefined => {
  const line = readText(`/proc/${pid}/stat`)
  return line === undefined ? undefined : parseStat(line)
}

export const memory = (pid: number): Memory => {
  const [, resident = 0, shared = 0] = (readText(`/proc/${pid}/statm`) ?? '').split(' ').map(Number)
  return { residentBytes: resident * pageBytes, sharedBytes: shared * pageBytes }
}

export const allPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => name >= '1' && name <= '9999999999' && /^\d+$/.test(name))
    .map(Number)

/** /proc/PID/task/TID/children exists only in kernels built with CONFIG_PROC_CHILDREN (Debian's and most others are). */
const childrenFileExists = readText(`/proc/${process.pid}/task/${process.pid}/children`) !== undefined

const childrenByFile = (pid: number): readonly number[] => {
  let tasks: readonly string[]
  try {
    tasks = readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
  return tasks
    .flatMap((task) => (readText(`/proc/${pid}/task/${task}/children`) ?? '').split(' ').filter(Boolean))
    .map(Number)
}

const childrenByScan = (): ((pid: number) => readonly number[]) => {
  const children = new Map<number, number[]>()
  for (const pid of allPids()) {
    const parent = stat(pid)?.parent
    if (parent === undefined) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [pid])
    else siblings.push(pid)
  }
  return (pid) => children.get(pid) ?? []
}

export const descendants = (roots: readonly number[]): ReadonlyMap<number, readonly ProcessStat[]> => {
  const childrenOf = childrenFileExists ? childrenByFile : childrenByScan()
  const result = new Map<number, readonly ProcessStat[]>()
  for (const root of roots) {
    const found: ProcessStat[] = []
    const seen = new Set<number>()
    const queue = [root]
    for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
      const one = seen.has(pid) ? undefined : stat(pid)
      seen.add(pid)
      if (one === undefined || one.state === 'Z') continue
      found.push(one)
      queue.push(...childrenOf(pid))
    }
    result.set(root, found)
  }
  return result
}

/** The working directory; the kernel appends ` (deleted)` once it has been removed. Undefined: gone, or not permitted. */
export const workingDirectory = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** Is the directory, as the kernel names it, `folder` or inside it? */
export const isInside = (directory: string, folder: string): boolean => {
  const path = directory.replace(/ \(deleted\)$/, '')
  return path === folder || path.startsWith(`${folder}/`)
}

export const bootId = (): string => (readText('/proc/sys/kernel/random/boot_id') ?? '').trim()

/** Seconds since boot, including time asleep, like the start times in /proc/PID/stat. */
export const uptimeSeconds = (): number => Number.parseFloat(readText('/proc/uptime') ?? '0')

/** `0-3,8` → 0, 1, 2, 3, 8. */
export const parseCpuList = (text: string): readonly number[] =>
  text
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [low = 0, high = low] = range.split('-').map(Number)
      return Array.from({ length: high - low + 1 }, (_, i) => low + i)
    })

/**
 * /proc/stat summed over the cores in `allowed`: all time but idle and I/O wait is busy, also what a hypervisor stole,
 * since nobody here could use it. Seconds since boot.
 */
export const parseCpuTimes = (
  text: string,
  allowed: ReadonlySet<number>,
): { readonly busySeconds: number; readonly capacitySeconds: number } => {
  let busy = 0
  let total = 0
  for (const line of text.split('\n')) {
    const match = /^cpu(\d+) (.*)$/.exec(line)
    if (match === null || !allowed.has(Number(match[1]))) continue
    // user nice system idle iowait irq softirq steal; guest times are part of user.
    const times = (match[2] ?? '').trim().split(' ').slice(0, 8).map(Number)
    const sum = times.reduce((a, b) => a + b, 0)
    total += sum
    busy += sum - (times[3] ?? 0) - (times[4] ?? 0)
  }
  return { busySeconds: busy / ticksPerSecond, capacitySeconds: total / ticksPerSecond }
}

const allowedCpus = (): ReadonlySet<number> =>
  new Set(parseCpuList(/Cpus_allowed_list:\s*(\S+)/.exec(readText('/proc/self/status') ?? '')?.[1] ?? ''))

/** Taken once: a later pin of this process does not change what the machine has. */
const cpus = allowedCpus()
export const allowedCores: readonly number[] = [...cpus]

export const cpu = (): { readonly busySeconds: number; readonly capacitySeconds: number } =>
  parseCpuTimes(readText('/proc/stat') ?? '', cpus)

export const cores = availableParallelism()
export const memoryBytes = totalmem()

/**
 * What a runtime may do to the machine. `src/system/machine.ts` implements it; runtimes are handed it, because nothing but
 * `system` spawns processes or reads /proc.
 */
import type { ContainerEngine, ContainerUsage } from './containers.js'
import type { ProgramNeed } from './engine.js'
import type { LedgerEntry } from './ledger.js'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Run as this account (plimsoll must be root); undefined: as plimsoll. */
  readonly account?: Account | undefined
}

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

/** A process that we started, in a session of its own: it hears no Ctrl-C of the terminal and has no controlling one. */
export interface Child {
  readonly pid: number
  /** Start time in clock ticks since boot: with the pid it names the process for good. */
  readonly exited: Promise<Exit>
  /** Undefined while it runs. */
  readonly exit: Exit | undefined
}

export interface Finished extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** What /proc/PID/stat tells. */
export interface ProcessStat {
  readonly pid: number
  readonly name: string
  /** R running, S sleeping, D disk, Z zombie, T stopped, … */
  readonly state: string
  readonly parent: number
  readonly session: number
  /** 0: none. */
  readonly terminal: number
  /** User and system time of all threads, those that ended included. */
  readonly cpuSeconds: number
  /** The same of children that were waited for, and of theirs. */
  readonly childrenCpuSeconds: number
  /** Since boot. */
  readonly startSeconds: number
}

export interface Memory {
  readonly residentBytes: number
  /** Of it, backed by files or shared memory. */
  readonly sharedBytes: number
}

export interface Ledger {
  readonly folder: string
  /** Creates or replaces the entry; when it returns the entry survives a crash of the machine. */
  write(entry: LedgerEntry): Promise<void>
  read(id: string): Promise<LedgerEntry | undefined>
  /** Entries in order of age; an unreadable file comes as its id alone. */
  list(): Promise<readonly (LedgerEntry | { readonly id: string; readonly broken: true })[]>
  /** Removes the entry, and tidies. Idempotent. */
  remove(id: string): Promise<void>
  /** Removes half-written files of writers that are dead, and the ledger's folders when they are empty. */
  tidy(): Promise<void>
}

export interface Machine {
  readonly uid: number
  /** Cores that this process may use. */
  readonly cores: number
  readonly memoryBytes: number
  readonly bootId: string
  /** Seconds since boot, on the clock of `ProcessStat.startSeconds`. */
  uptimeSeconds(): number
  /** Starts a supervised process; its output is appended to `logFile`. Rejects when it could not be started. */
  start(command: Command & { readonly logFile: string }): Promise<Child>
  /** Runs a program to its end and collects its output. */
  run(command: Command & { readonly timeoutSeconds: number; readonly signal?: AbortSignal }): Promise<Finished>
  stat(pid: number): ProcessStat | undefined
  memory(pid: number): Memory
  /** The living processes of these roots: each root and all that descends from it, parents first. */
  descendants(roots: readonly number[]): ReadonlyMap<number, readonly ProcessStat[]>
  /**
   * Living processes (no zombies) that work inside `folder` (also when it has been deleted), were started at
   * `sinceSeconds` after boot or later, have no terminal, and are neither this process nor an ancestor of it.
   */
  inside(folder: string, sinceSeconds: number): Promise<readonly ProcessStat[]>
  /** False: there is no such process (any more). */
  signal(pid: number, signal: NodeJS.Signals): boolean
  /** Cumulative since boot, of the cores that this process may use. */
  cpu(): { readonly busySeconds: number; readonly capacitySeconds: number }
  /** Distinct free loopback ports, held until `release`. */
  holdPorts(count: number): Promise<{ readonly ports: readonly number[]; readonly release: () => Promise<void> }>
  /** Absolute path; undefined: not installed. */
  findProgram(need: ProgramNeed): string | undefined
  /** The first of these that exists. */
  account(names: readonly string[]): Account | undefined
  /** System V and POSIX shared memory that PostgreSQL servers with data below `folder` left behind. */
  removeSharedMemory(folder: string, deadPids: readonly number[]): Promise<void>
  ledger(folder: string): Ledger
  /** The engine that DOCKER_HOST names, else the usual one, unless `endpoint` names it. */
  containers(endpoint?: string): ContainerEngine
  /** Reads what the control group of a container's first process has used; undefined: it is not there to be read. */
  containerUsage(pid: number): (() => ContainerUsage) | undefined
  /** The engine's own processes (dockerd, containerd and a shim for each container), whosever containers they carry. */
  dockerDaemons(): readonly ProcessStat[]
  /** Pids of the proxies that Docker has for these published ports. */
  dockerProxies(ports: readonly number[]): readonly number[]
}

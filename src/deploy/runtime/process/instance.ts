/**
 * One instance: its processes, started together, watched, and started again when they crash. Operations on it run one
 * after the other. Nothing here touches a process that this instance did not start or that does not work in its folder.
 */
import { join } from 'node:path'
import type { Child, Machine, ProcessStat } from '../../../contract/machine.js'
import type { ProcessSpec } from '../../../contract/process-spec.js'
import type { InstanceStatus } from '../../../contract/running-system.js'
import type { InstanceState } from '../../../result/run-event.js'
import { CpuAccount } from './cpu-account.js'
import { failure, logTail } from './failure.js'
import { launchProcess, prepareProcess } from './start-process.js'
import { sleep } from './time.js'

export interface InstanceOptions {
  readonly machine: Machine
  /** `app/0` */
  readonly id: string
  readonly component: string
  readonly index: number
  /** Working directory of all its processes, in the system's folder. */
  readonly folder: string
  readonly logFile: string
  readonly addresses: readonly string[]
  /** Made anew at each start: bindings are known only once the stores are ready. */
  readonly specs: () => readonly ProcessSpec[]
  readonly restartAfterSeconds: number | undefined
  readonly pin: readonly number[] | undefined
  readonly systemId: string
  readonly onState: (instance: Instance, state: InstanceState) => void
  /** It ended though nobody asked it to. */
  readonly onCrash: () => void
  readonly onNote: (message: string) => void
}

export class Instance {
  readonly id: string
  readonly component: string
  readonly index: number
  readonly folder: string
  readonly cpu: CpuAccount
  #state: InstanceState = 'stopped'
  #children: readonly Child[] = []
  #specs: readonly ProcessSpec[] = []
  #prepared = false
  #closed = false
  /** Counts starts and deliberate ends: an exit that belongs to an earlier one is no crash. */
  #generation = 0
  #restarts = 0
  #startedAt = new Date()
  #startedBootSeconds = 0
  #restartTimer: NodeJS.Timeout | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: InstanceOptions) {
    this.id = options.id
    this.component = options.component
    this.index = options.index
    this.folder = options.folder
    this.cpu = new CpuAccount(options.machine)
  }

  get state(): InstanceState {
    return this.#state
  }

  get generation(): number {
    return this.#generation
  }

  /** Of the living processes that it started. */
  get pids(): readonly number[] {
    return this.#children.filter((child) => child.exit === undefined).map((child) => child.pid)
  }

  status(): InstanceStatus {
    return {
      id: this.id,
      component: this.component,
      index: this.index,
      state: this.#state,
      addresses: this.options.addresses,
      pids: this.pids,
      restarts: this.#restarts,
      startedAt: this.#startedAt.toISOString(),
      logFile: this.options.logFile,
    }
  }

  /** Resolves when it takes requests. Rejects with what its log says when it does not get so far. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#exclusive(() => this.#start(signal))
  }

  /** Ends it at once, as a crash would. Resolves when none of its processes is left. */
  kill(restartAfterSeconds: number | undefined): Promise<void> {
    return this.#exclusive(async () => {
      this.#cancelRestart()
      this.#generation++
      await this.#killAll()
      this.#setState('crashed')
      this.#restartIn(restartAfterSeconds)
    })
  }

  /** Asks it to end, and makes it after `stopSeconds`. Resolves when none of its processes is left. */
  stop(restartAfterSeconds?: number | undefined): Promise<void> {
    return this.#exclusive(async () => {
      this.#cancelRestart()
      this.#generation++
      await this.#stopAll()
      this.#setState('stopped')
      this.#restartIn(restartAfterSeconds)
    })
  }

  /** SIGSTOP to every process of it. */
  pause(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state !== 'ready') return
      // Parents first, so that none can start a child that is missed.
      for (
        let seen = -1, processes = await this.#processes();
        processes.length > seen;
        processes = await this.#processes()
      ) {
        seen = processes.length
        for (const { pid } of processes) this.options.machine.signal(pid, 'SIGSTOP')
      }
      this.#setState('paused')
    })
  }

  resume(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state !== 'paused') return
      for (const { pid } of await this.#processes()) this.options.machine.signal(pid, 'SIGCONT')
      this.#setState('ready')
    })
  }

  /** Starts it again if it is down; does nothing otherwise. */
  async bringBack(): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#closed || (this.#state !== 'crashed' && this.#state !== 'stopped')) return
      this.#cancelRestart()
      await this.#start(undefined)
      this.#restarts++
    })
  }

  /** No restart from here on. Ends it: asked first (unless `gently` is false), then made to. */
  async close(gently: boolean): Promise<void> {
    this.#closed = true
    this.#cancelRestart()
    this.#generation++
    // Not behind a start that may take its time: the processes that it waits for are ended under it.
    if (gently) await this.#stopAll()
    else await this.#killAll()
    await this.#queue
    await this.#killAll()
    this.#setState('stopped')
  }

  #exclusive<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(operation)
    this.#queue = result.catch(() => undefined)
    return result
  }

  #setState(state: InstanceState): void {
    if (this.#state === state) return
    this.#state = state
    this.options.onState(this, state)
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const { machine, logFile } = this.options
    if (this.#closed || this.#state === 'ready' || this.#state === 'paused') return
    const generation = ++this.#generation
    this.#setState('starting')
    this.#startedAt = new Date()
    this.#startedBootSeconds = machine.uptimeSeconds()
    const context = { machine, logFile, systemId: this.options.systemId, pin: this.options.pin, signal }
    try {
      this.#specs = this.options.specs()
      for (const spec of this.#specs) await prepareProcess(spec, !this.#prepared, context)
      this.#prepared = true
      this.#children = await Promise.all(this.#specs.map((spec) => launchProcess(spec, context)))
      this.cpu.began(this.#children.map((child) => child.pid))
      for (const child of this.#children) child.exited.then(() => this.#exited(generation))
      await this.#becomesReady(generation, signal)
    } catch (error) {
      this.#generation++
      await this.#killAll()
      this.#setState(signal?.aborted === true || this.#closed ? 'stopped' : 'crashed')
      throw error
    }
    this.#setState('ready')
  }

  async #becomesReady(generation: number, signal: AbortSignal | undefined): Promise<void> {
    const { id, logFile } = this.options
    const startSeconds = Math.max(...this.#specs.map((spec) => spec.startSeconds))
    const deadline = performance.now() + startSeconds * 1000
    const waiting = new Set(this.#specs)
    for (let pauseSeconds = 0.01; ; pauseSeconds = Math.min(0.1, pauseSeconds * 1.5)) {
      for (const spec of waiting) if (await spec.probe()) waiting.delete(spec)
      const gone = this.#children.find((child) => child.exit !== undefined)
      if (gone?.exit !== undefined) throw await failure(id, gone.exit, logFile)
      if (this.#closed || generation !== this.#generation || signal?.aborted === true)
        throw new Error(`${id}: interrupted`)
      if (waiting.size === 0) return
      if (performance.now() > deadline)
        throw await failure(id, `it did not take requests within ${startSeconds} s`, logFile)
      await sleep(pauseSeconds)
    }
  }

  /** A process ended though nobody asked for it: a crash of the whole instance. */
  #exited(generation: number): void {
    if (generation !== this.#generation || this.#state === 'starting' || this.#closed) return
    this.#generation++
    this.#setState('crashed')
    this.options.onCrash()
    void this.#exclusive(async () => {
      await this.#killAll()
      const last = (await logTail(this.options.logFile, 1)).at(-1)
      this.options.onNote(`${this.id} crashed${last === undefined ? '' : `: ${last}`}`)
      this.#restartIn(this.options.restartAfterSeconds)
    })
  }

  #restartIn(seconds: number | undefined): void {
    if (seconds === undefined || this.#closed) return
    this.#restartTimer = setTimeout(() => {
      this.bringBack().catch((error: unknown) => {
        this.options.onNote(error instanceof Error ? error.message : String(error))
        // Not quicker than once a second, whatever the topology says: a crash loop must not eat the machine.
        this.#restartIn(Math.max(1, this.options.restartAfterSeconds ?? seconds))
      })
    }, seconds * 1000)
  }

  #cancelRestart(): void {
    clearTimeout(this.#restartTimer)
    this.#restartTimer = undefined
  }

  /** Its living processes: what descends from those it started, and whatever else works in its folder. */
  async #processes(): Promise<readonly ProcessStat[]> {
    const { machine } = this.options
    const tree = [...machine.descendants(this.pids).values()].flat()
    const known = new Set(tree.map(({ pid }) => pid))
    const others = await machine.inside(this.folder, this.#startedBootSeconds)
    return [...tree, ...others.filter(({ pid }) => !known.has(pid))]
  }

  async #stopAll(): Promise<void> {
    const { machine } = this.options
    this.cpu.ending()
    const stopSeconds = Math.max(0, ...this.#specs.map((spec) => spec.stopSeconds))
    for (const [i, child] of this.#children.entries()) {
      if (child.exit !== undefined) continue
      machine.signal(child.pid, this.#specs[i]?.stopSignal ?? 'SIGTERM')
    }
    if (this.#state === 'paused') for (const { pid } of await this.#processes()) machine.signal(pid, 'SIGCONT')
    await Promise.race([Promise.all(this.#children.map((child) => child.exited)), sleep(stopSeconds)])
    await this.#killAll()
  }

  async #killAll(): Promise<void> {
    const { machine } = this.options
    this.cpu.ending()
    // What descends from our children first, in one go: this is the crash that a fault asks for.
    for (const { pid } of [...machine.descendants(this.pids).values()].flat()) machine.signal(pid, 'SIGKILL')
    for (let left = await this.#processes(); left.length > 0; left = await this.#processes()) {
      for (const { pid } of left) machine.signal(pid, 'SIGKILL')
      await sleep(0.005)
    }
    await Promise.all(this.#children.map((child) => child.exited))
    this.#children = []
    this.cpu.ended()
  }
}

/** Where an instance works and logs, below the system's folder. */
export const instancePaths = (
  systemFolder: string,
  component: string,
  index: number,
): { readonly folder: string; readonly logFile: string } => ({
  folder: join(systemFolder, `${component}-${index}`),
  logFile: join(systemFolder, 'logs', `${component}-${index}.log`),
})

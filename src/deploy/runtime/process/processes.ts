/**
 * The processes of one instance. Nothing here touches a process that the instance did not start or that does not work in
 * its folder.
 */
import type { Child, Exit, Machine, ProcessStat } from '../../../contract/machine.js'
import type { ProcessSpec } from '../../../contract/process-spec.js'
import type { Body, Usage } from '../body.js'
import { sleep } from '../time.js'
import { CpuAccount } from './cpu-account.js'
import { launchProcess, prepareProcess, writeFiles } from './start-process.js'

/** States of /proc/PID/stat in which nothing is computed: stopped, by a debugger too, and ended. */
const STANDING: ReadonlySet<string> = new Set(['T', 't', 'Z', 'X'])
/** Processes that do not stop by then are not waited for: they are not ours to signal, or the kernel keeps them. */
const STANDSTILL_SECONDS = 1

export interface ProcessesOptions {
  readonly machine: Machine
  /** Working directory of all its processes, in the system's folder. */
  readonly folder: string
  readonly logFile: string
  /** Made anew at each start: bindings are known only once the stores are ready. */
  readonly specs: () => readonly ProcessSpec[]
  readonly pin: readonly number[] | undefined
  readonly systemId: string
}

export class Processes implements Body {
  readonly #cpu: CpuAccount
  #children: readonly Child[] = []
  #specs: readonly ProcessSpec[] = []
  #prepared = false
  #paused = false
  #startedBootSeconds = 0

  constructor(private readonly options: ProcessesOptions) {
    this.#cpu = new CpuAccount(options.machine)
  }

  get pids(): readonly number[] {
    return this.#children.filter((child) => child.exit === undefined).map((child) => child.pid)
  }

  get probes(): readonly (() => Promise<boolean>)[] {
    return this.#specs.map((spec) => spec.probe)
  }

  get startSeconds(): number {
    return Math.max(...this.#specs.map((spec) => spec.startSeconds))
  }

  usage(): Usage {
    return this.#cpu.read()
  }

  exit(): Exit | undefined {
    return this.#children.find((child) => child.exit !== undefined)?.exit
  }

  async start(signal: AbortSignal | undefined, ended: () => void): Promise<void> {
    const { machine, logFile, systemId, pin, specs } = this.options
    this.#startedBootSeconds = machine.uptimeSeconds()
    const context = { machine, logFile, systemId, pin, signal }
    this.#specs = specs()
    for (const spec of this.#specs) await prepareProcess(spec, !this.#prepared, context)
    this.#prepared = true
    this.#children = await Promise.all(this.#specs.map((spec) => launchProcess(spec, context)))
    this.#cpu.began(this.#children.map((child) => child.pid))
    for (const child of this.#children) child.exited.then(ended)
  }

  async reconfigure(signal: NodeJS.Signals): Promise<void> {
    const { machine, specs } = this.options
    this.#specs = specs()
    for (const spec of this.#specs) await writeFiles(spec, machine)
    for (const pid of this.pids) machine.signal(pid, signal)
  }

  makeAnew(): void {
    this.#prepared = false
  }

  /**
   * SIGSTOP to every process of it. Resolves when all of them stand still: one that was on a core stops a moment after the
   * signal, and one that was just being forked is seen only by looking again. What waits in the kernel, for a disk or for
   * a child of vfork that stands still itself, cannot return from there any more: to have signalled it is enough.
   */
  async pause(): Promise<void> {
    this.#paused = true
    const { machine } = this.options
    const deadline = machine.uptimeSeconds() + STANDSTILL_SECONDS
    const signalled = new Set<number>()
    while (this.#paused && machine.uptimeSeconds() < deadline) {
      const moving = (await this.#processes()).filter(
        ({ pid, state }) => !STANDING.has(state) && !(state === 'D' && signalled.has(pid)),
      )
      if (moving.length === 0) return
      for (const { pid } of moving) {
        machine.signal(pid, 'SIGSTOP')
        signalled.add(pid)
      }
      await sleep(0.001)
    }
  }

  async resume(): Promise<void> {
    this.#paused = false
    for (const { pid } of await this.#processes()) this.options.machine.signal(pid, 'SIGCONT')
  }

  async stop(): Promise<void> {
    const { machine } = this.options
    this.#cpu.ending()
    const stopSeconds = Math.max(0, ...this.#specs.map((spec) => spec.stopSeconds))
    for (const [i, child] of this.#children.entries()) {
      if (child.exit !== undefined) continue
      machine.signal(child.pid, this.#specs[i]?.stopSignal ?? 'SIGTERM')
    }
    if (this.#paused) await this.resume()
    await Promise.race([Promise.all(this.#children.map((child) => child.exited)), sleep(stopSeconds)])
    await this.kill()
  }

  async kill(): Promise<void> {
    const { machine } = this.options
    this.#cpu.ending()
    // What descends from our children first, in one go: this is the crash that a fault asks for.
    for (const { pid } of [...machine.descendants(this.pids).values()].flat()) machine.signal(pid, 'SIGKILL')
    for (let left = await this.#processes(); left.length > 0; left = await this.#processes()) {
      for (const { pid } of left) machine.signal(pid, 'SIGKILL')
      await sleep(0.005)
    }
    await Promise.all(this.#children.map((child) => child.exited))
    this.#children = []
    this.#paused = false
    this.#cpu.ended()
  }

  /** Its living processes: what descends from those it started, and whatever else works in its folder. */
  async #processes(): Promise<readonly ProcessStat[]> {
    const { machine, folder } = this.options
    const tree = [...machine.descendants(this.pids).values()].flat()
    const known = new Set(tree.map(({ pid }) => pid))
    const others = await machine.inside(folder, this.#startedBootSeconds)
    return [...tree, ...others.filter(({ pid }) => !known.has(pid))]
  }
}

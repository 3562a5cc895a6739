/** The containers of one instance: made by compose, started and ended here. */
import type { ContainerEngine, ContainerUsage } from '../../../contract/containers.js'
import type { Exit, Machine } from '../../../contract/machine.js'
import type { ProcessSpec } from '../../../contract/process-spec.js'
import type { Body, Usage } from '../body.js'
import { startRefused } from '../failure.js'
import { sleep, until } from '../time.js'

export interface ContainersOptions {
  readonly engine: ContainerEngine
  readonly machine: Machine
  /** `app/0` */
  readonly id: string
  /** Of the containers, in order of the specs. */
  readonly containers: readonly string[]
  /** Of those that hold their networks: started with the first start, and never ended. */
  readonly holders: readonly string[]
  /** Signals and probes; what is to be executed is the image's. Made anew at each start. */
  readonly specs: () => readonly ProcessSpec[]
  /** Writes what the containers mount, before each start and when they are to read it again. */
  readonly prepare: () => Promise<void>
  /** What they have kept is not to be used: `prepare` will say so to them. */
  readonly makeAnew: () => void
  /** On loopback: Docker's proxies for them work for this instance. */
  readonly ports: readonly number[]
  readonly logFile: string
}

interface Life {
  readonly id: string
  readonly pid: number
  readonly read: (() => ContainerUsage) | undefined
  readonly log: { readonly close: () => void }
  readonly ended: Promise<Exit>
  exit: Exit | undefined
}

export class Containers implements Body {
  #lives: readonly Life[] = []
  /** Lives that are over, as far as the kernel is concerned. */
  #buried: readonly Life[] = []
  #specs: readonly ProcessSpec[] = []
  #proxies: readonly number[] = []
  /** CPU-seconds of lives that are over. */
  #past = 0
  /** Of this one, as last read. */
  #current = 0
  #memoryBytes = 0

  constructor(private readonly options: ContainersOptions) {}

  get pids(): readonly number[] {
    return this.#lives.filter((life) => life.exit === undefined).map((life) => life.pid)
  }

  get probes(): readonly (() => Promise<boolean>)[] {
    return this.#specs.map((spec) => spec.probe)
  }

  get startSeconds(): number {
    return Math.max(...this.#specs.map((spec) => spec.startSeconds))
  }

  exit(): Exit | undefined {
    return this.#lives.find((life) => life.exit !== undefined)?.exit
  }

  async start(_: AbortSignal | undefined, ended: () => void): Promise<void> {
    const { engine, machine, containers, holders, id, specs, prepare, ports } = this.options
    // Its processes are dead, but the engine may not have noticed yet: it would not start what runs.
    await Promise.all(this.#buried.map((life) => life.ended))
    await prepare()
    this.#specs = specs()
    try {
      await Promise.all(holders.map((holder) => engine.start(holder)))
      this.#lives = await Promise.all(containers.map((container) => this.#begin(engine, container)))
    } catch (error) {
      throw startRefused(id, error)
    }
    this.#proxies = machine.dockerProxies(ports)
    for (const life of this.#lives) life.ended.then(ended, ended)
  }

  async #begin(engine: ContainerEngine, container: string): Promise<Life> {
    const { machine, logFile } = this.options
    await engine.start(container)
    const { pid, startedAt } = await engine.inspect(container)
    const life: Life = {
      id: container,
      pid,
      read: pid > 0 ? machine.containerUsage(pid) : undefined,
      log: engine.followLog(container, startedAt, logFile),
      // An engine that goes away takes its containers with it, as far as we can tell.
      ended: engine.ended(container).catch((): Exit => ({ code: null, signal: 'SIGKILL' })),
      exit: undefined,
    }
    life.ended.then((exit) => {
      life.exit = exit
    })
    return life
  }

  async reconfigure(signal: NodeJS.Signals): Promise<void> {
    const { engine, prepare, specs } = this.options
    await prepare()
    this.#specs = specs()
    await Promise.all(this.#lives.map(({ id }) => engine.signal(id, signal)))
  }

  makeAnew(): void {
    this.options.makeAnew()
  }

  async pause(): Promise<void> {
    await Promise.all(this.#lives.map(({ id }) => this.options.engine.pause(id)))
  }

  async resume(): Promise<void> {
    await Promise.all(this.#lives.map(({ id }) => this.options.engine.resume(id)))
  }

  async stop(): Promise<void> {
    const { engine } = this.options
    this.usage()
    const living = this.#lives.filter(({ exit }) => exit === undefined)
    if (living.length > 0) {
      await this.resume()
      await Promise.all(this.#lives.map(({ id }, i) => engine.signal(id, this.#specs[i]?.stopSignal ?? 'SIGTERM')))
      const stopSeconds = Math.max(0, ...this.#specs.map((spec) => spec.stopSeconds))
      await Promise.race([Promise.all(living.map((life) => life.ended)), sleep(stopSeconds)])
    }
    await this.kill()
  }

  async kill(): Promise<void> {
    const { engine, containers } = this.options
    this.usage()
    await Promise.all(containers.map((container) => engine.signal(container, 'SIGKILL')))
    await Promise.all(this.#lives.map((life) => this.#dead(life)))
    if (this.#lives.length > 0) this.#buried = this.#lives
    this.#lives = []
    this.#proxies = []
    this.#past += this.#current
    this.#current = 0
    this.#memoryBytes = 0
  }

  /** Resolves when its first process is gone, and so all of them: sooner than the engine says so. */
  async #dead(life: Life): Promise<void> {
    let told = false
    life.ended.then(() => {
      told = true
    })
    const gone = (): boolean => {
      const stat = this.options.machine.stat(life.pid)
      return stat === undefined || stat.state === 'Z'
    }
    await until(() => told || (life.pid > 0 && gone()), Number.POSITIVE_INFINITY, 0.002)
  }

  /** What the kernel accounts to the control groups, and to Docker's proxies that stand between loopback and them. */
  usage(): Usage {
    let cpuSeconds = 0
    let memoryBytes = 0
    for (const life of this.#lives) {
      // The group goes with the container; what it had used last remains.
      const used = life.exit === undefined ? this.#tryRead(life) : undefined
      if (used === undefined) return this.#total()
      cpuSeconds += used.cpuSeconds
      memoryBytes += used.memoryBytes
    }
    for (const pid of this.#proxies) cpuSeconds += this.options.machine.stat(pid)?.cpuSeconds ?? 0
    this.#current = Math.max(this.#current, cpuSeconds)
    this.#memoryBytes = memoryBytes
    return this.#total()
  }

  #tryRead(life: Life): ContainerUsage | undefined {
    try {
      return life.read?.()
    } catch {
      return undefined
    }
  }

  #total(): Usage {
    return { cpuSeconds: this.#past + this.#current, memoryBytes: this.#memoryBytes }
  }
}

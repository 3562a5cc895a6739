/**
 * One instance: its processes or containers, started together, watched, and started again when they crash. Operations on
 * it run one after the other.
 */
import type { InstanceStatus } from '../../contract/running-system.js'
import type { InstanceState } from '../../result/run-event.js'
import type { Body, Usage } from './body.js'
import { failure, logTail } from './failure.js'
import { sleep } from './time.js'

export interface InstanceOptions {
  /** `app/0` */
  readonly id: string
  readonly component: string
  readonly index: number
  readonly body: Body
  readonly logFile: string
  readonly addresses: readonly string[]
  /** Where the other instances reach it, if not there. */
  readonly peerAddresses?: readonly string[] | undefined
  readonly restartAfterSeconds: number | undefined
  /** Awaited before each start. */
  readonly beforeStart?: () => Promise<void>
  readonly onState: (instance: Instance, state: InstanceState) => void
  /** It ended though nobody asked it to. */
  readonly onCrash: () => void
  readonly onNote: (message: string) => void
}

export class Instance {
  readonly id: string
  readonly component: string
  readonly index: number
  readonly #body: Body
  #state: InstanceState = 'stopped'
  #closed = false
  /** Ended while it was paused, so that it does not go on where it was: whoever resumes it starts it. */
  #fenced = false
  /** Counts starts and deliberate ends: an exit that belongs to an earlier one is no crash. */
  #generation = 0
  #restarts = 0
  #startedAt = new Date()
  #restartTimer: NodeJS.Timeout | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: InstanceOptions) {
    this.id = options.id
    this.component = options.component
    this.index = options.index
    this.#body = options.body
  }

  get state(): InstanceState {
    return this.#state
  }

  get generation(): number {
    return this.#generation
  }

  usage(): Usage {
    return this.#body.usage()
  }

  status(): InstanceStatus {
    const { addresses, peerAddresses, logFile } = this.options
    return {
      id: this.id,
      component: this.component,
      index: this.index,
      state: this.#state,
      addresses,
      ...(peerAddresses === undefined ? {} : { peerAddresses }),
      pids: this.#body.pids,
      restarts: this.#restarts,
      startedAt: this.#startedAt.toISOString(),
      logFile,
    }
  }

  /** Resolves when it takes requests. Rejects with what its log says when it does not get so far. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#exclusive(() => this.#start(signal))
  }

  /** Ends it at once, as a crash would. Resolves when nothing of it is left. */
  kill(restartAfterSeconds: number | undefined): Promise<void> {
    return this.#end(() => this.#body.kill(), 'crashed', restartAfterSeconds)
  }

  /** Asks it to end, and makes it when it does not in time. Resolves when nothing of it is left. */
  stop(restartAfterSeconds?: number | undefined): Promise<void> {
    return this.#end(() => this.#body.stop(), 'stopped', restartAfterSeconds)
  }

  /** Every process of it stands still. */
  pause(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#state !== 'ready') return
      await this.#body.pause()
      this.#setState('paused')
    })
  }

  /**
   * Whatever of it runs ends now, and starts again only when it is asked to; what was paused, when it is resumed. True: it
   * was up, or coming up, and whoever fences it must bring it back.
   */
  async fence(): Promise<boolean> {
    // What is down has nothing to end, and must not be waited for: it may itself wait for what comes after this.
    if (this.#state !== 'paused' && this.#state !== 'ready' && this.#state !== 'starting') return false
    const paused = this.#state === 'paused'
    await this.kill(undefined)
    this.#fenced = paused
    return !paused
  }

  /** Its preparation is done again before the next start. */
  makeAnew(): void {
    this.#body.makeAnew?.()
  }

  /** Its files become what they are to be now, and its processes read them. What is down reads them when it starts. */
  reconfigure(signal: NodeJS.Signals): Promise<void> {
    return this.#exclusive(async () => {
      if (!this.#closed && this.#state === 'ready') await this.#body.reconfigure?.(signal)
    })
  }

  async resume(): Promise<void> {
    if (this.#fenced) await this.bringBack()
    await this.#exclusive(async () => {
      if (this.#state !== 'paused') return
      await this.#body.resume()
      this.#setState('ready')
    })
  }

  /** Starts it again if it is down; does nothing otherwise. */
  async bringBack(): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#closed || (this.#state !== 'crashed' && this.#state !== 'stopped')) return
      this.#cancelRestart()
      this.#fenced = false
      await this.#start(undefined)
      this.#restarts++
    })
  }

  /** No restart from here on. Ends it: asked first (unless `gently` is false), then made to. */
  async close(gently: boolean): Promise<void> {
    this.#closed = true
    this.#cancelRestart()
    this.#generation++
    // Not behind a start that may take its time: what it waits for is ended under it.
    if (gently) await this.#body.stop()
    else await this.#body.kill()
    await this.#queue
    await this.#body.kill()
    this.#setState('stopped')
  }

  #exclusive<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(operation)
    this.#queue = result.catch(() => undefined)
    return result
  }

  #end(how: () => Promise<void>, state: InstanceState, restartAfterSeconds: number | undefined): Promise<void> {
    return this.#exclusive(async () => {
      this.#cancelRestart()
      this.#generation++
      await how()
      this.#setState(state)
      this.#restartIn(restartAfterSeconds)
    })
  }

  #setState(state: InstanceState): void {
    if (this.#state === state) return
    this.#state = state
    this.options.onState(this, state)
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    if (this.#closed || this.#state === 'ready' || this.#state === 'paused') return
    await this.options.beforeStart?.()
    const generation = ++this.#generation
    this.#setState('starting')
    this.#startedAt = new Date()
    try {
      await this.#body.start(signal, () => this.#exited(generation))
      await this.#becomesReady(generation, signal)
    } catch (error) {
      this.#generation++
      await this.#body.kill()
      this.#setState(signal?.aborted === true || this.#closed ? 'stopped' : 'crashed')
      throw error
    }
    this.#setState('ready')
  }

  async #becomesReady(generation: number, signal: AbortSignal | undefined): Promise<void> {
    const { id, logFile } = this.options
    const { startSeconds, probes } = this.#body
    const deadline = performance.now() + startSeconds * 1000
    const waiting = new Set(probes)
    for (let pauseSeconds = 0.01; ; pauseSeconds = Math.min(0.1, pauseSeconds * 1.5)) {
      for (const probe of waiting) if (await probe()) waiting.delete(probe)
      const exit = this.#body.exit()
      if (exit !== undefined) throw await failure(id, exit, logFile)
      if (this.#closed || generation !== this.#generation || signal?.aborted === true)
        throw new Error(`${id}: interrupted`)
      if (waiting.size === 0) return
      if (performance.now() > deadline)
        throw await failure(id, `it did not take requests within ${startSeconds} s`, logFile)
      await sleep(pauseSeconds)
    }
  }

  /** A part of it ended though nobody asked for it: a crash of the whole instance. */
  #exited(generation: number): void {
    if (generation !== this.#generation || this.#state === 'starting' || this.#closed) return
    this.#generation++
    this.#setState('crashed')
    this.options.onCrash()
    void this.#exclusive(async () => {
      await this.#body.kill()
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
}

/**
 * What one process gets its CPU through: event loops, which take bursts first come, first served, or none, so that all its
 * bursts run at once (hot path).
 */
import { type Bursts, cancelled, frozen, running, waiting } from './bursts.js'
import { IntRing, type Line } from './columns.js'
import type { Cores } from './cores.js'
import type { ProcessorColumns } from './cpu.js'
import { processorKinds } from './loop.js'
import type { Tasks } from './tasks.js'
import type { Work } from './work.js'

/** What processors share. */
export interface ProcessorContext {
  readonly tasks: Tasks
  readonly bursts: Bursts
  readonly processors: Processor[]
  readonly wake: (task: number) => void
}

/** What one process gets its CPU through. */
export interface Processor {
  /** Of `processorKinds`. */
  readonly kind: number
  /** In `ProcessorContext.processors`, and in `bursts.cpu.ofProcessors`. */
  readonly index: number
  /** Event loops; 0: everything runs at once. */
  readonly loops: number
  /** CPU-seconds used so far, given what running bursts have had by processor (`Cores.addPartial`). */
  usedSeconds(partial: Float64Array): number
  /**
   * The task wants as much CPU as `work` says, and is woken when it has had it; `tasks.burst` is then what `cancel` takes. False:
   * none is needed, and it may go on at once.
   */
  run(task: number, work: Work): boolean
  /** Nobody wants this burst any more and its work need not go on. */
  cancel(burst: number): void
  /** It has work taken off its cores, and begins none, until `resume`. */
  readonly paused: boolean
  pause(): void
  resume(): void
  /** The process is gone, and all its work with it. */
  clear(): void
}

/** A processor on cores that others run on too. */
export class SharedProcessor implements Processor {
  readonly kind: number = processorKinds.shared
  readonly index: number
  /** Where the numbers are that every burst changes, by `index`. */
  private readonly columns: ProcessorColumns

  constructor(
    readonly cores: Cores,
    readonly loops: number,
    protected readonly context: ProcessorContext,
    /** Bursts that wait for an event loop. */
    readonly queue: Line = new IntRing(),
  ) {
    this.index = context.processors.length
    context.processors.push(this)
    this.columns = context.bursts.cpu.ofProcessors
    this.columns.add()
    this.columns.kind[this.index] = this.kind
    this.columns.cores[this.index] = cores.row
    this.columns.source[this.index] = cores.id
    this.columns.loops[this.index] = loops
  }

  /** CPU-seconds of bursts that have left the cores. */
  get doneSeconds(): number {
    return this.columns.doneSeconds[this.index] as number
  }
  set doneSeconds(seconds: number) {
    this.columns.doneSeconds[this.index] = seconds
  }

  get busy(): number {
    return this.columns.busy[this.index] as number
  }
  set busy(bursts: number) {
    this.columns.busy[this.index] = bursts
  }

  get paused(): boolean {
    return this.columns.paused[this.index] === 1
  }
  set paused(paused: boolean) {
    this.columns.paused[this.index] = paused ? 1 : 0
  }

  /** A burst that cannot run yet. */
  standInLine(burst: number): void {
    this.queue.push(burst, 0)
    this.lineChanged()
  }

  private lineChanged(): void {
    if (this.kind === processorKinds.shared) this.columns.waiting[this.index] = this.queue.size
  }

  /** Of subclasses: the engine's core leaves everything to their methods. */
  protected goesItsOwnWay(): void {
    this.columns.kind[this.index] = processorKinds.other
    this.columns.waiting[this.index] = 1
  }

  usedSeconds(partial: Float64Array): number {
    return this.doneSeconds + (partial[this.index] ?? 0)
  }

  run(task: number, work: Work): boolean {
    const { bursts, tasks } = this.context
    const burst = bursts.take(task, tasks.epoch[task] as number, this.index)
    work.into(bursts.demandSeconds, burst)
    if (!((bursts.demandSeconds[burst] as number) > 0)) {
      bursts.give(burst)
      return false
    }
    tasks.burst[task] = burst
    if (this.paused || (this.loops > 0 && this.busy >= this.loops)) this.standInLine(burst)
    else this.begin(burst)
    return true
  }

  /** Called by the cores, in two steps: the burst is off the cores, and, once they know what comes next, its task goes on. */
  ended(burst: number): void {
    this.doneSeconds += this.context.bursts.demandSeconds[burst] as number
    this.busy -= 1
    if (this.queue.size > 0) this.startWaiting()
  }

  tell(burst: number): void {
    const { bursts, tasks, wake } = this.context
    const task = bursts.task[burst] as number
    const epoch = bursts.epoch[burst]
    bursts.give(burst)
    // Below −1: a light request, which waits for nothing else.
    if (task < -1 || tasks.epoch[task] === epoch) wake(task)
  }

  cancel(burst: number): void {
    const { bursts } = this.context
    if (bursts.state[burst] === frozen) {
      bursts.give(burst)
      return
    }
    if (bursts.state[burst] !== running) {
      // It stands in line, and is passed over when its turn comes.
      bursts.state[burst] = cancelled
      return
    }
    this.doneSeconds += this.cores.stop(burst)
    this.busy -= 1
    bursts.give(burst)
    this.startWaiting()
  }

  pause(): void {
    this.paused = true
    this.takeOff((burst) => {
      this.context.bursts.state[burst] = frozen
    })
  }

  resume(): void {
    this.paused = false
    const { bursts } = this.context
    for (let burst = 0; burst < bursts.made; burst++)
      if (bursts.processor[burst] === this.index && bursts.state[burst] === frozen) this.begin(burst)
    this.startWaiting()
  }

  clear(): void {
    const { bursts } = this.context
    this.takeOff((burst) => bursts.give(burst))
    for (let burst = 0; burst < bursts.made; burst++) if (bursts.processor[burst] === this.index) bursts.give(burst)
    this.queue.clear()
    this.lineChanged()
    this.paused = false
  }

  private takeOff(then: (burst: number) => void): void {
    const { bursts } = this.context
    for (let burst = 0; burst < bursts.made && this.busy > 0; burst++) {
      if (bursts.processor[burst] !== this.index || bursts.state[burst] !== running) continue
      this.doneSeconds += this.cores.stop(burst)
      this.busy -= 1
      then(burst)
    }
  }

  protected begin(burst: number): void {
    this.context.bursts.state[burst] = running
    this.busy += 1
    this.cores.start(burst)
  }

  private startWaiting(): void {
    const { bursts } = this.context
    while (!this.paused && this.queue.size > 0 && (this.loops === 0 || this.busy < this.loops)) {
      const burst = this.queue.shift()
      this.lineChanged()
      if (bursts.state[burst] === waiting) this.begin(burst)
      else bursts.give(burst)
    }
  }
}

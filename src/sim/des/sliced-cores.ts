/**
 * The cores of a real machine, as Linux shares them (EEVDF: Stoica and Abdel-Wahab 1995). Who runs keeps its core until it waits or its
 * slice is over: nobody who wakes up takes its place ("run to parity"). Who finds no idle core stands in line at one, where the next is
 * whom it owes most, by start-time fair queueing (Goyal, Vin and Cheng 1996); an idle core takes from another's line only what has stood
 * there a while. Processor sharing is the limit of short slices and free moves: it favours short bursts, which on a machine wait behind
 * the long ones (docs/adr/0050).
 */
import type { Bursts } from './bursts.js'
import { grownFloats, grownInts } from './columns.js'
import { Cores } from './cores.js'
import { type EventQueue, never, type Source } from './event-queue.js'
import { processorKinds } from './loop.js'
import { type ProcessorContext, SharedProcessor } from './processor.js'

/** `base_slice_ns`: 0.7 ms · (1 + log₂ cores), of at most eight of the machine. */
export const linuxSliceSeconds = (cores: number): number =>
  0.0007 * (1 + Math.floor(Math.log2(Math.max(1, Math.min(8, cores)))))

/**
 * How long a burst waits for its own core before an idle one takes it: for 0.5 ms (`migration_cost_ns`) its cache counts as hot, and a core
 * that is seldom idle for longer looks for work at ticks only.
 */
const migrationSeconds = 0.001

/** Less than this of a burst is left over by rounding. */
const dust = 1e-12
const none = -1

/** One core: the burst that it runs, and how much of its slice the process has left. */
class Core implements Source {
  readonly id: number
  burst = none
  /** Of the process that ran last. */
  processor = none
  sliceLeft = 0
  /** CPU-seconds of the piece that it works on. */
  piece = 0
  since = 0
  /** Bursts that wait for it. */
  readonly ready: number[] = []

  constructor(
    queue: EventQueue,
    private readonly cores: SlicedCores,
  ) {
    this.id = queue.add(this)
  }

  fire(): void {
    this.cores.over(this)
  }
}

export class SlicedCores extends Cores {
  private readonly servers: Core[]
  /** By burst: the CPU that its process has had, in virtual time. */
  private tag = new Float64Array(16)
  private waitsSince = new Float64Array(16)
  /** By processor with event loops: the same, when it last left a core; and which core that was. */
  private served = new Float64Array(16)
  private home = new Int32Array(16)
  /** Virtual time: of whom a core took last. */
  private virtualNow = 0
  /** Of each core, what others leave of it. */
  private speed = 1
  private left = new Float64Array(16)
  /** The core whose process goes on to its next burst, if it has one. */
  private handing: Core | undefined

  constructor(
    private readonly events: EventQueue,
    private readonly all: Bursts,
    private readonly context: readonly unknown[],
    cores: number,
    private readonly sliceSeconds: number,
  ) {
    super(events, all, context, cores)
    this.servers = Array.from({ length: cores }, () => new Core(events, this))
  }

  override start(burst: number): void {
    this.advance()
    this.enter(burst)
    this.reserveFor(burst)
    this.left[burst] = this.all.demandSeconds[burst] as number
    const index = this.all.processor[burst] as number
    const core = this.handing
    this.tag[burst] = this.virtualNow
    if (this.isLoop(index)) {
      // Who slept keeps what was owed to it, but no more than a slice.
      this.served[index] = Math.max(this.served[index] as number, this.virtualNow - this.sliceSeconds)
      this.tag[burst] = this.served[index] as number
    }
    // An event loop goes on with what has come in meanwhile, as long as its slice lasts.
    if (core !== undefined && core.burst === none && core.processor === index && core.sliceLeft > dust)
      this.runOn(core, burst)
    else this.wake(burst, index)
  }

  /** On an idle core, its own before others; where there is none, in the shortest line. */
  private wake(burst: number, index: number): void {
    let best = this.servers[this.home[index] as number] ?? (this.servers[0] as Core)
    for (const core of this.servers) if (this.lengthOf(core) < this.lengthOf(best)) best = core
    this.line(best, burst)
    this.next(best)
    // Who is idle may help, after a while.
    for (const core of this.servers) if (core.burst === none) this.next(core)
  }

  private line(core: Core, burst: number): void {
    core.ready.push(burst)
    this.waitsSince[burst] = this.events.now
  }

  private lengthOf(core: Core): number {
    return core.ready.length + (core.burst === none && core !== this.handing ? 0 : 1)
  }

  override stop(burst: number): number {
    this.advance()
    const core = this.servers.find((one) => one.burst === burst)
    if (core === undefined) {
      for (const { ready } of this.servers) if (ready.includes(burst)) ready.splice(ready.indexOf(burst), 1)
    } else this.takeFrom(core)
    const demand = this.all.demandSeconds[burst] as number
    const left = Math.min(demand, Math.max(0, this.left[burst] as number))
    this.all.demandSeconds[burst] = left
    this.leave(burst)
    if (core !== undefined) this.next(core)
    return demand - left
  }

  /** The piece that the core worked on is done. */
  over(core: Core): void {
    this.advance()
    const { burst } = core
    if (burst === none) {
      this.events.schedule(core.id, never)
      this.next(core)
      return
    }
    this.takeFrom(core)
    if ((this.left[burst] as number) > dust) {
      // Its slice is over.
      this.line(core, burst)
      this.next(core)
      return
    }
    this.leave(burst)
    const processor = this.context[this.all.processor[burst] as number] as SharedProcessor
    this.handing = core
    processor.ended(burst)
    this.handing = undefined
    this.next(core)
    processor.tell(burst)
  }

  override advance(): void {
    const seconds = this.events.now - this.updatedAt
    if (seconds <= 0) return
    this.updatedAt = this.events.now
    const { speed } = this
    let running = 0
    for (const { burst } of this.servers) if (burst !== none) running += 1
    this.busyCoreSeconds += seconds * running * speed
    this.stolenCoreSeconds += seconds * (this.nominal - this.cores)
  }

  override addPartial(usedSeconds: Float64Array): void {
    const { all, left } = this
    for (const core of this.servers) if (core.burst !== none) this.settle(core)
    for (let i = 0; i < this.runnable; i++) {
      const burst = this.burstAt(i)
      const processor = all.processor[burst] as number
      usedSeconds[processor] =
        (usedSeconds[processor] as number) + (all.demandSeconds[burst] as number) - (left[burst] as number)
    }
  }

  /** How fast the cores are has changed. */
  protected override scheduleNext(): void {
    const working = this.servers.filter(({ burst }) => burst !== none)
    for (const core of working) this.settle(core)
    this.speed = this.cores / this.servers.length
    for (const core of working) this.events.schedule(core.id, this.due(core))
  }

  private due(core: Core): number {
    return this.speed > 0 ? this.events.now + core.piece / this.speed : never
  }

  /** What the core has done of its piece so far. */
  private settle(core: Core): void {
    const done = Math.min(core.piece, (this.events.now - core.since) * this.speed)
    core.since = this.events.now
    core.piece -= done
    core.sliceLeft -= done
    this.left[core.burst] = (this.left[core.burst] as number) - done
    this.tag[core.burst] = (this.tag[core.burst] as number) + done
  }

  private takeFrom(core: Core): void {
    this.settle(core)
    const { burst } = core
    const index = this.all.processor[burst] as number
    if (this.isLoop(index)) this.served[index] = this.tag[burst] as number
    core.burst = none
    this.events.schedule(core.id, never)
  }

  private runOn(core: Core, burst: number): void {
    core.burst = burst
    core.piece = Math.min(this.left[burst] as number, core.sliceLeft)
    core.since = this.events.now
    this.events.schedule(core.id, this.due(core))
  }

  /** The core takes whom it owes most. */
  private next(core: Core): void {
    if (core.burst !== none || core === this.handing) return
    const { ready } = core.ready.length > 0 ? core : this.longestLine(core)
    const [oldest] = ready
    if (oldest === undefined) return
    const cold = (this.waitsSince[oldest] as number) + migrationSeconds
    if (ready !== core.ready && cold > this.events.now + dust) {
      this.events.schedule(core.id, cold)
      return
    }
    let first = 0
    for (let i = 1; i < ready.length; i++)
      if ((this.tag[ready[i] as number] as number) < (this.tag[ready[first] as number] as number)) first = i
    const [burst] = ready.splice(first, 1)
    if (burst === undefined) return
    core.processor = this.all.processor[burst] as number
    this.home[core.processor] = this.servers.indexOf(core)
    this.virtualNow = Math.max(this.virtualNow, this.tag[burst] as number)
    core.sliceLeft = this.sliceSeconds
    this.runOn(core, burst)
  }

  private longestLine(core: Core): Core {
    return this.servers.reduce((best, other) => (other.ready.length > best.ready.length ? other : best), core)
  }

  /** Backends of a store and threads are processes of their own, and have not run lately. */
  private isLoop(index: number): boolean {
    return (this.context[index] as SharedProcessor).loops > 0
  }

  private reserveFor(burst: number): void {
    const rows = Math.max(burst + 1, this.context.length)
    if (rows <= this.left.length) return
    this.left = grownFloats(this.left, 2 * rows)
    this.tag = grownFloats(this.tag, 2 * rows)
    this.waitsSince = grownFloats(this.waitsSince, 2 * rows)
    this.served = grownFloats(this.served, 2 * rows)
    this.home = grownInts(this.home, 2 * rows)
  }

  /** The heap of processor sharing is a mere list here. */
  private enter(burst: number): void {
    this.setBurst(this.runnable, burst)
    this.all.place[burst] = this.runnable
    this.runnable += 1
  }

  private leave(burst: number): void {
    this.runnable -= 1
    const place = this.all.place[burst] as number
    const last = this.burstAt(this.runnable)
    this.setBurst(place, last)
    this.all.place[last] = place
  }
}

/** A processor on such cores. */
export class SlicedProcessor extends SharedProcessor {
  override readonly kind = processorKinds.other

  constructor(cores: SlicedCores, loops: number, context: ProcessorContext) {
    super(cores, loops, context)
    this.goesItsOwnWay()
  }
}

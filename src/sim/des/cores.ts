/**
 * The cores of one machine (or of one pinned set), shared by all runnable bursts: each gets min(1, cores/n) of a core (hot
 * path). Processor sharing by attained service: virtual time V advances at that rate, a burst ends when V reaches V at its
 * start plus its demand, and a heap by that end tells which is next. V is set back to 0 when nothing runs, which keeps it
 * exact. Kleinrock, Queueing Systems II, 4.4; the O(log n) form is that of fair queueing's virtual time.
 */
import type { Bursts } from './bursts.js'
import { grownInts } from './columns.js'
import { type EventQueue, never, type Source } from './event-queue.js'
import { sourceKinds } from './loop.js'
import type { SharedProcessor } from './processor.js'

/** What a machine's cores have done. */
export interface CpuMeter {
  /** Core-seconds used since the start of the run. */
  busySeconds(): number
  /** CPU that running bursts of each processor have had so far is added to `usedSeconds`, by processor. */
  addPartial(usedSeconds: Float64Array): void
}

export class Cores implements Source, CpuMeter {
  readonly id: number
  virtual = 0
  updatedAt = 0
  busyCoreSeconds = 0
  heap = new Int32Array(16)
  protected stolenCoreSeconds = 0
  /** A fault has taken some. */
  reduced = false
  runnable = 0
  /** A burst is ending: the next event is scheduled once, afterwards. */
  private ending = false
  /** Those that are left of `nominal`. */
  cores: number
  protected nominal: number
  /** Shares that faults have taken. */
  private readonly stolen: number[] = []

  constructor(
    private readonly queue: EventQueue,
    private readonly bursts: Bursts,
    private readonly processors: readonly unknown[],
    cores: number,
  ) {
    this.cores = cores
    this.nominal = cores
    this.id = queue.add(this, sourceKinds.cores)
  }

  busySeconds(): number {
    this.advance()
    return this.busyCoreSeconds + this.stolenCoreSeconds
  }

  /** The number of cores changes. */
  resize(cores: number): void {
    this.nominal = cores
    this.recount()
  }

  /** Something else burns this share of the cores from now on, until it gives them back. */
  steal(share: number): void {
    this.stolen.push(share)
    this.recount()
  }

  giveBack(share: number): void {
    const index = this.stolen.indexOf(share)
    if (index >= 0) this.stolen.splice(index, 1)
    this.recount()
  }

  private recount(): void {
    this.advance()
    this.cores = this.stolen.reduce((left, share) => left * (1 - share), this.nominal)
    this.reduced = this.cores !== this.nominal
    this.scheduleNext()
  }

  addPartial(usedSeconds: Float64Array): void {
    this.advance()
    const { bursts } = this
    for (let i = 0; i < this.runnable; i++) {
      const burst = this.heap[i] as number
      const left = (bursts.endsAt[burst] as number) - this.virtual
      const processor = bursts.processor[burst] as number
      usedSeconds[processor] =
        (usedSeconds[processor] as number) + Math.max(0, (bursts.demandSeconds[burst] as number) - left)
    }
  }

  /** Room for so many in the heap. */
  reserve(runnable: number): void {
    while (this.heap.length < runnable) this.heap = grownInts(this.heap, this.heap.length * 2)
  }

  start(burst: number): void {
    this.advance()
    const { bursts } = this
    const { endsAt, place: places } = bursts
    const end = this.virtual + (bursts.demandSeconds[burst] as number)
    endsAt[burst] = end
    if (this.runnable === this.heap.length) this.growHeap()
    const { heap } = this
    let place = this.runnable
    this.runnable += 1
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above] as number
      if ((endsAt[other] as number) <= end) break
      heap[place] = other
      places[other] = place
      place = above
    }
    heap[place] = burst
    places[burst] = place
    if (!this.ending) this.scheduleNext()
  }

  growHeap(): void {
    this.heap = grownInts(this.heap, this.heap.length * 2)
  }

  /** Takes a running burst off the cores; its `demandSeconds` becomes what is left of it. Returns the seconds it has had. */
  stop(burst: number): number {
    this.advance()
    const { bursts } = this
    const demand = bursts.demandSeconds[burst] as number
    const left = Math.min(demand, Math.max(0, (bursts.endsAt[burst] as number) - this.virtual))
    bursts.demandSeconds[burst] = left
    this.remove(burst)
    if (!this.ending) this.scheduleNext()
    return demand - left
  }

  fire(): void {
    const first = this.take()
    this.finish(first)
    ;(this.processors[this.bursts.processor[first] as number] as SharedProcessor).tell(first)
  }

  /** The burst that ends now leaves the cores. */
  take(): number {
    const first = this.heap[0] as number
    this.advance()
    // What rounding left over or short by must not keep the burst from ending now.
    this.virtual = this.bursts.endsAt[first] as number
    this.removeFirst()
    return first
  }

  /** Its processor goes on to the next, and the cores know what comes when. */
  finish(burst: number): void {
    this.ending = true
    ;(this.processors[this.bursts.processor[burst] as number] as SharedProcessor).ended(burst)
    this.ending = false
    this.scheduleNext()
  }

  advance(): void {
    const seconds = this.queue.now - this.updatedAt
    if (seconds <= 0) return
    this.updatedAt = this.queue.now
    const { runnable, cores } = this
    this.stolenCoreSeconds += seconds * (this.nominal - cores)
    if (runnable === 0) return
    if (runnable <= cores) {
      this.virtual += seconds
      this.busyCoreSeconds += seconds * runnable
    } else {
      this.virtual += (seconds * cores) / runnable
      this.busyCoreSeconds += seconds * cores
    }
  }

  protected scheduleNext(): void {
    const { runnable, cores, queue } = this
    if (runnable === 0 || cores <= 0) {
      if (runnable === 0) this.virtual = 0
      queue.schedule(this.id, never)
      return
    }
    const left = (this.bursts.endsAt[this.heap[0] as number] as number) - this.virtual
    queue.schedule(this.id, queue.now + (runnable <= cores ? left : (left * runnable) / cores))
  }

  removeFirst(): void {
    this.runnable -= 1
    if (this.runnable > 0) this.sink(this.heap[this.runnable] as number, 0)
  }

  private remove(burst: number): void {
    this.runnable -= 1
    const place = this.bursts.place[burst] as number
    if (place === this.runnable) return
    const last = this.heap[this.runnable] as number
    const { endsAt, place: places } = this.bursts
    const { heap } = this
    const end = endsAt[last] as number
    let at = place
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = heap[above] as number
      if ((endsAt[other] as number) <= end) break
      heap[at] = other
      places[other] = at
      at = above
    }
    heap[at] = last
    places[last] = at
    if (at === place) this.sink(last, at)
  }

  /** Puts `burst` at `from` or below, where it belongs. */
  sink(burst: number, from: number): void {
    const { heap, runnable } = this
    const { endsAt, place: places } = this.bursts
    const end = endsAt[burst] as number
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= runnable) break
      if (
        below + 1 < runnable &&
        (endsAt[heap[below + 1] as number] as number) < (endsAt[heap[below] as number] as number)
      )
        below += 1
      const other = heap[below] as number
      if ((endsAt[other] as number) >= end) break
      heap[place] = other
      places[other] = place
      place = below
    }
    heap[place] = burst
    places[burst] = place
  }
}

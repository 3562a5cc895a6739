/**
 * The cores of one machine (or of one pinned set), shared by all runnable bursts: each gets min(1, cores/n) of a core (hot
 * path). Processor sharing by attained service: virtual time V advances at that rate, a burst ends when V reaches V at its
 * start plus its demand, and a heap by that end tells which is next. V is set back to 0 when nothing runs, which keeps it
 * exact. Kleinrock, Queueing Systems II, 4.4; the O(log n) form is that of fair queueing's virtual time.
 */
import type { Bursts } from './bursts.js'
import type { CoreColumns } from './cpu.js'
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
  /** In `bursts.cpu.ofCores`, where the numbers are that every burst changes. */
  readonly row: number
  private readonly columns: CoreColumns
  protected stolenCoreSeconds = 0
  /** A burst is ending: the next event is scheduled once, afterwards. */
  private ending = false
  protected nominal: number
  /** Shares that faults have taken. */
  private readonly stolen: number[] = []

  constructor(
    private readonly queue: EventQueue,
    private readonly bursts: Bursts,
    private readonly processors: readonly unknown[],
    cores: number,
  ) {
    this.columns = bursts.cpu.ofCores
    this.row = this.columns.add()
    this.columns.capacity[this.row] = cores
    this.nominal = cores
    this.id = queue.add(this, sourceKinds.cores, this.row)
    this.columns.source[this.row] = this.id
  }

  get virtual(): number {
    return this.columns.virtual[this.row] as number
  }
  set virtual(value: number) {
    this.columns.virtual[this.row] = value
  }

  get updatedAt(): number {
    return this.columns.updatedAt[this.row] as number
  }
  set updatedAt(value: number) {
    this.columns.updatedAt[this.row] = value
  }

  get busyCoreSeconds(): number {
    return this.columns.busyCoreSeconds[this.row] as number
  }
  set busyCoreSeconds(value: number) {
    this.columns.busyCoreSeconds[this.row] = value
  }

  get runnable(): number {
    return this.columns.runnable[this.row] as number
  }
  set runnable(value: number) {
    this.columns.runnable[this.row] = value
  }

  /** Those that are left of `nominal`. */
  get cores(): number {
    return this.columns.capacity[this.row] as number
  }

  /** The runnable burst at this place of the heap. */
  burstAt(place: number): number {
    const { heap, heapAt } = this.columns
    return heap[(heapAt[this.row] as number) + place] as number
  }

  setBurst(place: number, burst: number): void {
    const { columns, row } = this
    if (place >= (columns.room[row] as number)) columns.growHeap(row)
    columns.heap[(columns.heapAt[row] as number) + place] = burst
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
    const { columns, row, nominal } = this
    const left = this.stolen.reduce((cores, share) => cores * (1 - share), nominal)
    columns.capacity[row] = left
    columns.reduced[row] = left === nominal ? 0 : 1
    this.scheduleNext()
  }

  addPartial(usedSeconds: Float64Array): void {
    this.advance()
    const { bursts } = this
    for (let i = 0; i < this.runnable; i++) {
      const burst = this.burstAt(i)
      const left = (bursts.endsAt[burst] as number) - this.virtual
      const processor = bursts.processor[burst] as number
      usedSeconds[processor] =
        (usedSeconds[processor] as number) + Math.max(0, (bursts.demandSeconds[burst] as number) - left)
    }
  }

  start(burst: number): void {
    this.advance()
    const { bursts } = this
    const { endsAt, place: places } = bursts
    const end = this.virtual + (bursts.demandSeconds[burst] as number)
    endsAt[burst] = end
    let place = this.runnable
    this.setBurst(place, burst)
    this.runnable += 1
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = this.burstAt(above)
      if ((endsAt[other] as number) <= end) break
      this.setBurst(place, other)
      places[other] = place
      place = above
    }
    this.setBurst(place, burst)
    places[burst] = place
    if (!this.ending) this.scheduleNext()
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
    const first = this.burstAt(0)
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
    const left = (this.bursts.endsAt[this.burstAt(0)] as number) - this.virtual
    queue.schedule(this.id, queue.now + (runnable <= cores ? left : (left * runnable) / cores))
  }

  removeFirst(): void {
    this.runnable -= 1
    if (this.runnable > 0) this.sink(this.burstAt(this.runnable), 0)
  }

  private remove(burst: number): void {
    this.runnable -= 1
    const place = this.bursts.place[burst] as number
    if (place === this.runnable) return
    const last = this.burstAt(this.runnable)
    const { endsAt, place: places } = this.bursts
    const end = endsAt[last] as number
    let at = place
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = this.burstAt(above)
      if ((endsAt[other] as number) <= end) break
      this.setBurst(at, other)
      places[other] = at
      at = above
    }
    this.setBurst(at, last)
    places[last] = at
    if (at === place) this.sink(last, at)
  }

  /** Puts `burst` at `from` or below, where it belongs. */
  sink(burst: number, from: number): void {
    const { runnable } = this
    const { heap } = this.columns
    const first = this.columns.heapAt[this.row] as number
    const { endsAt, place: places } = this.bursts
    const end = endsAt[burst] as number
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= runnable) break
      if (
        below + 1 < runnable &&
        (endsAt[heap[first + below + 1] as number] as number) < (endsAt[heap[first + below] as number] as number)
      )
        below += 1
      const other = heap[first + below] as number
      if ((endsAt[other] as number) >= end) break
      heap[first + place] = other
      places[other] = place
      place = below
    }
    heap[first + place] = burst
    places[burst] = place
  }
}

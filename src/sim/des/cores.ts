/**
 * The cores of one machine (or of one pinned set), shared by all runnable bursts: each gets min(1, cores/n) of a core (hot
 * path). Processor sharing by attained service: virtual time V advances at that rate, a burst ends when V reaches V at its
 * start plus its demand, and a heap by that end tells which is next. V is set back to 0 when nothing runs, which keeps it
 * exact. Kleinrock, Queueing Systems II, 4.4; the O(log n) form is that of fair queueing's virtual time.
 */
import { type EventQueue, never, type Source } from './event-queue.js'
import type { Burst } from './processor.js'

/**
 * CPU used by one consumer: exact at any moment in O(1), because the running bursts of a consumer have used n·V − Σ V(start).
 */
export class CpuAccount {
  running = 0
  startSum = 0
  /** Of bursts that ended. */
  doneSeconds = 0
}

export class Cores implements Source {
  private readonly id: number
  private virtual = 0
  private updatedAt = 0
  private busyCoreSeconds = 0
  private readonly heap: Burst[] = []

  constructor(
    private readonly queue: EventQueue,
    readonly cores: number,
  ) {
    this.id = queue.add(this)
  }

  get runnable(): number {
    return this.heap.length
  }

  /** Core-seconds used since the start of the run. */
  busySeconds(): number {
    this.advance()
    return this.busyCoreSeconds
  }

  usedSeconds(account: CpuAccount): number {
    this.advance()
    return account.doneSeconds + account.running * this.virtual - account.startSum
  }

  start(burst: Burst): void {
    this.advance()
    const { heap, virtual } = this
    const { account } = burst.processor
    account.running += 1
    account.startSum += virtual
    burst.startedAt = virtual
    burst.endsAt = virtual + burst.demandSeconds
    let place = heap.length
    heap.push(burst)
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above] as Burst
      if (other.endsAt <= burst.endsAt) break
      heap[place] = other
      other.place = place
      place = above
    }
    heap[place] = burst
    burst.place = place
    this.scheduleNext()
  }

  /** Takes a running burst off the cores; its `demandSeconds` becomes what is left of it. */
  stop(burst: Burst): void {
    this.advance()
    const left = Math.max(0, burst.endsAt - this.virtual)
    this.remove(burst, burst.demandSeconds - left)
    burst.demandSeconds = left
    this.scheduleNext()
  }

  fire(): void {
    const first = this.heap[0] as Burst
    this.advance()
    // What rounding left over or short by must not keep the burst from ending now.
    this.virtual = first.endsAt
    this.remove(first, first.demandSeconds)
    this.scheduleNext()
    first.processor.done(first)
  }

  private advance(): void {
    const { now } = this.queue
    const seconds = now - this.updatedAt
    if (seconds <= 0) return
    this.updatedAt = now
    const runnable = this.heap.length
    if (runnable === 0) return
    if (runnable <= this.cores) {
      this.virtual += seconds
      this.busyCoreSeconds += seconds * runnable
    } else {
      this.virtual += (seconds * this.cores) / runnable
      this.busyCoreSeconds += seconds * this.cores
    }
  }

  private scheduleNext(): void {
    const { heap, queue } = this
    const runnable = heap.length
    if (runnable === 0) {
      queue.schedule(this.id, never)
      return
    }
    const left = (heap[0] as Burst).endsAt - this.virtual
    queue.schedule(this.id, queue.now + (runnable <= this.cores ? left : (left * runnable) / this.cores))
  }

  private remove(burst: Burst, usedSeconds: number): void {
    const { heap } = this
    const { account } = burst.processor
    account.doneSeconds += usedSeconds
    account.running -= 1
    account.startSum = account.running === 0 ? 0 : account.startSum - burst.startedAt
    const last = heap.pop() as Burst
    if (heap.length === 0) {
      this.virtual = 0
      return
    }
    if (last === burst) return
    let place = burst.place
    const { endsAt } = last
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above] as Burst
      if (other.endsAt <= endsAt) break
      heap[place] = other
      other.place = place
      place = above
    }
    const size = heap.length
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      const right = below + 1
      if (right < size && (heap[right] as Burst).endsAt < (heap[below] as Burst).endsAt) below = right
      const other = heap[below] as Burst
      if (other.endsAt >= endsAt) break
      heap[place] = other
      other.place = place
      place = below
    }
    heap[place] = last
    last.place = place
  }
}

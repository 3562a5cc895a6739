/**
 * One event loop with a core of its own: first come, first served, and nothing to share (hot path). What waits stands in a ring,
 * each entry with the CPU that it wants; the first is in service. An entry may outlive the interest of its task: its epoch tells.
 * What `fire` does, the loop does by itself.
 */
import type { ProcessorColumns } from './cpu.js'
import { type EventQueue, never, type Source } from './event-queue.js'
import { processorKinds, sourceKinds } from './loop.js'
import type { Processor, ProcessorContext } from './processor.js'
import type { Work } from './work.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
  largest = 0x7fffffff,
}

export class LoopProcessor implements Processor, Source {
  readonly kind = processorKinds.loop
  readonly loops = 1
  private readonly id: number
  /** In `bursts.cpu.ofProcessors`, where its numbers and its ring are. */
  readonly index: number
  private readonly columns: ProcessorColumns

  constructor(
    private readonly queue: EventQueue,
    private readonly context: ProcessorContext,
  ) {
    const { processors, bursts } = context
    this.columns = bursts.cpu.ofProcessors
    this.index = this.columns.add()
    this.columns.addRing(this.index)
    this.id = queue.add(this, sourceKinds.loop, this.index)
    this.columns.kind[this.index] = this.kind
    this.columns.source[this.index] = this.id
    processors.push(this)
  }

  /** Entries in the ring, with the one in service. */
  get size(): number {
    return this.columns.size[this.index] as number
  }
  set size(entries: number) {
    this.columns.size[this.index] = entries
  }

  get serving(): boolean {
    return this.columns.serving[this.index] === 1
  }
  set serving(serving: boolean) {
    this.columns.serving[this.index] = serving ? 1 : 0
  }

  get startedAt(): number {
    return this.columns.startedAt[this.index] as number
  }
  set startedAt(seconds: number) {
    this.columns.startedAt[this.index] = seconds
  }

  get doneSeconds(): number {
    return this.columns.doneSeconds[this.index] as number
  }
  set doneSeconds(seconds: number) {
    this.columns.doneSeconds[this.index] = seconds
  }

  get paused(): boolean {
    return this.columns.paused[this.index] === 1
  }
  set paused(paused: boolean) {
    this.columns.paused[this.index] = paused ? 1 : 0
  }

  /** Number of the entry in service. */
  private get head(): number {
    return this.columns.head[this.index] as number
  }

  /** Where the entry stands. */
  private slotOf(number: number): number {
    const { ringAt, ringMask } = this.columns
    return (ringAt[this.index] as number) + (number & (ringMask[this.index] as number))
  }

  usedSeconds(): number {
    return this.serving ? this.doneSeconds + (this.queue.now - this.startedAt) : this.doneSeconds
  }

  run(task: number, work: Work): boolean {
    const { columns, index, size } = this
    if (size > (columns.ringMask[index] as number)) columns.growRing(index)
    const number = (this.head + size) & Fixed.largest
    const slot = this.slotOf(number)
    work.into(columns.demandSeconds, slot)
    if (!((columns.demandSeconds[slot] as number) > 0)) return false
    const { tasks } = this.context
    columns.task[slot] = task
    columns.epoch[slot] = tasks.epoch[task] as number
    tasks.burst[task] = number
    this.size = size + 1
    if (size === 0 && !this.paused) this.begin()
    return true
  }

  /** The entry in service is served. */
  fire(): void {
    const { columns } = this
    const slot = this.slotOf(this.head)
    const task = columns.task[slot] as number
    const epoch = columns.epoch[slot]
    this.doneSeconds += columns.demandSeconds[slot] as number
    this.advance()
    const { tasks, wake } = this.context
    // Below −1: a light request, which waits for nothing else.
    if (task < Fixed.none || (task !== Fixed.none && tasks.epoch[task] === epoch)) wake(task)
  }

  /** Nobody wants the entry any more, and its work need not go on. */
  cancel(number: number): void {
    const slot = this.slotOf(number)
    this.columns.task[slot] = Fixed.none
    if (number === this.head && this.serving) {
      this.doneSeconds += this.queue.now - this.startedAt
      this.advance()
    } else this.columns.demandSeconds[slot] = 0
  }

  pause(): void {
    this.paused = true
    if (!this.serving) return
    const slot = this.slotOf(this.head)
    const { demandSeconds } = this.columns
    const served = this.queue.now - this.startedAt
    this.doneSeconds += served
    demandSeconds[slot] = Math.max(0, (demandSeconds[slot] as number) - served)
    this.serving = false
    this.queue.schedule(this.id, never)
  }

  resume(): void {
    this.paused = false
    if (this.size > 0) this.begin()
  }

  clear(): void {
    if (this.serving) this.doneSeconds += this.queue.now - this.startedAt
    this.size = 0
    this.serving = false
    this.paused = false
    this.queue.schedule(this.id, never)
  }

  /** The first entry is over: on to the next. */
  private advance(): void {
    this.columns.head[this.index] = (this.head + 1) & Fixed.largest
    this.size -= 1
    if (this.size > 0) this.begin()
    else {
      this.serving = false
      this.queue.schedule(this.id, never)
    }
  }

  private begin(): void {
    this.serving = true
    this.startedAt = this.queue.now
    const { demandSeconds } = this.columns
    this.queue.schedule(this.id, this.queue.now + (demandSeconds[this.slotOf(this.head)] as number))
  }
}

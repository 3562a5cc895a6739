/**
 * One event loop with a core of its own: first come, first served, and nothing to share (hot path). What waits stands in a ring,
 * each entry with the CPU that it wants; the first is in service. An entry may outlive the interest of its task: its epoch tells.
 * What `fire` does, the loop does by itself.
 */
import { grownFloats, grownInts } from './columns.js'
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
  readonly kind = processorKinds.other
  readonly loops = 1
  private readonly id: number
  demandSeconds = new Float64Array(16)
  task = new Int32Array(16)
  epoch = new Int32Array(16)
  /** Number of the entry in service, and how many entries there are with it. */
  head = 0
  size = 0
  serving = false
  startedAt = 0
  doneSeconds = 0
  paused = false

  constructor(
    private readonly queue: EventQueue,
    private readonly context: ProcessorContext,
  ) {
    this.id = queue.add(this, sourceKinds.loop)
    context.processors.push(this)
  }

  usedSeconds(): number {
    return this.serving ? this.doneSeconds + (this.queue.now - this.startedAt) : this.doneSeconds
  }

  run(task: number, work: Work): boolean {
    if (this.size === this.task.length) this.grow()
    const number = (this.head + this.size) & Fixed.largest
    const slot = number & (this.task.length - 1)
    work.into(this.demandSeconds, slot)
    if (!((this.demandSeconds[slot] as number) > 0)) return false
    const { tasks } = this.context
    this.task[slot] = task
    this.epoch[slot] = tasks.epoch[task] as number
    tasks.burst[task] = number
    this.size += 1
    if (this.size === 1 && !this.paused) this.begin()
    return true
  }

  /** The entry in service is served. */
  fire(): void {
    const slot = this.head & (this.task.length - 1)
    const task = this.task[slot] as number
    const epoch = this.epoch[slot]
    this.doneSeconds += this.demandSeconds[slot] as number
    this.advance()
    const { tasks, wake } = this.context
    if (task !== Fixed.none && tasks.epoch[task] === epoch) wake(task)
  }

  /** Nobody wants the entry any more, and its work need not go on. */
  cancel(number: number): void {
    const slot = number & (this.task.length - 1)
    this.task[slot] = Fixed.none
    if (number === this.head && this.serving) {
      this.doneSeconds += this.queue.now - this.startedAt
      this.advance()
    } else this.demandSeconds[slot] = 0
  }

  pause(): void {
    this.paused = true
    if (!this.serving) return
    const slot = this.head & (this.task.length - 1)
    const served = this.queue.now - this.startedAt
    this.doneSeconds += served
    this.demandSeconds[slot] = Math.max(0, (this.demandSeconds[slot] as number) - served)
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
    this.head = (this.head + 1) & Fixed.largest
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
    this.queue.schedule(this.id, this.queue.now + (this.demandSeconds[this.head & (this.task.length - 1)] as number))
  }

  private grow(): void {
    const { length } = this.task
    const { task, epoch, demandSeconds } = this
    this.task = grownInts(task, length * 2)
    this.epoch = grownInts(epoch, length * 2)
    this.demandSeconds = grownFloats(demandSeconds, length * 2)
    for (let i = 0; i < this.size; i++) {
      const number = (this.head + i) & Fixed.largest
      const from = number & (length - 1)
      const to = number & (length * 2 - 1)
      this.task[to] = task[from] as number
      this.epoch[to] = epoch[from] as number
      this.demandSeconds[to] = demandSeconds[from] as number
    }
  }
}

/** Delays of any length, with one event source for the earliest (hot path). Stale items are skipped when due. */
import { type EventQueue, never, type Source } from './event-queue.js'
import { LadderQueue } from './ladder-queue.js'
import type { Stamped } from './lane.js'

export class Delays implements Source {
  private readonly id: number
  readonly pending = new LadderQueue()
  /** How long the next `add` is to take, in seconds: a cell, so that no number is boxed on its way. */
  readonly seconds = new Float64Array(1)

  constructor(
    private readonly queue: EventQueue,
    private readonly owner: Stamped,
    private readonly due: (item: number) => void,
    /** Of `sourceKinds`. */
    kind = 0,
  ) {
    this.id = queue.add(this, kind)
  }

  /** The row is due when `seconds[0]` have passed, unless its epoch has changed until then. */
  add(item: number): void {
    const { pending, queue } = this
    const time = queue.now + (this.seconds[0] as number)
    // What is never due need not be kept.
    if (time === never) return
    pending.push(item, this.owner.epoch[item] as number, time)
    queue.schedule(this.id, pending.peekTime())
  }

  fire(): void {
    const { pending, queue } = this
    const { now } = queue
    while (pending.peekTime() <= now) {
      pending.pop()
      const { payload, stamp } = pending
      if (this.owner.epoch[payload] === stamp) this.due(payload)
    }
    queue.schedule(this.id, pending.peekTime())
  }
}

/**
 * Constant delays: what enters first is due first, so a ring buffer with only its head scheduled does (hot path). Timeouts
 * are put in and almost never come due; they are not removed, but found stale by their stamp.
 */
import { type EventQueue, never, type Source } from './event-queue.js'
import type { Lights } from './lights.js'

/** Whose rows wait: a row still waits for the same thing as long as its stamp is what it was. */
export interface Stamped {
  readonly epoch: Int32Array
  /** Whose frames wait that have none yet; items below −1. */
  readonly lights?: Pick<Lights, 'isOver' | 'frameOf'> | undefined
}

const grownBy2 = 16

export class Lane implements Source {
  private readonly id: number
  private items = new Int32Array(grownBy2)
  private stamps = new Int32Array(grownBy2)
  private times = new Float64Array(grownBy2)
  private head = 0
  private size = 0

  constructor(
    private readonly queue: EventQueue,
    private readonly delaySeconds: number,
    private readonly owner: Stamped,
    private readonly due: (item: number) => void,
  ) {
    this.id = queue.add(this)
  }

  /** The row is due after the lane's delay, unless its epoch has changed until then. */
  add(item: number): void {
    this.put(item, this.owner.epoch[item] as number)
  }

  /** The same for the frame that a light request will have by then. */
  addLight(handle: number, generation: number): void {
    this.put(handle, generation)
  }

  private put(item: number, stamp: number): void {
    if (this.size === this.items.length) this.grow()
    const tail = (this.head + this.size) & (this.items.length - 1)
    this.items[tail] = item
    this.stamps[tail] = stamp
    this.times[tail] = this.queue.now + this.delaySeconds
    this.size += 1
    if (this.size === 1) this.queue.schedule(this.id, this.times[tail] as number)
  }

  fire(): void {
    const { now } = this.queue
    while (this.size > 0) {
      const { head } = this
      const item = this.items[head] as number
      const stamp = this.stamps[head] as number
      const { lights } = this.owner
      const isLight = item < 0 && lights !== undefined
      const stale = isLight ? lights.isOver(item, stamp) : this.owner.epoch[item] !== stamp
      if (!stale && (this.times[head] as number) > now) break
      this.head = (head + 1) & (this.items.length - 1)
      this.size -= 1
      if (!stale) this.due(isLight ? lights.frameOf(item) : item)
    }
    this.queue.schedule(this.id, this.size > 0 ? (this.times[this.head] as number) : never)
  }

  private grow(): void {
    const { length } = this.items
    const items = new Int32Array(length * 2)
    const stamps = new Int32Array(length * 2)
    const times = new Float64Array(length * 2)
    for (let i = 0; i < this.size; i++) {
      const from = (this.head + i) & (length - 1)
      items[i] = this.items[from] as number
      stamps[i] = this.stamps[from] as number
      times[i] = this.times[from] as number
    }
    this.items = items
    this.stamps = stamps
    this.times = times
    this.head = 0
  }
}

/**
 * Constant delays: what enters first is due first, so a ring buffer with only its head scheduled does (hot path). Timeouts
 * are put in and almost never come due; they are not removed, but found stale by their stamp.
 */
import { type EventQueue, never, type Source } from './event-queue.js'

/** What waits in a lane. `stamp` tells whether the item still waits for the same thing. */
export interface LaneClient<Item> {
  stale(item: Item, stamp: number): boolean
  due(item: Item, stamp: number): void
}

export class Lane<Item> implements Source {
  private readonly id: number
  private items: (Item | undefined)[] = new Array(16).fill(undefined)
  private stamps = new Int32Array(16)
  private times = new Float64Array(16)
  private head = 0
  private size = 0

  constructor(
    private readonly queue: EventQueue,
    private readonly delaySeconds: number,
    private readonly client: LaneClient<Item>,
  ) {
    this.id = queue.add(this)
  }

  add(item: Item, stamp: number): void {
    if (this.size === this.items.length) this.grow()
    const tail = (this.head + this.size) & (this.items.length - 1)
    const due = this.queue.now + this.delaySeconds
    this.items[tail] = item
    this.stamps[tail] = stamp
    this.times[tail] = due
    this.size += 1
    if (this.size === 1) this.queue.schedule(this.id, due)
  }

  fire(): void {
    const { now } = this.queue
    while (this.size > 0) {
      const { head } = this
      const item = this.items[head] as Item
      const stamp = this.stamps[head] as number
      const stale = this.client.stale(item, stamp)
      if (!stale && (this.times[head] as number) > now) break
      this.items[head] = undefined
      this.head = (head + 1) & (this.items.length - 1)
      this.size -= 1
      if (!stale) this.client.due(item, stamp)
    }
    this.queue.schedule(this.id, this.size > 0 ? (this.times[this.head] as number) : never)
  }

  private grow(): void {
    const length = this.items.length
    const items: (Item | undefined)[] = new Array(length * 2).fill(undefined)
    const stamps = new Int32Array(length * 2)
    const times = new Float64Array(length * 2)
    for (let i = 0; i < this.size; i++) {
      const from = (this.head + i) & (length - 1)
      items[i] = this.items[from]
      stamps[i] = this.stamps[from] as number
      times[i] = this.times[from] as number
    }
    this.items = items
    this.stamps = stamps
    this.times = times
    this.head = 0
  }
}

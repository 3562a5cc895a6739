/** Delays of any length: a binary heap with one event source for its head (hot path). Stale items are skipped when due. */
import { type EventQueue, never, type Source } from './event-queue.js'
import type { LaneClient } from './lane.js'

export class Delays<Item> implements Source {
  private readonly id: number
  private times = new Float64Array(16)
  private stamps = new Int32Array(16)
  private readonly items: Item[] = []

  constructor(
    private readonly queue: EventQueue,
    private readonly client: LaneClient<Item>,
  ) {
    this.id = queue.add(this)
  }

  /** Due `seconds` from now. */
  add(item: Item, stamp: number, seconds: number): void {
    const place = this.items.length
    if (place === this.times.length) {
      const times = new Float64Array(place * 2)
      times.set(this.times)
      this.times = times
      const stamps = new Int32Array(place * 2)
      stamps.set(this.stamps)
      this.stamps = stamps
    }
    this.items.push(item)
    this.rise(place, this.queue.now + seconds, stamp, item)
    this.queue.schedule(this.id, this.times[0] as number)
  }

  fire(): void {
    const { now } = this.queue
    while (this.items.length > 0 && (this.times[0] as number) <= now) {
      const item = this.items[0] as Item
      const stamp = this.stamps[0] as number
      this.removeHead()
      if (!this.client.stale(item, stamp)) this.client.due(item, stamp)
    }
    this.queue.schedule(this.id, this.items.length > 0 ? (this.times[0] as number) : never)
  }

  private rise(from: number, time: number, stamp: number, item: Item): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      if ((this.times[above] as number) <= time) break
      this.put(place, this.times[above] as number, this.stamps[above] as number, this.items[above] as Item)
      place = above
    }
    this.put(place, time, stamp, item)
  }

  private put(place: number, time: number, stamp: number, item: Item): void {
    this.times[place] = time
    this.stamps[place] = stamp
    this.items[place] = item
  }

  private removeHead(): void {
    const last = this.items.length - 1
    const time = this.times[last] as number
    const stamp = this.stamps[last] as number
    const item = this.items[last] as Item
    this.items.pop()
    if (last === 0) return
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= last) break
      const right = below + 1
      if (right < last && (this.times[right] as number) < (this.times[below] as number)) below = right
      if ((this.times[below] as number) >= time) break
      this.put(place, this.times[below] as number, this.stamps[below] as number, this.items[below] as Item)
      place = below
    }
    this.put(place, time, stamp, item)
  }
}

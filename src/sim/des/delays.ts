/** Delays of any length: a binary heap with one event source for its head (hot path). Stale items are skipped when due. */
import { grownFloats, grownInts } from './columns.js'
import { type EventQueue, never, type Source } from './event-queue.js'
import type { Stamped } from './lane.js'

export class Delays implements Source {
  private readonly id: number
  private times = new Float64Array(16)
  private stamps = new Int32Array(16)
  private items = new Int32Array(16)
  private size = 0
  /** How long the next `add` is to take, in seconds: a cell, so that no number is boxed on its way. */
  readonly seconds = new Float64Array(1)

  constructor(
    private readonly queue: EventQueue,
    private readonly owner: Stamped,
    private readonly due: (item: number) => void,
  ) {
    this.id = queue.add(this)
  }

  /** The row is due when `seconds[0]` have passed, unless its epoch has changed until then. */
  add(item: number): void {
    const place = this.size
    if (place === this.times.length) {
      this.times = grownFloats(this.times, place * 2)
      this.stamps = grownInts(this.stamps, place * 2)
      this.items = grownInts(this.items, place * 2)
    }
    this.size += 1
    const time = this.queue.now + (this.seconds[0] as number)
    this.times[place] = time
    this.rise(place, item, this.owner.epoch[item] as number)
    this.queue.schedule(this.id, this.times[0] as number)
  }

  fire(): void {
    const { now } = this.queue
    while (this.size > 0 && (this.times[0] as number) <= now) {
      const item = this.items[0] as number
      const stamp = this.stamps[0] as number
      this.removeHead()
      if (this.owner.epoch[item] === stamp) this.due(item)
    }
    this.queue.schedule(this.id, this.size > 0 ? (this.times[0] as number) : never)
  }

  private rise(from: number, item: number, stamp: number): void {
    const { times, stamps, items } = this
    let place = from
    const time = times[place] as number
    while (place > 0) {
      const above = (place - 1) >> 1
      if ((times[above] as number) <= time) break
      times[place] = times[above] as number
      stamps[place] = stamps[above] as number
      items[place] = items[above] as number
      place = above
    }
    times[place] = time
    stamps[place] = stamp
    items[place] = item
  }

  private removeHead(): void {
    this.size -= 1
    const last = this.size
    if (last === 0) return
    const { times, stamps, items } = this
    const time = times[last] as number
    const stamp = stamps[last] as number
    const item = items[last] as number
    times[last] = never
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= last) break
      if (below + 1 < last && (times[below + 1] as number) < (times[below] as number)) below += 1
      if ((times[below] as number) >= time) break
      times[place] = times[below] as number
      stamps[place] = stamps[below] as number
      items[place] = items[below] as number
      place = below
    }
    times[place] = time
    stamps[place] = stamp
    items[place] = item
  }
}

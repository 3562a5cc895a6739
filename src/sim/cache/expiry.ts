/** Rows with a time to live, the first to expire on top: an indexed binary heap (hot path). Ties in any, but always the same, order. */
import { grown } from '../state/rows.js'
import type { EvictionOrder } from './eviction.js'

export class Expiry {
  /** Seconds; of rows that never expire: infinite. */
  at = new Float64Array(0)
  private heap = new Int32Array(0)
  private places = new Int32Array(0)
  private size = 0

  grow(rows: number): void {
    this.at = grown(this.at, rows)
    this.heap = grown(this.heap, rows)
    this.places = grown(this.places, rows)
  }

  /** The row that expires first; −1: none does. */
  get first(): number {
    return this.size === 0 ? -1 : (this.heap[0] as number)
  }

  /** Of a new row. Infinite: it never expires. */
  add(row: number, at: number): void {
    this.at[row] = at
    if (at === Number.POSITIVE_INFINITY) return
    this.size += 1
    this.rise(row, this.size - 1)
  }

  remove(row: number): void {
    if (this.at[row] === Number.POSITIVE_INFINITY) return
    this.size -= 1
    const place = this.places[row] as number
    if (place === this.size) return
    const last = this.heap[this.size] as number
    if ((this.at[last] as number) < (this.at[row] as number)) this.rise(last, place)
    else this.sink(last, place)
  }

  clear(): void {
    this.size = 0
  }

  private rise(row: number, from: number): void {
    const { at, heap, places } = this
    const time = at[row] as number
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above] as number
      if ((at[other] as number) <= time) break
      heap[place] = other
      places[other] = place
      place = above
    }
    heap[place] = row
    places[row] = place
  }

  private sink(row: number, from: number): void {
    const { at, heap, places, size } = this
    const time = at[row] as number
    let place = from
    for (let below = 2 * place + 1; below < size; below = 2 * place + 1) {
      const right = below + 1
      if (right < size && (at[heap[right] as number] as number) < (at[heap[below] as number] as number)) below = right
      const other = heap[below] as number
      if ((at[other] as number) >= time) break
      heap[place] = other
      places[other] = place
      place = below
    }
    heap[place] = row
    places[row] = place
  }
}

/** What expires first goes first, exactly; Redis takes the first of five drawn at random and a pool of former candidates. */
export class SoonestExpiry implements EvictionOrder {
  constructor(private readonly expiry: Expiry) {}
  grow(): void {}
  added(): void {}
  used(): void {}
  removed(): void {}
  victim(): number {
    return this.expiry.first
  }
  clear(): void {}
}

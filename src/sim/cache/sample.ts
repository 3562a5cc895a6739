/** Rows without order, one of which can be drawn at random (hot path): a dense list, and where each row stands in it. */
import type { RandomStream } from '../../lib/random.js'
import { grown } from '../state/rows.js'
import type { EvictionOrder } from './eviction.js'

export class Sample {
  private members = new Int32Array(0)
  private places = new Int32Array(0)
  size = 0

  constructor(private readonly stream: RandomStream) {}

  grow(rows: number): void {
    this.members = grown(this.members, rows)
    this.places = grown(this.places, rows)
  }

  add(row: number): void {
    this.members[this.size] = row
    this.places[row] = this.size
    this.size += 1
  }

  remove(row: number): void {
    this.size -= 1
    const last = this.members[this.size] as number
    const place = this.places[row] as number
    this.members[place] = last
    this.places[last] = place
  }

  /** Only when `size` > 0. */
  draw(): number {
    return this.members[Math.floor(this.stream.uniform() * this.size)] as number
  }

  clear(): void {
    this.size = 0
  }
}

/** Any row, all equally likely. */
export class AtRandom implements EvictionOrder {
  private readonly rows: Sample

  constructor(stream: RandomStream) {
    this.rows = new Sample(stream)
  }

  grow(rows: number): void {
    this.rows.grow(rows)
  }

  added(row: number): void {
    this.rows.add(row)
  }

  used(): void {}

  removed(row: number): void {
    this.rows.remove(row)
  }

  victim(): number {
    return this.rows.size === 0 ? -1 : this.rows.draw()
  }

  clear(): void {
    this.rows.clear()
  }
}

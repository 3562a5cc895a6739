/**
 * Least recently used first, exactly: a doubly linked list through the rows (hot path). Redis approximates this order by the
 * oldest of five keys drawn at random and a pool of sixteen former candidates.
 */
import { grown } from '../state/rows.js'
import type { EvictionOrder } from './eviction.js'

const none = -1

export class Recency implements EvictionOrder {
  /** Of each row: the one used next before it, and the one used next after it. Side by side, for they are read together. */
  private links = new Int32Array(0)
  private newest = none
  private oldest = none

  grow(rows: number): void {
    this.links = grown(this.links, 2 * rows)
  }

  added(row: number): void {
    const { links, newest } = this
    links[2 * row] = newest
    links[2 * row + 1] = none
    if (newest === none) this.oldest = row
    else links[2 * newest + 1] = row
    this.newest = row
  }

  used(row: number): void {
    if (row === this.newest) return
    this.removed(row)
    this.added(row)
  }

  removed(row: number): void {
    const { links } = this
    const before = links[2 * row] as number
    const after = links[2 * row + 1] as number
    if (before === none) this.oldest = after
    else links[2 * before + 1] = after
    if (after === none) this.newest = before
    else links[2 * after] = before
  }

  victim(): number {
    return this.oldest
  }

  clear(): void {
    this.newest = none
    this.oldest = none
  }
}

/**
 * Writes that one master of a write-back cache has acknowledged and the store does not have yet, by key: who writes a key several times
 * before it is flushed makes one write of the store. Pure.
 */
import { Snapshots } from './snapshots.js'

interface Entry {
  /** When its writes were acknowledged. */
  readonly at: number[]
  /** How many of them are on their way to the store. */
  flushing: number
  /** The cache has lost those that are on their way: they arrive, or are gone. */
  orphaned: boolean
}

export class DirtyWrites {
  private readonly entries = new Map<number, Entry>()
  private readonly snapshots = new Snapshots()

  /** Writes that only the cache has. */
  get count(): number {
    let sum = 0
    for (const { at } of this.entries.values()) sum += at.length
    return sum
  }

  /** True: the store had all of this key before. */
  write(key: number, now: number): boolean {
    this.snapshots.change(now)
    const entry = this.entries.get(key)
    if (entry === undefined) {
      this.entries.set(key, { at: [now], flushing: 0, orphaned: false })
      return true
    }
    entry.at.push(now)
    return false
  }

  /** Is there anything to give to the store? What is, is on its way from now on. */
  begin(key: number): boolean {
    const entry = this.entries.get(key)
    if (entry === undefined) return false
    entry.flushing = entry.at.length
    return true
  }

  /** The way to the store has ended; returns how many writes are gone with it. */
  end(key: number, arrived: boolean): number {
    const entry = this.entries.get(key)
    if (entry === undefined) return 0
    const gone = arrived || entry.orphaned ? entry.at.splice(0, entry.flushing).length : 0
    entry.flushing = 0
    entry.orphaned = false
    if (entry.at.length === 0) this.entries.delete(key)
    return arrived ? 0 : gone
  }

  isDirty(key: number): boolean {
    return this.entries.has(key)
  }

  /** What was acknowledged after this is gone, but for what is on its way to the store; returns how many. */
  loseAfter(at: number): number {
    let lost = 0
    for (const [key, entry] of this.entries) {
      const kept = entry.at.filter((time, i) => i < entry.flushing || time <= at)
      lost += entry.at.length - kept.length
      entry.at.splice(0, entry.at.length, ...kept)
      if (entry.flushing > 0 && (entry.at[0] as number) > at) entry.orphaned = true
      if (entry.at.length === 0) this.entries.delete(key)
    }
    return lost
  }

  /** The last snapshot of a cache that makes some. */
  get savedAt(): number {
    return this.snapshots.savedAt
  }
}

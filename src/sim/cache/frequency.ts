/**
 * Least frequently used first, as Redis 4 and newer do it (src/evict.c): a logarithmic counter of eight bits per key that
 * decays with time, and of five keys drawn at random, with a pool of sixteen former candidates, the one whose counter is
 * lowest (hot path: typed arrays).
 */
import type { RandomStream } from '../../lib/random.js'
import { grown } from '../state/rows.js'
import type { EvictionOrder } from './eviction.js'
import { Sample } from './sample.js'

/** What a new key begins with (`LFU_INIT_VAL`), so that it is not the first to go. */
const initialCount = 5
const largestCount = 255
/** `lfu-log-factor`: a million uses saturate the counter. */
const logFactor = 10
/** `lfu-decay-time`: a counter loses 1 per this time without a use, in seconds. */
const decaySeconds = 60
/** `maxmemory-samples` */
const samples = 5
/** `EVPOOL_SIZE` */
const poolSize = 16

export class Frequency implements EvictionOrder {
  private counts = new Uint8Array(0)
  /** When each counter was brought up to date, in decay periods. */
  private periods = new Int32Array(0)
  /** How often a row has been given to a new key: a candidate of the pool that has left since is recognised by it. */
  private uses = new Int32Array(0)
  private readonly rows: Sample
  // Candidates, the best to evict last.
  private readonly poolRows = new Int32Array(poolSize)
  private readonly poolUses = new Int32Array(poolSize)
  private readonly poolCounts = new Int32Array(poolSize)
  private pooled = 0

  constructor(private readonly stream: RandomStream) {
    this.rows = new Sample(stream)
  }

  grow(rows: number): void {
    const counts = new Uint8Array(rows)
    counts.set(this.counts)
    this.counts = counts
    this.periods = grown(this.periods, rows)
    this.uses = grown(this.uses, rows)
    this.rows.grow(rows)
  }

  added(row: number, now: number): void {
    this.counts[row] = initialCount
    this.periods[row] = Math.floor(now / decaySeconds)
    this.rows.add(row)
  }

  /** A counter of c grows with probability 1/(10·(c − 5) + 1). */
  used(row: number, now: number): void {
    const count = this.count(row, now)
    this.periods[row] = Math.floor(now / decaySeconds)
    const above = Math.max(0, count - initialCount)
    this.counts[row] = count < largestCount && this.stream.uniform() * (above * logFactor + 1) < 1 ? count + 1 : count
  }

  removed(row: number): void {
    this.uses[row] = ((this.uses[row] as number) + 1) | 0
    this.rows.remove(row)
  }

  victim(now: number): number {
    while (this.rows.size > 0) {
      for (let i = 0; i < samples; i++) this.nominate(this.rows.draw(), now)
      while (this.pooled > 0) {
        this.pooled -= 1
        const row = this.poolRows[this.pooled] as number
        if (this.uses[row] === this.poolUses[this.pooled]) return row
      }
    }
    return -1
  }

  clear(): void {
    this.rows.clear()
    this.pooled = 0
  }

  /** The counter, less what has decayed. */
  count(row: number, now: number): number {
    const passed = Math.floor(now / decaySeconds) - (this.periods[row] as number)
    return Math.max(0, (this.counts[row] as number) - passed)
  }

  /** Into the pool, if there is room or it is a better one than the worst of the pool. */
  private nominate(row: number, now: number): void {
    const { poolRows, poolUses, poolCounts } = this
    const count = this.count(row, now)
    const full = this.pooled === poolSize
    if (full && count >= (poolCounts[0] as number)) return
    // Higher counts stand before lower ones. A full pool loses its first.
    let place = this.pooled
    while (place > 0 && (poolCounts[place - 1] as number) < count) place -= 1
    if (full) {
      place -= 1
      for (let i = 0; i < place; i++) this.copy(i + 1, i)
    } else {
      for (let i = this.pooled; i > place; i--) this.copy(i - 1, i)
      this.pooled += 1
    }
    poolRows[place] = row
    poolUses[place] = this.uses[row] as number
    poolCounts[place] = count
  }

  private copy(from: number, to: number): void {
    this.poolRows[to] = this.poolRows[from] as number
    this.poolUses[to] = this.poolUses[from] as number
    this.poolCounts[to] = this.poolCounts[from] as number
  }
}

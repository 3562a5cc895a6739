/**
 * The keys that a cache holds, under the policies of Redis (hot path: rows of typed arrays, keys that are numbers, no allocation
 * but growth). Time is handed in and never goes back.
 *
 * A key whose time to live is over is gone at that moment, found or not: its memory is free for what comes next. Redis
 * finds expired keys when they are asked for and by drawing keys ten times a second, which leaves up to a tenth of them in memory.
 */
import type { RandomStream } from '../../lib/random.js'
import { KeyIndex } from '../state/key-index.js'
import { grown } from '../state/rows.js'
import { type EvictionOrder, NoEviction } from './eviction.js'
import { Expiry, SoonestExpiry } from './expiry.js'
import { Frequency } from './frequency.js'
import { Recency } from './recency.js'
import { AtRandom } from './sample.js'

export type EvictionPolicy =
  | 'noeviction'
  | 'allkeys-lru'
  | 'allkeys-lfu'
  | 'allkeys-random'
  | 'volatile-lru'
  | 'volatile-ttl'

export interface CacheOptions {
  /** Memory for keys and values; infinite: no limit. */
  readonly capacityBytes: number
  readonly eviction: EvictionPolicy
  /** What an entry takes besides its value. */
  readonly overheadBytes: number
  /** For what the policy draws, and for the keys that a fault lets expire. */
  readonly stream: RandomStream
}

const free = -1

export class Cache {
  /** Keys that were there, and went for want of memory. */
  evictions = 0
  /** Keys whose time to live was over. */
  expired = 0
  /** Values that were not stored for want of memory. */
  refused = 0

  private index = new KeyIndex()
  /** Of each row: its key (−1: the row is free), and the bytes of the entry with its overhead. */
  private keys = new Float64Array(0)
  private sizes = new Float64Array(0)
  private made = 0
  private freeRows = new Int32Array(0)
  private freed = 0
  private usedBytes = 0
  private readonly expiry = new Expiry()
  private readonly order: EvictionOrder
  /** Only keys with a time to live may be evicted. */
  private readonly volatileOnly: boolean

  constructor(private readonly options: CacheOptions) {
    this.volatileOnly = options.eviction.startsWith('volatile')
    this.order = orderOf(options, this.expiry)
    this.grow(64)
  }

  /** Keys stored, as of the last operation. */
  get size(): number {
    return this.made - this.freed
  }

  /** Memory used, overhead included, as of the last operation. */
  get bytes(): number {
    return this.usedBytes
  }

  /** Is it a hit? Counts as a use; `renewSeconds` > 0 gives the key that time to live from now on. */
  get(key: number, now: number, renewSeconds = 0): boolean {
    const row = this.index.get(key)
    if (row < 0) return false
    if ((this.expiry.at[row] as number) <= now) {
      this.expired += 1
      this.remove(row)
      return false
    }
    if (this.evictable(row)) this.order.used(row, now)
    if (renewSeconds > 0) this.renew(row, now + renewSeconds, now)
    return true
  }

  /** Stored, and not expired? Does not count as a use. */
  has(key: number, now: number): boolean {
    const row = this.index.get(key)
    return row >= 0 && (this.expiry.at[row] as number) > now
  }

  /** Stores a value of so many bytes; an infinite time to live never ends. False: there is no memory for it. */
  put(key: number, valueBytes: number, ttlSeconds: number, now: number): boolean {
    this.expire(now)
    const bytes = valueBytes + this.options.overheadBytes
    const { capacityBytes } = this.options
    let row = this.index.get(key)
    let room = capacityBytes - this.usedBytes + (row < 0 ? 0 : (this.sizes[row] as number))
    if (bytes > capacityBytes) room = Number.NEGATIVE_INFINITY
    while (bytes > room) {
      const victim = bytes > capacityBytes ? free : this.order.victim(now)
      if (victim < 0) {
        this.refused += 1
        return false
      }
      // The entry that is about to be replaced has given its room already.
      if (victim === row) row = free
      else {
        room += this.sizes[victim] as number
        this.evictions += 1
      }
      this.remove(victim)
    }
    const expiresAt = now + ttlSeconds
    if (row >= 0) {
      this.usedBytes += bytes - (this.sizes[row] as number)
      this.sizes[row] = bytes
      if (this.evictable(row)) this.order.used(row, now)
      this.renew(row, expiresAt, now)
      return true
    }
    row = this.take()
    this.keys[row] = key
    this.sizes[row] = bytes
    this.usedBytes += bytes
    this.index.add(key, row)
    this.expiry.add(row, expiresAt)
    if (this.evictable(row)) this.order.added(row, now)
    return true
  }

  /** Was it there? */
  delete(key: number): boolean {
    const row = this.index.get(key)
    if (row < 0) return false
    this.remove(row)
    return true
  }

  /** Forgets everything. Counters stay. */
  flush(): void {
    this.index = new KeyIndex()
    this.keys.fill(free)
    this.made = 0
    this.freed = 0
    this.usedBytes = 0
    this.expiry.clear()
    this.order.clear()
  }

  /** Each key expires with this probability. */
  expireShare(share: number): void {
    for (let row = 0; row < this.made; row++)
      if (this.keys[row] !== free && this.options.stream.uniform() < share) {
        this.expired += 1
        this.remove(row)
      }
  }

  /** Forgets what has expired until `now`. */
  expire(now: number): void {
    for (let row = this.expiry.first; row >= 0 && (this.expiry.at[row] as number) <= now; row = this.expiry.first) {
      this.expired += 1
      this.remove(row)
    }
  }

  private evictable(row: number): boolean {
    return !this.volatileOnly || (this.expiry.at[row] as number) !== Number.POSITIVE_INFINITY
  }

  private renew(row: number, expiresAt: number, now: number): void {
    if (expiresAt === (this.expiry.at[row] as number)) return
    const before = this.evictable(row)
    this.expiry.remove(row)
    this.expiry.add(row, expiresAt)
    const after = this.evictable(row)
    if (before && !after) this.order.removed(row)
    else if (after && !before) this.order.added(row, now)
  }

  private remove(row: number): void {
    if (this.evictable(row)) this.order.removed(row)
    this.expiry.remove(row)
    this.index.delete(this.keys[row] as number)
    this.usedBytes -= this.sizes[row] as number
    this.keys[row] = free
    this.freeRows[this.freed] = row
    this.freed += 1
  }

  private take(): number {
    if (this.freed > 0) {
      this.freed -= 1
      return this.freeRows[this.freed] as number
    }
    if (this.made === this.keys.length) this.grow(2 * this.made)
    this.made += 1
    return this.made - 1
  }

  private grow(rows: number): void {
    this.keys = grown(this.keys, rows)
    this.sizes = grown(this.sizes, rows)
    this.freeRows = grown(this.freeRows, rows)
    this.expiry.grow(rows)
    this.order.grow(rows)
  }
}

const orderOf = ({ capacityBytes, eviction, stream }: CacheOptions, expiry: Expiry): EvictionOrder => {
  if (capacityBytes === Number.POSITIVE_INFINITY) return new NoEviction()
  switch (eviction) {
    case 'noeviction':
      return new NoEviction()
    case 'allkeys-lru':
    case 'volatile-lru':
      return new Recency()
    case 'allkeys-lfu':
      return new Frequency(stream)
    case 'allkeys-random':
      return new AtRandom(stream)
    case 'volatile-ttl':
      return new SoonestExpiry(expiry)
  }
}

import { describe, expect, it } from 'vitest'
import { randomStream } from '../../../src/lib/random.js'
import { Cache, type EvictionPolicy } from '../../../src/sim/cache/cache.js'
import { Frequency } from '../../../src/sim/cache/frequency.js'
import { ReferenceLru } from './reference.js'

const ever = Number.POSITIVE_INFINITY
const cacheOf = (eviction: EvictionPolicy, capacityBytes: number, overheadBytes = 0): Cache =>
  new Cache({ eviction, capacityBytes, overheadBytes, stream: randomStream(7, eviction) })
/** Which of the keys 0…n−1 are there. */
const held = (cache: Cache, n: number, now: number): number[] =>
  Array.from({ length: n }, (_, key) => key).filter((key) => cache.has(key, now))

describe('a cache', () => {
  it.each(['allkeys-lru', 'volatile-lru'] as const)('%s does exactly what a list in order of use does', (eviction) => {
    for (const capacity of [10, 60, 400]) {
      const stream = randomStream(capacity, eviction)
      const cache = cacheOf(eviction, capacity)
      const reference = new ReferenceLru(capacity, eviction === 'volatile-lru')
      let now = 0
      for (let i = 0; i < 20_000; i++) {
        now += stream.exponential()
        const key = Math.floor(stream.uniform() ** 2 * 200)
        const draw = stream.uniform()
        if (draw < 0.6) {
          const renew = draw < 0.05 ? 30 : 0
          expect(cache.get(key, now, renew)).toBe(reference.get(key, now, renew))
        } else if (draw < 0.95) {
          const bytes = 1 + Math.floor(stream.uniform() * 12)
          const ttl = stream.uniform() < 0.9 ? 1 + Math.floor(stream.uniform() * 500) : ever
          expect(cache.put(key, bytes, ttl, now)).toBe(reference.put(key, bytes, ttl, now))
        } else expect(cache.delete(key)).toBe(reference.delete(key))
        cache.expire(now)
        reference.expire(now)
        if (cache.size !== reference.size || cache.bytes !== reference.bytes) expect.fail(`operation ${i}`)
      }
      expect([cache.evictions, cache.expired]).toEqual([reference.evictions, reference.expired])
      expect(cache.evictions).toBeGreaterThan(100)
    }
  })

  it.each(['noeviction', 'allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-ttl'] as const)(
    '%s never holds more than its memory, and accounts for every byte',
    (eviction) => {
      const stream = randomStream(3, eviction)
      const cache = cacheOf(eviction, 5000, 96)
      const sizes = new Map<number, number>()
      let now = 0
      for (let i = 0; i < 30_000; i++) {
        now += stream.exponential()
        const key = Math.floor(stream.uniform() * 300)
        if (stream.uniform() < 0.5) cache.get(key, now)
        else {
          const bytes = Math.floor(stream.uniform() * 200)
          if (cache.put(key, bytes, stream.uniform() < 0.7 ? 200 * stream.uniform() : ever, now))
            sizes.set(key, bytes + 96)
        }
        if (i % 100 === 0) {
          cache.expire(now)
          const keys = held(cache, 300, now)
          expect(cache.size).toBe(keys.length)
          expect(cache.bytes).toBe(keys.reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0))
          expect(cache.bytes).toBeLessThanOrEqual(5000)
        }
      }
    },
  )

  it('forgets a key at the very end of its time to live, and counts it', () => {
    const cache = cacheOf('allkeys-lru', ever)
    cache.put(1, 10, 5, 0)
    expect([cache.get(1, 4.999), cache.get(1, 5)]).toEqual([true, false])
    expect([cache.expired, cache.size, cache.bytes]).toEqual([1, 0, 0])
  })

  it('renews a time to live only when asked to, and replaces it with the next value', () => {
    const cache = cacheOf('allkeys-lru', ever)
    for (const key of [0, 1, 2, 3]) cache.put(key, 10, 5, 0)
    cache.get(0, 4)
    cache.get(1, 4, 5)
    cache.put(2, 10, 5, 4)
    cache.put(3, 10, ever, 4)
    expect(held(cache, 4, 8.9)).toEqual([1, 2, 3])
    expect(held(cache, 4, 9)).toEqual([3])
  })

  it('noeviction: refuses what does not fit and keeps what it has; what expires makes room', () => {
    const cache = cacheOf('noeviction', 30)
    expect([0, 1, 2, 3].map((key) => cache.put(key, 10, key === 0 ? 5 : ever, 0))).toEqual([true, true, true, false])
    expect([held(cache, 4, 1), cache.refused, cache.evictions]).toEqual([[0, 1, 2], 1, 0])
    expect(cache.put(1, 10, ever, 1)).toBe(true)
    expect(cache.put(1, 11, ever, 1)).toBe(false)
    expect(cache.put(3, 10, ever, 5)).toBe(true)
    expect(held(cache, 4, 5)).toEqual([1, 2, 3])
  })

  it('refuses a value that is larger than all memory without evicting anything for it', () => {
    const cache = cacheOf('allkeys-lru', 30)
    for (const key of [0, 1, 2]) cache.put(key, 10, ever, 0)
    expect([cache.put(3, 31, ever, 0), cache.put(0, 31, ever, 0)]).toEqual([false, false])
    expect([held(cache, 4, 0), cache.evictions]).toEqual([[0, 1, 2], 0])
  })

  it('volatile-ttl: who would expire first goes first; keys without a time to live stay, and fill memory', () => {
    const cache = cacheOf('volatile-ttl', 40)
    cache.put(0, 10, 300, 0)
    cache.put(1, 10, 100, 0)
    cache.put(2, 10, ever, 0)
    cache.put(3, 10, 200, 0)
    cache.get(1, 1)
    cache.put(4, 10, ever, 1)
    expect(held(cache, 6, 1)).toEqual([0, 2, 3, 4])
    cache.put(5, 20, ever, 1)
    expect(held(cache, 6, 1)).toEqual([2, 4, 5])
    expect(cache.put(1, 10, 100, 1)).toBe(false)
    expect([cache.evictions, cache.refused]).toEqual([3, 1])
  })

  it('volatile-lru: a key that loses its time to live is safe, one that gets one is not', () => {
    const cache = cacheOf('volatile-lru', 30)
    cache.put(0, 10, 100, 0)
    cache.put(1, 10, 100, 0)
    cache.put(2, 10, ever, 0)
    cache.put(0, 10, ever, 1)
    cache.put(3, 10, 100, 2)
    expect(held(cache, 4, 2)).toEqual([0, 2, 3])
    cache.put(2, 10, 50, 3)
    cache.get(3, 4)
    cache.put(4, 10, 100, 5)
    expect(held(cache, 5, 5)).toEqual([0, 3, 4])
  })

  it('allkeys-random: every key is evicted equally often', () => {
    const cache = cacheOf('allkeys-random', 10)
    const survived = new Array<number>(10).fill(0)
    for (let round = 0; round < 4000; round++) {
      cache.flush()
      for (let key = 0; key < 10; key++) cache.put(key, 1, ever, 0)
      cache.put(10, 5, ever, 0)
      for (const key of held(cache, 10, 0)) survived[key] = (survived[key] ?? 0) + 1
    }
    // Five of ten survive: binomial, a standard deviation is 31.6.
    for (const times of survived) expect(Math.abs(times - 2000)).toBeLessThan(4 * 31.6)
  })

  it('flush forgets everything at once, and the cache works on', () => {
    for (const eviction of ['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl'] as const) {
      const cache = cacheOf(eviction, 1000)
      for (let key = 0; key < 500; key++) cache.put(key, 5, 100, 0)
      cache.flush()
      expect([cache.size, cache.bytes, held(cache, 500, 0)]).toEqual([0, 0, []])
      for (let key = 0; key < 500; key++) cache.put(key, 5, 100, 0)
      expect([cache.size, cache.bytes]).toEqual([200, 1000])
    }
  })

  it('lets a share of its keys expire', () => {
    const cache = cacheOf('allkeys-lru', ever)
    for (let key = 0; key < 10_000; key++) cache.put(key, 5, ever, 0)
    cache.expireShare(0.3)
    // Binomial: a standard deviation is 46.
    expect(Math.abs(cache.expired - 3000)).toBeLessThan(4 * 46)
    expect([cache.size, cache.bytes]).toEqual([10_000 - cache.expired, 5 * (10_000 - cache.expired)])
    cache.expireShare(1)
    expect([cache.size, cache.expired]).toEqual([0, 10_000])
  })
})

describe('the counter of allkeys-lfu', () => {
  const counters = 400
  const meanAfter = (uses: number): number => {
    const order = new Frequency(randomStream(5, 'lfu'))
    order.grow(counters)
    let sum = 0
    for (let row = 0; row < counters; row++) {
      order.added(row, 0)
      for (let i = 0; i < uses; i++) order.used(row, 0)
      sum += order.count(row, 0)
    }
    return sum / counters
  }

  // redis.conf, "lfu-log-factor": with a factor of 10, 100 hits made 10, 1000 made 18, 100 thousand 142 (once).
  it.each([
    { uses: 100, count: 10 },
    { uses: 1000, count: 18 },
  ])('is about $count after $uses uses, as redis.conf says', ({ uses, count }) => {
    expect(Math.abs(meanAfter(uses) - count)).toBeLessThan(2)
  })

  it('saturates at 255', () => {
    const order = new Frequency(randomStream(5, 'lfu'))
    order.grow(1)
    order.added(0, 0)
    for (let i = 0; i < 100_000; i++) order.used(0, 0)
    expect(Math.abs(order.count(0, 0) - 142)).toBeLessThan(6)
    for (let i = 0; i < 1_000_000; i++) order.used(0, 0)
    expect(order.count(0, 0)).toBe(255)
  })

  it('loses one for each minute without a use', () => {
    const order = new Frequency(randomStream(5, 'lfu'))
    order.grow(1)
    order.added(0, 30)
    expect([59, 60, 119, 120, 330, 1e6].map((now) => order.count(0, now))).toEqual([5, 4, 4, 3, 0, 0])
  })
})

import { describe, expect, it } from 'vitest'
import { keyTable } from '../../../src/lib/popularity.js'
import { randomStream } from '../../../src/lib/random.js'
import { lfuCache, lruCache, ttlHitRatio, zipfGroups } from '../../../src/sim/analytic/cache.js'
import { shardedCache } from '../../../src/sim/analytic/cache-shards.js'
import { type CachedSet, sharedCache } from '../../../src/sim/analytic/cache-sharing.js'
import { Cache, type EvictionPolicy } from '../../../src/sim/cache/cache.js'

const ever = Number.POSITIVE_INFINITY

interface Set extends CachedSet {
  readonly keys: number
  readonly exponent: number
}
const setOf = (keys: number, exponent: number, ratePerSecond: number, ttlSeconds: number, entryBytes: number): Set => ({
  keys,
  exponent,
  groups: zipfGroups(keys, exponent),
  ratePerSecond,
  ttlSeconds,
  entryBytes,
})

/** Hit ratios of each set when its requests are played through the real policy. */
const played = (sets: readonly Set[], capacityBytes: number, eviction: EvictionPolicy): number[] => {
  const stream = randomStream(1, 'play')
  const cache = new Cache({ eviction, capacityBytes, overheadBytes: 0, stream: randomStream(1, 'evict') })
  const tables = sets.map(({ keys, exponent }) => keyTable({ law: 'zipf', exponent }, keys))
  const totalRate = sets.reduce((sum, { ratePerSecond }) => sum + ratePerSecond, 0)
  const hits = sets.map(() => 0)
  const asked = sets.map(() => 0)
  let now = 0
  const requests = 600_000
  for (let i = 0; i < requests; i++) {
    now += stream.exponential() / totalRate
    let index = 0
    for (let left = stream.uniform() * totalRate; index < sets.length - 1; index++) {
      left -= sets[index]?.ratePerSecond ?? 0
      if (left < 0) break
    }
    const set = sets[index] as Set
    const key = index * 2 ** 32 + (tables[index] as (typeof tables)[number]).draw(stream.uniform())
    const hit = cache.get(key, now)
    if (!hit) cache.put(key, set.entryBytes, set.ttlSeconds, now)
    if (i < requests / 3) continue
    asked[index] = (asked[index] ?? 0) + 1
    if (hit) hits[index] = (hits[index] ?? 0) + 1
  }
  return hits.map((count, index) => count / (asked[index] ?? 1))
}

describe('several data sets in one cache', () => {
  it('one set is what the cache alone would be', () => {
    const set = setOf(10_000, 1, 50, ever, 100)
    expect(sharedCache([set], 100_000, 'allkeys-lru').hitRatios[0]).toBeCloseTo(
      lruCache(zipfGroups(10_000, 1), 1000).hitRatio,
      9,
    )
    expect(sharedCache([set], 100_000, 'allkeys-lfu').hitRatios[0]).toBeCloseTo(
      lfuCache(zipfGroups(10_000, 1), 1000).hitRatio,
      9,
    )
  })

  it('when all fits only the times to live matter, whatever the policy', () => {
    const sets = [setOf(1, 0, 2, 5, 100), setOf(1, 0, 3, ever, 100)]
    for (const policy of [
      'noeviction',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'volatile-lru',
      'volatile-ttl',
    ] as const) {
      const { hitRatios, fits } = sharedCache(sets, 200, policy)
      expect(fits).toBe(true)
      expect(hitRatios[0]).toBeCloseTo(ttlHitRatio(2, 5), 12)
      expect(hitRatios[1]).toBe(1)
    }
  })

  const large = setOf(2000, 0.9, 80, 100, 30)
  const small = setOf(500, 0.7, 20, 400, 10)
  const lasting = setOf(300, 0.8, 20, ever, 20)
  const cases: [EvictionPolicy, readonly Set[], number, number][] = [
    ['allkeys-lru', [large, small, lasting], 12_000, 0.01],
    ['allkeys-random', [large, small, lasting], 12_000, 0.01],
    ['volatile-lru', [large, small, lasting], 16_000, 0.01],
    ['volatile-ttl', [large, small, lasting], 16_000, 0.015],
    // Of different sizes the smaller ones find room more often than the formula, which knows no sizes here, says.
    ['noeviction', [large, { ...small, entryBytes: 30 }], 14_010, 0.015],
  ]
  it.each(cases)('%s: the real policy agrees with the formulas, set by set', (policy, sets, capacity, tolerance) => {
    const formula = sharedCache(sets, capacity, policy)
    expect(formula.fits).toBe(false)
    expect(formula.bytes).toBeCloseTo(capacity, 6)
    for (const [index, ratio] of played(sets, capacity, policy).entries())
      expect(Math.abs(ratio - (formula.hitRatios[index] ?? 0)), `set ${index}`).toBeLessThan(tolerance)
  })

  it('noeviction without times to live: who came first stays, as often found as with LRU', () => {
    const set = setOf(10_000, 1, 50, ever, 1)
    expect(sharedCache([set], 1000, 'noeviction').hitRatios[0]).toBeCloseTo(
      lruCache(zipfGroups(10_000, 1), 1000).hitRatio,
      9,
    )
  })
})

describe('a cache in shards', () => {
  const probabilities = (keys: number): number[] => {
    const weights = Array.from({ length: keys }, (_, i) => 1 / (i + 1))
    const sum = weights.reduce((a, b) => a + b, 0)
    return weights.map((weight) => weight / sum)
  }

  it('many keys: each shard hits as the whole would with all memory', () => {
    const shards = shardedCache(probabilities(10_000), 4, (key) => (key * 7919) % 4, 250, 1, ever)
    const whole = shards.reduce((sum, { load, hitRatio }) => sum + load * hitRatio, 0)
    expect(whole).toBeCloseTo(lruCache(zipfGroups(10_000, 1), 1000).hitRatio, 2)
    expect(shards.reduce((sum, { load }) => sum + load, 0)).toBeCloseTo(1, 12)
  })

  it('a hot key loads one shard, whatever the number of shards', () => {
    const [hot, ...others] = shardedCache(
      [0.5, ...probabilities(999).map((p) => p / 2)],
      10,
      (key) => key % 10,
      10,
      1,
      ever,
    )
    expect(hot?.load).toBeGreaterThan(0.5)
    for (const { load } of others) expect(load).toBeLessThan(0.15)
  })
})

describe('a key that is asked for all the time', () => {
  it('stays for its whole time to live, however little less than everything the memory holds', () => {
    // e^(−λT) of the hottest key is 0 in floating point long before everything fits.
    const set = setOf(10_000, 0.99, 4000, 300, 2200)
    const all = sharedCache([set], Number.POSITIVE_INFINITY, 'allkeys-lru')
    const ratios = [0.5, 0.9, 0.99, 0.999, 0.99999].map(
      (share) => sharedCache([set], all.bytes * share, 'allkeys-lru').hitRatios[0] ?? Number.NaN,
    )
    for (const [i, ratio] of ratios.entries()) {
      expect(ratio).toBeGreaterThan(ratios[i - 1] ?? 0)
      expect(ratio).toBeLessThanOrEqual(all.hitRatios[0] ?? 0)
    }
    expect(ratios.at(-1)).toBeCloseTo(all.hitRatios[0] ?? 0, 4)
  })
})

/** Caches with known hit ratios. */
import { describe, expect, it } from 'vitest'
import { lruCache, renewedTtlHitRatio, ttlHitRatio, ttlLruCache, zipfGroups } from '../../src/sim/analytic/cache.js'

describe('hit ratios', () => {
  it.each([
    { exponent: 0.8, keys: 100, capacity: 40, hitRatio: 0.645412 },
    { exponent: 1, keys: 10_000, capacity: 1000, hitRatio: 0.675602 },
    { exponent: 1.4, keys: 1000, capacity: 50, hitRatio: 0.819253 },
  ])('oracle 15: LRU of $capacity in $keys keys, Zipf $exponent', ({ exponent, keys, capacity, hitRatio }) => {
    expect(lruCache(zipfGroups(keys, exponent), capacity).hitRatio).toBeCloseTo(hitRatio, 6)
  })

  it('oracle 15: the characteristic time of the first, and a hundred thousand keys in groups as one by one', () => {
    expect(lruCache(zipfGroups(100, 0.8), 40).characteristicTime).toBeCloseTo(72.2109, 4)
    const oneByOne = Array.from({ length: 100_000 }, (_, i) => 1 / (i + 1))
    const sum = oneByOne.reduce((a, b) => a + b, 0)
    const groups = oneByOne.map((weight) => ({ count: 1, probability: weight / sum }))
    expect(lruCache(zipfGroups(100_000, 1), 50_000).hitRatio).toBeCloseTo(lruCache(groups, 50_000).hitRatio, 4)
  })

  it('oracle 16: a time to live of 5 s at 2/s, fixed and renewed by hits', () => {
    expect(ttlHitRatio(2, 5)).toBeCloseTo(10 / 11, 12)
    expect(renewedTtlHitRatio(2, 5)).toBeCloseTo(0.9999546, 7)
  })

  it('lets the time to live decide when everything fits, and memory when nothing expires', () => {
    const groups = zipfGroups(1000, 0.9)
    const roomy = ttlLruCache(groups, 1000, 100, 60)
    expect(roomy.characteristicTime).toBe(Number.POSITIVE_INFINITY)
    expect(roomy.hitRatio).toBeLessThan(ttlLruCache(groups, 1000, 1000, 60).hitRatio)
    expect(ttlLruCache(groups, 100, 100, 1e12).hitRatio).toBeCloseTo(lruCache(groups, 100).hitRatio, 6)
    expect(ttlLruCache(groups, 100, 100, 5).hitRatio).toBeLessThan(lruCache(groups, 100).hitRatio)
  })
})

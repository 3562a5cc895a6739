/** Caches with known hit ratios. */
import { describe, expect, it } from 'vitest'
import { keyTable } from '../../src/lib/popularity.js'
import { randomStream } from '../../src/lib/random.js'
import {
  lfuCache,
  lruCache,
  randomCache,
  renewedTtlHitRatio,
  ttlHitRatio,
  ttlLruCache,
  zipfGroups,
} from '../../src/sim/analytic/cache.js'
import { lruWarmUp } from '../../src/sim/analytic/cache-warm-up.js'
import { Cache, type EvictionPolicy } from '../../src/sim/cache/cache.js'
import { run } from '../sim/des/support.js'

interface Played {
  readonly keys: number
  readonly exponent: number
  readonly capacity: number
  readonly eviction?: EvictionPolicy
  readonly ttlSeconds?: number
  readonly ratePerSecond?: number
  readonly renews?: boolean
  readonly requests?: number
  readonly seed?: number
}

/** Plays requests for independent keys, Poisson arrivals, through the real policy; the first fifth warms up. */
const played = ({
  keys,
  exponent,
  capacity,
  eviction = 'allkeys-lru',
  ttlSeconds = Number.POSITIVE_INFINITY,
  ratePerSecond = 1,
  renews = false,
  requests = 1_000_000,
  seed = 15,
}: Played): { readonly hitRatio: number; readonly halfWidth: number } => {
  const stream = randomStream(seed, `${keys} ${exponent}`)
  const cache = new Cache({ eviction, capacityBytes: capacity, overheadBytes: 0, stream: randomStream(seed, 'evict') })
  const table = keyTable(exponent === 0 ? { law: 'uniform' } : { law: 'zipf', exponent }, keys)
  const batches = 40
  const perBatch = requests / batches
  const ratios: number[] = []
  let now = 0
  for (let batch = -batches / 4; batch < batches; batch++) {
    let hits = 0
    for (let i = 0; i < perBatch; i++) {
      now += stream.exponential() / ratePerSecond
      const key = table.draw(stream.uniform())
      if (cache.get(key, now, renews ? ttlSeconds : 0)) hits += 1
      else cache.put(key, 1, ttlSeconds, now)
    }
    if (batch >= 0) ratios.push(hits / perBatch)
  }
  const mean = ratios.reduce((a, b) => a + b, 0) / batches
  const variance = ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / (batches - 1)
  // Student's t, 39 degrees of freedom.
  return { hitRatio: mean, halfWidth: 2.023 * Math.sqrt(variance / batches) }
}

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

describe('hit ratios of the real policies', () => {
  it.each([
    { exponent: 0.8, keys: 100, capacity: 40, hitRatio: 0.6448 },
    { exponent: 1, keys: 10_000, capacity: 1000, hitRatio: 0.6759 },
    { exponent: 1.4, keys: 1000, capacity: 50, hitRatio: 0.8195 },
  ])('oracle 15: LRU of $capacity in $keys keys, Zipf $exponent', ({ hitRatio, ...cache }) => {
    const observed = played(cache)
    // The known value is rounded to four digits.
    expect(Math.abs(observed.hitRatio - hitRatio)).toBeLessThan(observed.halfWidth + 0.00005)
    expect(observed.halfWidth).toBeLessThan(0.0015)
  })

  it('oracle 16: a time to live of 5 s at 2/s, fixed and renewed by hits', () => {
    const one = { keys: 1, exponent: 0, capacity: 1, ratePerSecond: 2, ttlSeconds: 5 }
    const fixed = Array.from({ length: 20 }, (_, seed) => played({ ...one, seed, requests: 100_000 }))
    const inside = fixed.filter(({ hitRatio, halfWidth }) => Math.abs(hitRatio - 10 / 11) < halfWidth)
    expect(inside.length).toBeGreaterThanOrEqual(18)
    expect(Math.max(...fixed.map(({ halfWidth }) => halfWidth))).toBeLessThan(0.001)
    const renewed = played({ ...one, renews: true })
    // Misses are a Poisson count: e^−10 of a million are 45 ± 7.
    expect(Math.abs((1 - renewed.hitRatio) * 1e6 - 45.4)).toBeLessThan(3 * 7)
  })

  it.each([
    { exponent: 0.8, keys: 100, capacity: 40 },
    { exponent: 1, keys: 10_000, capacity: 1000 },
    { exponent: 0, keys: 1000, capacity: 300 },
  ])('random eviction is what the characteristic time says: $capacity of $keys, Zipf $exponent', (cache) => {
    const observed = played({ ...cache, eviction: 'allkeys-random' })
    const { hitRatio } = randomCache(zipfGroups(cache.keys, cache.exponent), cache.capacity)
    expect(Math.abs(observed.hitRatio - hitRatio)).toBeLessThan(observed.halfWidth + 0.001)
  })

  it('keys that all live equally long are evicted first in, first out, which hits as often as random eviction', () => {
    const observed = played({ exponent: 0.8, keys: 100, capacity: 40, eviction: 'volatile-ttl', ttlSeconds: 1e6 })
    expect(Math.abs(observed.hitRatio - randomCache(zipfGroups(100, 0.8), 40).hitRatio)).toBeLessThan(0.002)
  })

  it("Redis' LFU lies between LRU and the perfect LFU, near the latter", () => {
    const groups = zipfGroups(10_000, 1)
    // So fast that no counter decays.
    const observed = played({ exponent: 1, keys: 10_000, capacity: 1000, eviction: 'allkeys-lfu', ratePerSecond: 1e5 })
    const perfect = lfuCache(groups, 1000).hitRatio
    // Σ1/k: H(1000)/H(10000).
    expect(perfect).toBeCloseTo(7.485470861 / 9.787606036, 8)
    expect(observed.hitRatio).toBeGreaterThan(lruCache(groups, 1000).hitRatio + 0.05)
    expect(observed.hitRatio).toBeLessThan(perfect)
    expect(observed.hitRatio).toBeGreaterThan(perfect - 0.03)
  })

  it.each([{ ttlSeconds: 20 }, { ttlSeconds: 100 }, { ttlSeconds: 300 }, { ttlSeconds: 2000 }])(
    'LRU and a time to live of $ttlSeconds s together',
    ({ ttlSeconds }) => {
      const cache = { exponent: 0.8, keys: 1000, capacity: 300, ttlSeconds, ratePerSecond: 10 }
      const observed = played(cache)
      const { hitRatio } = ttlLruCache(zipfGroups(1000, 0.8), 300, 10, ttlSeconds)
      expect(Math.abs(observed.hitRatio - hitRatio)).toBeLessThan(observed.halfWidth + 0.0015)
    },
  )

  it('an empty cache fills in its characteristic time, and hits on the way as often as keys were seen before', () => {
    const warmUp = lruWarmUp(zipfGroups(10_000, 1), 1000, 100, Number.POSITIVE_INFINITY)
    const table = keyTable({ law: 'zipf', exponent: 1 }, 10_000)
    const at = [0.05, 0.2, 0.5, 0.9].map((share) => share * warmUp.fillSeconds)
    const hits = at.map(() => 0)
    let filledAt = 0
    const rounds = 400
    for (let round = 0; round < rounds; round++) {
      const stream = randomStream(round, 'cold')
      const cache = new Cache({ eviction: 'allkeys-lru', capacityBytes: 1000, overheadBytes: 0, stream })
      const draw = (): number => table.draw(stream.uniform())
      let now = 0
      for (let probe = 0; cache.size < 1000; ) {
        now += stream.exponential() / 100
        // An extra request at the moment in question, which leaves no trace.
        for (; probe < at.length && (at[probe] ?? 0) < now; probe++)
          if (cache.has(draw(), now)) hits[probe] = (hits[probe] ?? 0) + 1
        cache.put(draw(), 1, Number.POSITIVE_INFINITY, now)
      }
      filledAt += now / rounds
    }
    expect(Math.abs(filledAt / warmUp.fillSeconds - 1)).toBeLessThan(0.01)
    for (const [i, seconds] of at.entries()) {
      const expected = warmUp.hitRatioAt(seconds)
      expect(Math.abs((hits[i] ?? 0) / rounds - expected)).toBeLessThan(
        3.5 * Math.sqrt((expected * (1 - expected)) / rounds),
      )
    }
    expect(warmUp.hitRatioAt(2 * warmUp.fillSeconds)).toBe(warmUp.hitRatio)
    expect(warmUp.hitRatioAt(warmUp.secondsUntil(0.5))).toBeCloseTo(warmUp.hitRatio / 2, 6)
  })
})

describe('the same through a simulation of the whole system', () => {
  const simulated = (
    data: string,
    cache: string,
    lookup: string,
    plan: { readonly rate: number; readonly seconds: number; readonly warmup: number },
    seed = 1,
  ): { readonly hitRatio: number; readonly halfWidth: number } => {
    // Steps that take no time: what is missed is there before the next one asks.
    const result = run(
      `
name: cached
data: { item: { ${data}, bytes: 928B } }
components:
  app: { engine: service, execution: { model: virtual-threads } }
  cache: { engine: redis, demand: 0us${cache} }
requests:
  get: { serve: app, route: GET /, share: 100%, flow: [{ lookup: cache, key: item${lookup}, miss: [] }] }
traffic: { rate: 1/s }
`,
      plan,
      { seed },
    )
    const { cache: observed } = result.components
    return { hitRatio: observed?.hitRatio ?? Number.NaN, halfWidth: observed?.halfWidth?.hitRatio ?? Number.NaN }
  }

  it.each([
    { exponent: 0.8, keys: 100, capacity: 40, hitRatio: 0.6448 },
    { exponent: 1, keys: 10_000, capacity: 1000, hitRatio: 0.6759 },
    { exponent: 1.4, keys: 1000, capacity: 50, hitRatio: 0.8195 },
  ])('oracle 15: LRU of $capacity in $keys keys, Zipf $exponent', ({ exponent, keys, capacity, hitRatio }) => {
    const observed = simulated(
      `keys: ${keys}, popularity: zipf(${exponent})`,
      `, eviction: allkeys-lru, memory: ${capacity}KiB`,
      '',
      { rate: 1000, seconds: 320, warmup: 20 },
    )
    expect(Math.abs(observed.hitRatio - hitRatio)).toBeLessThan(observed.halfWidth + 0.00005)
    expect(observed.halfWidth).toBeLessThan(0.004)
  })

  it('oracle 16: a time to live of 5 s at 2/s, fixed and renewed by hits', () => {
    const one = 'keys: 1, popularity: uniform'
    const plan = { rate: 2, seconds: 60_000, warmup: 100 }
    const fixed = simulated(one, '', ', ttl: 5s', plan)
    expect(Math.abs(fixed.hitRatio - 10 / 11)).toBeLessThan(fixed.halfWidth)
    expect(fixed.halfWidth).toBeLessThan(0.002)
    const renewed = simulated(one, '', ', ttl: 5s, renew: true', { ...plan, seconds: 500_000 })
    // e^−10 of a million: 45 misses, Poisson.
    expect(Math.abs((1 - renewed.hitRatio) * 1e6 - 45.4)).toBeLessThan(3 * 7)
  })
})

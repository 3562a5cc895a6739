import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../src/result/run-result.js'
import { lruCache, ttlHitRatio, zipfGroups } from '../../../src/sim/analytic/cache.js'
import { sharedCache } from '../../../src/sim/analytic/cache-sharing.js'
import { lruWarmUp } from '../../../src/sim/analytic/cache-warm-up.js'
import { shardOf } from '../../../src/sim/state/shards.js'
import { run } from './support.js'

interface Shape {
  /** Keys that fit into each master. */
  readonly capacity?: number
  readonly keys?: number
  readonly popularity?: string
  readonly eviction?: string
  readonly lookup?: string
  readonly cache?: string
  readonly flow?: string
  readonly db?: string
}

/** Entries of 1 KiB: 928 bytes and their overhead. */
const cached = ({
  capacity,
  keys = 1000,
  popularity = 'zipf(1)',
  eviction = 'allkeys-lru',
  lookup = '',
  cache = '',
  flow,
  db = 'demand: 0us',
}: Shape): string => `
name: caches
data: { item: { keys: ${keys}, popularity: ${popularity}, bytes: 928B } }
components:
  app: { engine: service, execution: { model: virtual-threads }, pools: { main: { to: db, size: 50 } } }
  cache: { engine: redis, eviction: ${eviction}, demand: 0us${capacity === undefined ? '' : `, memory: ${capacity}KiB`}${cache} }
  db: { engine: postgres, ${db} }
requests:
  get:
    serve: app
    route: GET /
    share: 100%
    flow: [${flow ?? `{ lookup: cache, key: item${lookup}, miss: [{ query: app.main, time: 1us }] }`}]
traffic: { rate: 1/s }
`
const hitRatio = (result: RunResult): number => result.components.cache?.hitRatio ?? Number.NaN
const halfWidth = (result: RunResult): number => result.components.cache?.halfWidth?.hitRatio ?? Number.NaN
const visits = (result: RunResult, component: string): number[] =>
  (result.components[component]?.instances ?? []).map((instance) => instance.visits)
const atCache = { kind: 'component', component: 'cache' } as const

describe('hit ratios that follow from what the cache holds', () => {
  const zipf = zipfGroups(1000, 1)
  const steady = { rate: 100, seconds: 2500, warmup: 500 }

  it.each(['allkeys-lru', 'allkeys-random', 'noeviction', 'volatile-lru', 'volatile-ttl'] as const)(
    '%s hits as often as its formula says, with a time to live',
    (eviction) => {
      const result = run(cached({ capacity: 200, eviction, lookup: ', ttl: 60s' }), steady)
      const set = { groups: zipf, ratePerSecond: 100, ttlSeconds: 60, entryBytes: 1024 }
      const formula = sharedCache([set], 200 * 1024, eviction).hitRatios[0] ?? 0
      expect(Math.abs(hitRatio(result) - formula)).toBeLessThan(halfWidth(result) + 0.006)
    },
  )

  it('allkeys-lfu hits more often than LRU and less than if the most popular were always there', () => {
    const result = run(cached({ capacity: 200, eviction: 'allkeys-lfu' }), steady)
    expect(hitRatio(result)).toBeGreaterThan(lruCache(zipf, 200).hitRatio + 0.02)
    expect(hitRatio(result)).toBeLessThan(
      sharedCache(
        [{ groups: zipf, ratePerSecond: 100, ttlSeconds: Number.POSITIVE_INFINITY, entryBytes: 1 }],
        200,
        'allkeys-lfu',
      ).hitRatios[0] ?? 0,
    )
  })

  it('without memory limit only the time to live counts; a lookup without a key is one value', () => {
    const all = run(cached({ lookup: ', ttl: 60s' }), steady)
    const expected = zipf.reduce(
      (sum, { count, probability }) => sum + count * probability * ttlHitRatio(100 * probability, 60),
      0,
    )
    expect(Math.abs(hitRatio(all) - expected)).toBeLessThan(halfWidth(all) + 0.002)
    const one = run(
      cached({ flow: '{ lookup: cache, ttl: 50ms, miss: [] }, { lookup: cache, ttl: 20ms, miss: [] }' }),
      {
        ...steady,
        seconds: 1000,
      },
    )
    const mean = (ttlHitRatio(100, 0.05) + ttlHitRatio(100, 0.02)) / 2
    expect(Math.abs(hitRatio(one) - mean)).toBeLessThan(halfWidth(one) + 0.002)
  })

  it('two data sets share the memory of one cache', () => {
    const text = cached({
      capacity: 200,
      flow: '{ lookup: cache, key: item, miss: [] }, { lookup: cache, key: user, miss: [] }',
    })
    const result = run(text.replace('data: {', 'data: { user: { keys: 500, bytes: 928B }, '), steady)
    const set = { ratePerSecond: 100, ttlSeconds: Number.POSITIVE_INFINITY, entryBytes: 1024 }
    const formula = sharedCache(
      [
        { ...set, groups: zipf },
        { ...set, groups: zipfGroups(500, 0) },
      ],
      200 * 1024,
      'allkeys-lru',
    )
    const mean = ((formula.hitRatios[0] ?? 0) + (formula.hitRatios[1] ?? 0)) / 2
    expect(Math.abs(hitRatio(result) - mean)).toBeLessThan(halfWidth(result) + 0.003)
  })

  it('each use renews the time to live only where the lookup says so', () => {
    const shape = { keys: 1, popularity: 'uniform' }
    const fixed = run(cached({ ...shape, lookup: ', ttl: 20ms' }), steady)
    const renewed = run(cached({ ...shape, lookup: ', ttl: 20ms, renew: true' }), steady)
    expect(Math.abs(hitRatio(fixed) - ttlHitRatio(100, 0.02))).toBeLessThan(halfWidth(fixed) + 0.002)
    expect(Math.abs(hitRatio(renewed) - (1 - Math.exp(-2)))).toBeLessThan(halfWidth(renewed) + 0.002)
  })
})

describe('cold caches', () => {
  /** Hit ratio of each second. */
  const bySecond = (text: string, faults: Parameters<typeof run>[1]['faults'], rate = 1000): number[] => {
    const result = run(text, { rate, seconds: 100, ...(faults === undefined ? {} : { faults }) })
    return result.series.map(({ components }) => components.cache?.hitRatio ?? Number.NaN)
  }
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

  it('an empty cache warms up as the transient formula says, and so again after a flush', () => {
    const text = cached({ capacity: 3000, keys: 10_000 })
    const warmUp = lruWarmUp(zipfGroups(10_000, 1), 3000, 1000, Number.POSITIVE_INFINITY)
    const seconds = bySecond(text, [{ kind: 'flush', atSeconds: 50, target: atCache }])
    for (const start of [0, 50])
      for (const second of [1, 3, 6]) {
        const formula = (warmUp.hitRatioAt(second) + warmUp.hitRatioAt(second + 1)) / 2
        // A second's ratio of 1000 draws: a standard deviation is at most 0.016.
        expect(Math.abs((seconds[start + second] ?? 0) - formula), `${start + second} s`).toBeLessThan(4 * 0.016)
      }
    expect(mean(seconds.slice(35, 50))).toBeCloseTo(warmUp.hitRatio, 1)
    expect(seconds[50]).toBeLessThan(0.6 * mean(seconds.slice(40, 50)))
  })

  it('a crash empties a cache that does not persist, and one that does comes back warm', () => {
    const kill = [{ kind: 'kill', atSeconds: 50, target: atCache, restartAfterSeconds: 0.1 }] as const
    const afterwards = (persistence: string): number =>
      bySecond(cached({ keys: 10_000, cache: `, persistence: ${persistence}` }), kill)[51] ?? 0
    expect(afterwards('none')).toBeLessThan(0.7)
    expect(afterwards('aof')).toBeGreaterThan(0.85)
  })

  it('expire lets a share of the keys go', () => {
    const uniform = { keys: 200, popularity: 'uniform' }
    const ratio = (share: number): number =>
      bySecond(
        cached(uniform),
        [{ kind: 'expire', atSeconds: 50, target: atCache, parameters: { share } }],
        4000,
      )[50] ?? 0
    // 4000 requests of 200 keys: each expired key is missed once.
    expect(1 - ratio(0.5)).toBeCloseTo(100 / 4000, 2)
    expect(1 - ratio(1)).toBeCloseTo(200 / 4000, 2)
  })

  it('many misses of one key at once all go to the database: nobody waits for the first', () => {
    const text = cached({
      keys: 1,
      popularity: 'uniform',
      flow: '{ lookup: cache, key: item, miss: [{ query: app.main, time: { wait: { const: 100ms } } }] }',
    })
    const result = run(text, { rate: 200, seconds: 40, faults: [{ kind: 'flush', atSeconds: 20, target: atCache }] })
    const queries = visits(result, 'db')[0] ?? 0
    // Two stampedes of 200/s · 0.1 s, Poisson.
    expect(Math.abs(queries - 40)).toBeLessThan(4 * Math.sqrt(40))
  })

  it('refuses to flush what is not a cache', () => {
    const flush = (component: string) => () =>
      run(cached({}), {
        rate: 1,
        seconds: 1,
        faults: [{ kind: 'flush', atSeconds: 0, target: { kind: 'component', component } }],
      })
    expect(flush('db')).toThrow('db (postgres) is not a cache')
    expect(flush('cache')).not.toThrow()
  })
})

describe('a cache in shards', () => {
  it('a hot key loads its one master; the others share the rest evenly', () => {
    const text = cached({
      keys: 2000,
      popularity: 'zipf(1.2)',
      cache: ', mode: cluster, masters: 3, replicasPerMaster: 0',
    })
    const result = run(text, { rate: 1000, seconds: 100, warmup: 20 })
    const shares = [0, 0, 0]
    const groups = Array.from({ length: 2000 }, (_, key) => (key + 1) ** -1.2)
    const sum = groups.reduce((a, b) => a + b, 0)
    for (const [key, weight] of groups.entries()) {
      const shard = shardOf(key, 3)
      shares[shard] = (shares[shard] ?? 0) + weight / sum
    }
    const counts = visits(result, 'cache')
    const total = counts.reduce((a, b) => a + b, 0)
    for (const [shard, share] of shares.entries())
      expect(Math.abs((counts[shard] ?? 0) / total - share)).toBeLessThan(0.01)
    expect(Math.max(...shares)).toBeGreaterThan(0.4)
  })

  it('the flush of one master leaves what the others hold', () => {
    const text = cached({
      keys: 100,
      popularity: 'uniform',
      cache: ', mode: cluster, masters: 4, replicasPerMaster: 0',
    })
    const misses = (
      target: { kind: 'component'; component: string } | { kind: 'instance'; component: string; index: number },
    ) => {
      const plan = { rate: 1000, seconds: 20, warmup: 5 }
      const result = run(text, { ...plan, faults: [{ kind: 'flush', atSeconds: 10, target }] })
      return visits(result, 'db')[0] ?? 0
    }
    const own = Array.from({ length: 100 }, (_, key) => key).filter((key) => shardOf(key, 4) === 2).length
    expect(misses({ kind: 'instance', component: 'cache', index: 2 })).toBe(own)
    expect(misses({ kind: 'component', component: 'cache' })).toBe(100)
  })
})

describe('a database in shards', () => {
  const sharded = (db: string, flow: string, popularity = 'zipf(1.1)'): string => `
name: sharded
data:
  category: { keys: 50, popularity: ${popularity} }
  item: { keys: 1000 }
components:
  app: { engine: service, execution: { model: virtual-threads }, pools: { main: { to: db, size: 500 } } }
  db: { engine: postgres, demand: 0us, shards: { count: 4, key: category }${db} }
requests:
  get: { serve: app, route: GET /, share: 100%, flow: [${flow}] }
traffic: { rate: 1/s }
`
  const weights = Array.from({ length: 50 }, (_, key) => (key + 1) ** -1.1)
  const sum = weights.reduce((a, b) => a + b, 0)
  const shares = [0, 1, 2, 3].map((shard) =>
    weights.reduce((share, weight, key) => (shardOf(key, 4) === shard ? share + weight / sum : share), 0),
  )

  it('each step goes to the shard of the request, also those about other keys, and whole transactions', () => {
    const flow =
      '{ transaction: app.main, do: [{ query: app.main, key: item, time: 1us }, { write: app.main, key: item, time: 1us }] }'
    const counts = visits(run(sharded('', flow), { rate: 200, seconds: 100 }), 'db')
    const total = counts.reduce((a, b) => a + b, 0)
    // BEGIN, a read, a write and COMMIT of one request are four visits of one shard.
    for (const count of counts) expect(count % 4).toBe(0)
    for (const [shard, share] of shares.entries()) {
      const deviation = Math.sqrt((share * (1 - share)) / (total / 4))
      expect(Math.abs((counts[shard] ?? 0) / total - share)).toBeLessThan(4 * deviation)
    }
    expect(Math.max(...shares)).toBeGreaterThan(0.35)
  })

  it('the shard of a hot key saturates while the others idle', () => {
    const hottest = Math.max(...shares)
    const rate = 0.9 / hottest / 0.002
    const result = run(sharded('', '{ query: app.main, time: { cpu: 2ms } }'), { rate, seconds: 60, warmup: 10 })
    const used = (result.components.db?.instances ?? []).map(({ cpuSeconds }) => cpuSeconds / 50)
    expect(Math.abs(Math.max(...used) - 0.9)).toBeLessThan(0.05)
    expect(Math.min(...used)).toBeLessThan(0.6)
  })

  it('reads go to the copies of their own shard, in turn', () => {
    const counts = visits(
      run(sharded(', readReplicas: 2', '{ query: db.replica, time: 1us }'), { rate: 200, seconds: 50 }),
      'db',
    )
    // Four primaries, then the first copy of each shard, then the second.
    expect(counts.length).toBe(12)
    expect(counts.slice(0, 4)).toEqual([0, 0, 0, 0])
    const total = counts.reduce((a, b) => a + b, 0)
    for (const shard of [0, 1, 2, 3]) {
      const [first = 0, second = 0] = [counts[4 + shard], counts[8 + shard]]
      expect(Math.abs(first - second)).toBeLessThanOrEqual(1)
      expect(Math.abs((first + second) / total - (shares[shard] ?? 0))).toBeLessThan(0.02)
    }
  })

  it('loses with a shard only what was written there', () => {
    const text = sharded(
      ', readReplicas: 1, replication: { mode: async, lag: 200ms }, failover: { detect: 1s, promote: 1s }',
      '{ write: app.main, time: 1us }',
    )
    const lost = (index: number): number => {
      const fault = { kind: 'kill', atSeconds: 10, target: { kind: 'instance', component: 'db', index } } as const
      const result = run(text, { rate: 500, seconds: 20, faults: [fault], invariants: ['no-lost-writes'] })
      return result.invariants.find(({ name }) => name === 'no-lost-writes')?.observed ?? -1
    }
    for (const shard of [0, 1, 2, 3]) {
      const expected = 500 * 0.2 * (shares[shard] ?? 0)
      expect(Math.abs(lost(shard) - expected)).toBeLessThan(4 * Math.sqrt(expected))
    }
  })
})

describe('the hash that shards keys', () => {
  it('gives each shard its part of the keys', () => {
    for (const shards of [1, 2, 3, 7, 100]) {
      const counts = new Array<number>(shards).fill(0)
      for (let key = 0; key < 100_000; key++) counts[shardOf(key, shards)] = (counts[shardOf(key, shards)] ?? 0) + 1
      const each = 100_000 / shards
      for (const count of counts) expect(Math.abs(count - each)).toBeLessThan(5 * Math.sqrt(each) + 0.02 * each)
    }
  })
})

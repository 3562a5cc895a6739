import { describe, expect, it } from 'vitest'
import { topologyPlacement } from '../../../src/catalog/placement.js'
import { solveTopology } from '../../../src/sim/analytic/network/solve.js'
import { run, topologyOf } from './support.js'

const shop = (writes: string, more = '', keys = 'keys: 100', write = 'key: item, invalidates: item'): string => `
name: writes
data: { item: { ${keys}, bytes: 1KiB } }
components:
  app:
    engine: service
    execution: { model: virtual-threads }
    pools: { main: { to: db, size: 20 } }
  cache: { engine: redis, demand: { cpu: { const: 0.1ms } } ${more} }
  db: { engine: postgres, demand: { cpu: { const: 0.01ms } } }
requests:
  read:
    share: 50%
    serve: app
    route: GET /items/{item}
    flow:
      - lookup: cache
        key: item
        ${writes}
        miss: [{ query: app.main, time: { wait: { const: 20ms } } }]
  change:
    share: 50%
    serve: app
    route: PUT /items/{item}
    flow: [{ write: app.main, ${write}, time: { wait: { const: 20ms } } }]
`

const plan = { rate: 200, seconds: 60, warmup: 5, invariants: ['no-lost-writes'] } as const
const visitsOf = (result: ReturnType<typeof run>, edge: string): number => result.edges[edge]?.count ?? 0
const ofLost = (result: ReturnType<typeof run>) => result.invariants.find(({ name }) => name === 'no-lost-writes')

describe('what a write does to the cache', () => {
  it('aside: the value is deleted, and the next reader misses', () => {
    const result = run(shop('writes: aside'), plan)
    // A read hits if the last operation on its key was a read: half of them.
    expect(result.components.cache?.hitRatio).toBeGreaterThan(0.47)
    expect(result.components.cache?.hitRatio).toBeLessThan(0.53)
  })

  it('through: the store and then the cache have it, and every reader hits', () => {
    const result = run(shop('writes: through'), plan)
    expect(result.components.cache?.hitRatio).toBeGreaterThan(0.999)
    expect(result.requests.change?.latency?.mean).toBeCloseTo(0.0201, 3)
    expect(visitsOf(result, 'app -> cache')).toBeGreaterThanOrEqual(11_000 * 0.98)
    expect(result.components.db?.throughputPerSecond).toBeGreaterThan(95)
    expect(ofLost(result)).toMatchObject({ verdict: 'pass' })
  })

  it('through: fails with its cache, which would go on to answer with what was before', () => {
    const target = { kind: 'component', component: 'cache' } as const
    const result = run(shop('writes: through'), { ...plan, faults: [{ kind: 'stop', atSeconds: 30, target }] })
    const { change, read } = result.requests
    expect(change?.errors['502']).toBeGreaterThan(2_700)
    expect(read?.ok).toBe(read?.completed)
  })

  it('back: acknowledged by the cache, and written once per key and flush', () => {
    const result = run(shop('writes: back, flushAfter: 2s'.replace(', ', '\n        ')), plan)
    expect(result.requests.change?.latency?.p99).toBeLessThan(0.001)
    expect(result.components.cache?.hitRatio).toBeGreaterThan(0.999)
    // 100 keys, one write of each per second: one flush in 2 s and the second until the next write.
    expect(result.components.db?.throughputPerSecond).toBeGreaterThan(100 / 3 - 1.5)
    expect(result.components.db?.throughputPerSecond).toBeLessThan(100 / 3 + 1.5)
    expect(ofLost(result)).toMatchObject({ verdict: 'pass', observed: 0 })
  })

  it('back: what the store does not have yet is lost with a cache that keeps nothing', () => {
    const target = { kind: 'component', component: 'cache' } as const
    const kill = { kind: 'kill', atSeconds: 30, restartAfterSeconds: 1, target } as const
    const writes = 'writes: back\n        flushAfter: 2s'
    const lost = run(shop(writes), { ...plan, faults: [kill] })
    // A key is dirty for two of three seconds, one second's writes a second: some 100 · (2/3)·(1 + 1) writes.
    const observed = ofLost(lost)?.observed ?? 0
    expect(ofLost(lost)?.verdict).toBe('fail')
    expect(Number(observed)).toBeGreaterThan(80)
    expect(Number(observed)).toBeLessThan(190)
    const kept = run(shop(writes, ', persistence: aof'), { ...plan, faults: [kill] })
    expect(ofLost(kept)).toMatchObject({ verdict: 'pass', observed: 0 })
    // While it is gone writes go to the store.
    expect(lost.requests.change?.ok).toBe(lost.requests.change?.completed)
  })

  it('back: a store that is gone is written when it is back', () => {
    const target = { kind: 'component', component: 'db' } as const
    const kill = { kind: 'kill', atSeconds: 10, restartAfterSeconds: 20, target } as const
    const result = run(shop('writes: back'), { ...plan, faults: [kill] })
    expect(result.requests.change?.ok).toBe(result.requests.change?.completed)
    expect(ofLost(result)).toMatchObject({ verdict: 'pass', observed: 0 })
    expect(result.components.db?.throughputPerSecond).toBeGreaterThan(30)
  })

  it('back: inside a transaction the store has it first', () => {
    const inside = shop('writes: back').replace(
      '{ write: app.main, key: item, invalidates: item, time: { wait: { const: 20ms } } }',
      '{ transaction: app.main, do: [{ write: app.main, key: item, time: { wait: { const: 20ms } } }] }',
    )
    const result = run(inside, plan)
    expect(result.requests.change?.latency?.mean).toBeGreaterThan(0.02)
    expect(result.components.cache?.hitRatio).toBeGreaterThan(0.999)
  })
})

describe('in the plan', () => {
  const demandOf = (writes: string) => {
    const topology = topologyOf(`${shop(writes)}traffic: { rate: 200/s }\n`)
    const { solved } = solveTopology(topology, topologyPlacement(topology), 'shared')
    const perRequest = (component: string) => solved.usage.visits.get(component) ?? 0
    return { cache: perRequest('cache'), db: perRequest('db') }
  }

  it('a write through visits both, a write back the cache twice and the store as often as it is flushed', () => {
    const through = demandOf('writes: through')
    const back = demandOf('writes: back\n        flushAfter: 2s')
    expect(back.db - (through.db - 0.5)).toBeCloseTo(0.5 / 3, 6)
    expect(back.cache - (through.cache - 0.5)).toBeCloseTo(0.5 + 0.5 / 3, 6)
  })
})

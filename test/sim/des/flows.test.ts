import { describe, expect, it } from 'vitest'
import { run } from './support.js'

const service = (
  flow: string,
  more: { readonly app?: string; readonly rest?: string; readonly request?: string } = {},
) => `
name: flows
data: { k: { keys: 20, popularity: uniform, bytes: 1KiB } }
components:
  app: { engine: service, execution: { model: virtual-threads }, resources: { cpu: 64 }, ${more.app ?? ''} }
${more.rest ?? ''}
requests:
  get: { share: 100%, serve: app, route: 'GET /k/{k}', ${more.request ?? ''} flow: ${flow} }
`
const db = '  db: { engine: postgres, resources: { cpu: 64 }, demand: { cpu: 0s } }'
const cache = '  cache: { engine: redis, resources: { cpu: 64 }, demand: { cpu: 0s }'
const plan = { rate: 20, seconds: 100, arrivals: { kind: 'constant' } } as const

describe('steps', () => {
  it('compute and wait take their time one after the other', () => {
    const result = run(service('[{ compute: { const: 20ms } }, { wait: { const: 30ms } }]'), plan)
    expect(result.requests.all?.latency?.mean).toBeCloseTo(0.05, 4)
    expect(result.steps['get/0']?.cpuSeconds).toBeCloseTo(2000 * 0.02, 6)
    expect(result.components.app?.cpuSeconds).toBeCloseTo(40, 6)
  })

  it('parallel takes as long as its longest branch with join all, as its shortest with join any', () => {
    const branches = '[[{ wait: { const: 10ms } }], [{ wait: { const: 40ms } }]]'
    const all = run(service(`[{ parallel: ${branches}, join: all }]`), plan)
    const any = run(service(`[{ parallel: ${branches}, join: any }]`), plan)
    expect(all.requests.all?.latency?.mean).toBeCloseTo(0.04, 4)
    expect(any.requests.all?.latency?.mean).toBeCloseTo(0.01, 4)
    // What has lost is cancelled.
    expect(any.steps['get/0.parallel.1.0']?.errors).toBeGreaterThanOrEqual(1999)
  })

  it('choose follows its weights, repeat runs its list that many times', () => {
    const flow = `[{ choose: [{ weight: 25%, flow: [{ compute: { const: 1ms } }] }, { weight: 75%, flow: [] }] },
      { repeat: 3, do: [{ wait: { const: 1ms } }] }]`
    const { steps } = run(service(flow), { ...plan, seconds: 1000 })
    const chosen = Object.entries(steps).find(([, step]) => step.cpuSeconds > 0)?.[1].count ?? 0
    expect(chosen / 20_000).toBeCloseTo(0.25, 1)
    expect(Object.values(steps).some((step) => step.count === 60_000)).toBe(true)
  })

  it('a timeout ends its step, but the CPU that was asked for burns on', () => {
    const result = run(service('[{ compute: { const: 100ms }, timeout: 20ms }]'), plan)
    expect(result.requests.all?.errors).toEqual({ '504': 2000 })
    expect(result.components.app?.cpuSeconds).toBeGreaterThan(199)
  })

  it('retry counts the first attempt, waits its backoff, and stops at its budget', () => {
    // The last request is not over when the load ends, which is when steps cease to be counted.
    const failing = (retry: string) =>
      run(service(`[{ wait: { const: 100ms }, timeout: 1ms, retry: ${retry} }]`), plan).steps['get/0']?.count
    expect(failing('{ attempts: 3, backoff: 1ms }')).toBe(6000)
    // Half a retry is earned by each of 2000 first attempts.
    expect(failing('{ attempts: 3, backoff: 1ms, budget: 50% }')).toBe(3000)
  })

  it('a deadline covers all attempts together', () => {
    const flow = '[{ wait: { const: 100ms }, timeout: 10ms, deadline: 24ms, retry: { attempts: 9, backoff: 1us } }]'
    const result = run(service(flow), plan)
    expect(result.requests.all?.errors).toEqual({ '504': 2000 })
    expect(result.steps['get/0']?.count).toBe(6000)
  })

  it('an open breaker refuses at once and lets a probe through when it is half-open', () => {
    const flow =
      '[{ wait: { const: 100ms }, timeout: 10ms, breaker: { errors: 50%, window: 1s, open: 5s, probes: 1 } }]'
    const result = run(service(flow), plan)
    const attempts = result.steps['get/0']?.count ?? 0
    expect(attempts).toBeGreaterThan(20)
    expect(attempts).toBeLessThan(60)
    expect(result.requests.all?.errors['503']).toBe(2000 - attempts)
  })

  it('a fallback answers degraded instead of failing', () => {
    for (const fallback of ['empty', '[{ wait: { const: 1ms } }]']) {
      const result = run(service(`[{ wait: { const: 100ms }, timeout: 10ms, fallback: ${fallback} }]`), plan)
      expect(result.requests.all).toMatchObject({ ok: 2000, degraded: 2000, errors: {} })
    }
  })

  it('an external dependency takes its latency and errs as often as declared', () => {
    const rest = '  pay: { engine: external, latency: { const: 20ms }, errors: 10% }'
    const result = run(service('[{ call: pay }]', { rest }), { ...plan, seconds: 1000 })
    expect(result.requests.all?.latency?.mean).toBeCloseTo(0.02, 4)
    expect((result.requests.all?.errors['502'] ?? 0) / 20_000).toBeCloseTo(0.1, 1)
  })

  it('a call runs the operation on the other service, whose failure is the caller’s', () => {
    const rest = (flow: string) => `  stock: { engine: service, operations: { hold: { flow: ${flow} } } }`
    const ok = run(service('[{ call: stock.hold }]', { rest: rest('[{ compute: { const: 5ms } }]') }), plan)
    expect(ok.requests.all?.latency?.mean).toBeCloseTo(0.005, 4)
    expect(ok.components.stock?.throughputPerSecond).toBeCloseTo(20, 0)
    const bad = run(service('[{ call: stock.hold }]', { rest: rest('[{ wait: 1s, timeout: 1us }]') }), plan)
    expect(bad.requests.all?.errors).toEqual({ '502': 2000 })
  })
})

describe('pools and stores', () => {
  const pool = (size: number) => `pools: { main: { to: db, size: ${size}, acquireTimeout: 45ms } }`

  it('a query holds a connection for its CPU and its wait, and the time tells of both', () => {
    const flow = '[{ query: app.main, table: k, time: { cpu: { const: 5ms }, wait: { const: 15ms } } }]'
    const result = run(service(flow, { app: pool(4), rest: db }), plan)
    expect(result.requests.all?.latency?.mean).toBeCloseTo(0.02, 4)
    expect(result.components.app?.pools.main?.inUse).toBeCloseTo(20 * 0.02, 3)
    expect(result.components.db?.cpuSeconds).toBeCloseTo(10, 6)
    expect(result.steps['get/0']?.cpuSeconds).toBeCloseTo(10, 6)
  })

  it('who waits longer than acquireTimeout for a connection is answered 503', () => {
    const flow = '[{ query: app.main, table: k, time: { wait: { const: 100ms } } }]'
    const result = run(service(flow, { app: pool(1), rest: db }), plan)
    const { pools } = result.components.app ?? {}
    // Ten a second get through; the rest give up after 45 ms.
    expect(result.requests.all?.ok).toBe(1000)
    expect(result.requests.all?.errors).toEqual({ '503': 1000 })
    // The last one waits when the load ends.
    expect(pools?.main?.timeouts).toBe(999)
    expect(pools?.main?.inUse).toBeCloseTo(1, 2)
  })

  it('a transaction holds one connection for all of its statements', () => {
    const flow = `[{ transaction: app.main, do: [{ query: app.main, table: k, time: { wait: { const: 5ms } } },
      { wait: { const: 10ms } }, { write: app.main, table: k, time: { wait: { const: 5ms } } }] }]`
    const result = run(service(flow, { app: pool(1), rest: db }), plan)
    expect(result.requests.all).toMatchObject({ ok: 2000, errors: {} })
    expect(result.requests.all?.latency?.mean).toBeCloseTo(0.02, 4)
    // BEGIN and COMMIT are visits, too.
    expect(result.edges['app -> db']?.count).toBe(8000)
    expect(result.components.app?.pools.main?.inUse).toBeCloseTo(0.4, 2)
  })

  it('a timeout that strikes in line for a connection leaves the line', () => {
    const flow = '[{ query: app.main, table: k, time: { wait: { const: 100ms } }, timeout: 20ms, fallback: empty }]'
    const result = run(service(flow, { app: 'pools: { main: { to: db, size: 1 } }', rest: db }), plan)
    expect(result.requests.all?.degraded).toBe(2000)
    expect(result.components.app?.pools.main).toMatchObject({ waiting: 0, timeouts: 0 })
  })

  it('a store takes no more connections than it was declared to', () => {
    const rest = '  db: { engine: postgres, maxConnections: 5, demand: { cpu: 0s } }'
    const flow = '[{ query: app.main, table: k, time: { wait: { const: 200ms } } }]'
    const result = run(service(flow, { app: pool(50), rest }), { ...plan, rate: 40 })
    // Three of the five are kept for the administrator; five times two a second get through.
    expect(result.requests.all?.ok).toBeLessThanOrEqual(1001)
    expect(result.requests.all?.errors['502']).toBeGreaterThan(2900)
  })
})

describe('lookup', () => {
  it('a declared hit ratio is forced, and told apart in the outcomes', () => {
    const flow = '[{ lookup: cache, key: k, hitRatio: 80%, miss: [{ wait: { const: 10ms } }] }]'
    const result = run(service(flow, { rest: `${cache} }` }), { ...plan, seconds: 1000 })
    const { hit, miss } = result.requests.all?.outcomes ?? {}
    expect((hit?.count ?? 0) / 20_000).toBeCloseTo(0.8, 1)
    expect(hit?.latency?.max).toBeLessThan(0.001)
    expect(miss?.latency?.mean).toBeCloseTo(0.01, 4)
    // A GET each, a SET for each miss.
    expect(result.edges['app -> cache']?.count).toBe(20_000 + (miss?.count ?? 0))
    expect(result.components.cache?.hitRatio).toBeCloseTo((hit?.count ?? 0) / 20_000, 9)
  })

  it('without one, each key misses once and then hits until its ttl is over', () => {
    const flow = (ttl: string) => `[{ lookup: cache, key: k, ttl: ${ttl}, miss: [] }]`
    const lasting = run(service(flow('1h'), { rest: `${cache} }` }), plan)
    expect(lasting.requests.all?.outcomes.miss.count).toBe(20)
    // Asked λ = 1/s per key and ttl T = 5 s: λT of λT + 1 hit (oracle 16).
    const expiring = run(service(flow('5s'), { rest: `${cache} }` }), { rate: 20, seconds: 2000 })
    expect(expiring.components.cache?.hitRatio).toBeCloseTo(5 / 6, 2)
  })

  it('a cache too small for its keys evicts the least recently used; noeviction keeps the first', () => {
    const flow = '[{ lookup: cache, key: k, miss: [] }]'
    // Room for ten of twenty equally popular keys.
    const sized = (eviction: string) => `${cache}, memory: 11200B, eviction: ${eviction} }`
    for (const eviction of ['allkeys-lru', 'noeviction']) {
      const result = run(service(flow, { rest: sized(eviction) }), { rate: 20, seconds: 1000 })
      expect(result.components.cache?.hitRatio).toBeCloseTo(0.5, 1)
    }
  })

  it('a write that invalidates makes the next lookup of its key miss', () => {
    const flow = `[{ lookup: cache, key: k, miss: [] },
      { write: db, table: k, key: k, time: { wait: { const: 1ms } }, invalidates: k }]`
    const result = run(service(flow, { rest: `${cache} }\n${db}` }), plan)
    expect(result.components.cache?.hitRatio).toBe(0)
  })

  it('a cache that is down is a miss that stores nothing', () => {
    const flow = '[{ lookup: cache, key: k, miss: [{ wait: { const: 10ms } }] }]'
    const faults = [{ kind: 'kill', atSeconds: 0, target: { kind: 'component', component: 'cache' } }] as const
    const result = run(service(flow, { rest: `${cache} }` }), { ...plan, faults })
    expect(result.requests.all).toMatchObject({ ok: 2000, outcomes: { hit: { count: 0 }, miss: { count: 2000 } } })
    expect(result.edges['app -> cache']).toEqual({ count: 2000, errors: 2000 })
  })
})

describe('service', () => {
  it('beyond maxInFlight it answers 503', () => {
    const app = 'maxInFlight: 2,'
    const result = run(service('[{ wait: { const: 0.99s } }]', { app }), plan)
    expect(result.requests.all?.ok).toBe(200)
    expect(result.requests.all?.errors).toEqual({ '503': 1800 })
  })

  it('threads are held from start to end: who finds none waits', () => {
    const text = service('[{ wait: { const: 100ms } }]').replace('model: virtual-threads', 'model: threads, threads: 2')
    const result = run(text, { users: 4, seconds: 100 }, {})
    expect(result.requests.all?.ratePerSecond).toBeCloseTo(20, 0)
    expect(result.requests.all?.latency?.p50).toBeCloseTo(0.2, 2)
  })

  it('a client that gives up leaves the work behind, unless the service cancels it', () => {
    const cpu = (onAbort: string) =>
      run(
        service('[{ compute: { const: 200ms } }]', {
          app: `onAbort: ${onAbort},`,
          request: 'client: { timeout: 50ms },',
        }),
        plan,
      )
    const left = cpu('continue')
    expect(left.requests.all?.errors).toEqual({ timeout: 2000 })
    expect(left.requests.all?.unknown).toBe(2000)
    expect(left.components.app?.cpuSeconds).toBeGreaterThan(399)
    const cancelled = cpu('cancel')
    expect(cancelled.requests.all?.errors).toEqual({ timeout: 2000 })
    expect(cancelled.components.app?.cpuSeconds).toBeCloseTo(100, 0)
  })
})

describe('models that cannot be', () => {
  it('users who neither think nor wait stop the clock, and are told so', () => {
    expect(() => run(service('[]'), { users: 5, seconds: 1 })).toThrow('the simulation stands still at 0.000 s')
  })

  it('users who are turned away at once still take time', () => {
    const result = run(service('[{ wait: 1s }]', { app: 'maxInFlight: 1,' }), { users: 3, seconds: 2 })
    expect(result.requests.all?.errors['503']).toBeGreaterThan(1000)
  })
})

it('claims nothing of what only watches', () => {
  const { components } = run(
    service('[{ compute: 1ms }]', { rest: '  prometheus: { engine: prometheus }\n  grafana: { engine: grafana }' }),
    { ...plan, seconds: 5 },
  )
  expect(Object.keys(components)).toEqual(['app'])
})

/** Locks, counters and sagas in the event engine. */
import { describe, expect, it } from 'vitest'
import { run } from './support.js'

const constant = (ms: number): string => `{ const: ${ms}ms }`

interface Shop {
  readonly keys?: number
  readonly stock?: number
  readonly flow: string
  readonly store?: string
  readonly request?: string
  readonly more?: string
}

/** Services and stores that cost nothing but what the flow says. */
const shop = ({ keys = 1, stock = 1_000_000, flow, store = 'mysql', request = '', more = '' }: Shop): string => `
name: shop
hosts: { big: { count: 1, cpu: 1000 } }
data: { product: { keys: ${keys}, counters: { stock: ${stock} } } }
components:
  app:
    engine: service
    host: big
    execution: { model: virtual-threads }
    pools: { main: { to: db, size: 1000 } }
  cache: { engine: redis, host: big, demand: ${constant(0)} }
  db: { engine: ${store}, host: big, maxConnections: 2000, demand: ${constant(0)} }
${more}
requests:
  buy:
    share: 100%
    serve: app
    route: POST /buy
${request}
    flow:
${flow}
`

describe('a row lock', () => {
  const flow = `      - { reserve: product.stock, via: app.main, guard: row-lock, time: { wait: ${constant(10)} } }`

  it('makes a hot row a station of its own: M/D/1 with the time of the statement', () => {
    const result = run(shop({ flow }), { rate: 80, seconds: 2000, warmup: 50 })
    // ρ = 0.8, S = 10 ms: Wq = ρS/(2(1 − ρ)) = 20 ms.
    expect(result.requests.buy?.latency?.mean).toBeGreaterThan(0.03 * 0.95)
    expect(result.requests.buy?.latency?.mean).toBeLessThan(0.03 * 1.05)
    expect(result.requests.buy?.errors).toEqual({})
  })

  it('of many rows lets requests pass each other', () => {
    const result = run(shop({ flow, keys: 10_000 }), { rate: 80, seconds: 200 })
    expect(result.requests.buy?.latency?.mean).toBeCloseTo(0.01, 3)
  })

  it('lasts until the transaction commits', () => {
    const held = `      - transaction: app.main
        do:
          - { reserve: product.stock, via: app.main, guard: row-lock, time: { wait: ${constant(4)} } }
          - wait: ${constant(6)}`
    const result = run(shop({ flow: held }), { rate: 80, seconds: 2000, warmup: 50 })
    expect(result.requests.buy?.latency?.mean).toBeGreaterThan(0.03 * 0.95)
    expect(result.requests.buy?.latency?.mean).toBeLessThan(0.03 * 1.05)
  })

  it('is given back by who loses patience while waiting, and by who loses it while holding', () => {
    const impatient = `      - { reserve: product.stock, via: app.main, guard: row-lock, time: { wait: ${constant(10)} }, timeout: 25ms }`
    const { buy } = run(shop({ flow: impatient, stock: 100_000 }), { rate: 150, seconds: 100 }).requests
    // Some are cut off while they hold the row, and their time is wasted; but the row never stays locked.
    expect(buy?.errors['504']).toBeGreaterThan(3000)
    expect((buy?.ok ?? 0) / 100).toBeGreaterThan(45)
    expect(buy?.latency?.max).toBeLessThan(0.0251)
    expect(buy?.completed).toBe(buy?.offered)
  })
})

describe('a counter', () => {
  const sell = (guard: string, via = 'app.main'): string =>
    `      - { reserve: product.stock, via: ${via}, guard: ${guard}, time: { wait: ${constant(5)} } }`
  const retried = (attempts: number): string =>
    sell('version').replace(
      'guard: version',
      `guard: version, retry: { attempts: ${attempts}, backoff: 1ms, jitter: full }`,
    )
  const invariants = (result: ReturnType<typeof run>) => result.invariants.find(({ name }) => name === 'no-oversell')

  it('under a guard sells exactly its stock, and refuses the rest with 409', () => {
    for (const [guard, via] of [
      ['row-lock', 'app.main'],
      ['lua', 'cache'],
    ] as const) {
      const result = run(shop({ flow: sell(guard, via), stock: 300 }), {
        rate: 100,
        seconds: 20,
        invariants: ['no-oversell'],
      })
      const { buy } = result.requests
      expect(buy?.ok).toBe(300)
      expect(buy?.errors).toEqual({ '409': (buy?.offered ?? 0) - 300 })
      expect(invariants(result)).toMatchObject({ verdict: 'pass', observed: 0, bound: 0 })
      const store = via === 'cache' ? 'cache' : 'db'
      expect(result.components[store]?.counters?.['product.stock']).toMatchObject({
        reserved: 300,
        released: 0,
        soldOut: (buy?.offered ?? 0) - 300,
        oversold: 0,
      })
    }
  })

  it('under a version fails those who were overtaken; a retry gets them through', () => {
    const once = run(shop({ flow: sell('version'), stock: 100_000 }), { rate: 100, seconds: 20 }).requests.buy
    // Of two that overlap within 5 ms one fails: at least 1 − e^(−0.5) = 39 % of them meet another.
    expect(once?.errors['503']).toBeGreaterThan(500)
    const again = run(
      shop({
        flow: retried(50),
        stock: 100_000,
      }),
      { rate: 50, seconds: 20 },
    ).requests.buy
    expect(again?.errors).toEqual({})
  })

  it('under a version never oversells, and sells out', () => {
    const flow = retried(100)
    const result = run(shop({ flow, stock: 300 }), { rate: 50, seconds: 20, invariants: ['no-oversell'] })
    expect(result.requests.buy?.ok).toBe(300)
    expect(invariants(result)).toMatchObject({ verdict: 'pass', observed: 0 })
  })

  it('under no guard is oversold, which the invariant tells', () => {
    const result = run(shop({ flow: sell('none'), stock: 300 }), {
      rate: 200,
      seconds: 20,
      invariants: ['no-oversell'],
    })
    const judgement = invariants(result)
    expect(judgement?.verdict).toBe('fail')
    expect(judgement?.observed).toBe((result.requests.buy?.ok ?? 0) - 300)
    expect(judgement?.observed).toBeGreaterThan(100)
    expect(judgement?.why).toContain('product.stock')
  })

  it('gets back what a transaction reserved that was not committed', () => {
    const flow = `      - transaction: app.main
        do:
          - { reserve: product.stock, via: app.main, guard: row-lock }
          - { call: broken }`
    const more = `  broken: { engine: external, latency: ${constant(1)}, errors: 50% }`
    const result = run(shop({ flow, more, stock: 300 }), { rate: 100, seconds: 20, invariants: ['no-oversell'] })
    const { buy } = result.requests
    expect(buy?.ok).toBe(300)
    expect(invariants(result)?.verdict).toBe('pass')
  })

  it('reserved twice in transactions in opposite orders: the deadlock is found, nobody hangs', () => {
    const flow = `      - choose:
          - { weight: 50%, flow: [{ transaction: app.main, do: [${reserve('a')}, { wait: 5ms }, ${reserve('b')}] }] }
          - { weight: 50%, flow: [{ transaction: app.main, do: [${reserve('b')}, { wait: 5ms }, ${reserve('a')}] }] }`
    const topology = shop({ flow }).replace(
      /data:.*\n/,
      'data: { a: { keys: 1, counters: { n: 1000000 } }, b: { keys: 1, counters: { n: 1000000 } } }\n',
    )
    const { buy } = run(topology, { rate: 50, seconds: 60 }).requests
    expect(buy?.errors['503']).toBeGreaterThan(50)
    expect(buy?.completed).toBe(buy?.offered)
    expect(buy?.latency?.max).toBeLessThan(2)
  })
})

const reserve = (data: string): string => `{ reserve: ${data}.n, via: app.main, guard: row-lock }`

describe('a lock in a cache', () => {
  it('serves one holder of a key at a time, in order: M/D/1', () => {
    const flow = `      - { lock: cache, key: product, ttl: 60s, do: [{ wait: ${constant(10)} }] }`
    const result = run(shop({ flow }), { rate: 80, seconds: 2000, warmup: 50, invariants: ['mutual-exclusion'] })
    expect(result.requests.buy?.latency?.mean).toBeGreaterThan(0.03 * 0.95)
    expect(result.requests.buy?.latency?.mean).toBeLessThan(0.03 * 1.05)
    expect(result.invariants).toMatchObject([{ name: 'mutual-exclusion', verdict: 'pass', observed: 0 }])
    const lock = result.components.cache?.locks?.product
    expect(lock?.wait.mean).toBeGreaterThan(0.02 * 0.93)
    expect(lock?.wait.mean).toBeLessThan(0.02 * 1.07)
    expect(lock?.held.mean).toBeCloseTo(0.01, 9)
    // Who arrives while it is held waits: ρ of them.
    expect((lock?.waited ?? 0) / (lock?.acquired ?? 1)).toBeCloseTo(0.8, 1)
    expect(lock).toMatchObject({ gaveUp: 0, expired: 0, overlaps: 0 })
  })

  it('is waited for no longer than `wait`, then the step fails and the request is answered 503', () => {
    const flow = `      - { lock: cache, key: product, ttl: 60s, wait: 15ms, do: [{ wait: ${constant(10)} }] }`
    const { buy } = run(shop({ flow }), { rate: 200, seconds: 50 }).requests
    expect(buy?.latency?.max).toBeLessThan(0.0252)
    expect((buy?.ok ?? 0) / 50).toBeGreaterThan(95)
    expect((buy?.ok ?? 0) / 50).toBeLessThanOrEqual(100.1)
    expect(buy?.errors['503']).toBe((buy?.offered ?? 0) - (buy?.ok ?? 0))
  })

  it('with `wait: 0s` is had at once or not at all', () => {
    const flow = `      - { lock: cache, key: product, ttl: 60s, wait: 0s, do: [{ wait: ${constant(10)} }] }`
    const { buy } = run(shop({ flow }), { rate: 100, seconds: 200 }).requests
    // Erlang B with one server and a load of 1: one half is refused.
    expect((buy?.errors['503'] ?? 0) / (buy?.offered ?? 1)).toBeGreaterThan(0.49)
    expect((buy?.errors['503'] ?? 0) / (buy?.offered ?? 1)).toBeLessThan(0.51)
    expect(buy?.latency?.max).toBeLessThan(0.0101)
  })

  it('whose ttl is shorter than the work lets a second one in, which is told', () => {
    const flow = `      - { lock: cache, key: product, ttl: 5ms, do: [{ wait: ${constant(10)} }] }`
    const result = run(shop({ flow }), { rate: 50, seconds: 100, invariants: ['mutual-exclusion'] })
    const [judgement] = result.invariants
    expect(judgement?.verdict).toBe('fail')
    expect(judgement?.observed).toBeGreaterThan(1000)
    // Nobody waits longer than one ttl for each holder before him.
    expect(result.requests.buy?.errors).toEqual({})
  })

  it('with fencing refuses the late writes of those who were overtaken', () => {
    const flow = `      - lock: cache
        key: product
        ttl: 5ms
        fencing: true
        do: [{ wait: { uniform: [1ms, 15ms] } }, { write: app.main, table: orders }]`
    const result = run(shop({ flow }), { rate: 100, seconds: 100, invariants: ['mutual-exclusion'] })
    expect(result.invariants).toMatchObject([{ verdict: 'pass', observed: 0 }])
    expect(result.requests.buy?.errors['502'] ?? 0).toBe(0)
    expect(result.requests.buy?.errors['503']).toBeGreaterThan(500)
  })

  it('of a killed process is free again only when its ttl is over', () => {
    const flow = `      - { lock: cache, key: product, ttl: 3s, do: [{ wait: ${constant(10)} }] }`
    const { buy } = run(shop({ flow, request: '    client: { timeout: 10s }' }), {
      rate: 99,
      seconds: 20,
      faults: [
        {
          kind: 'kill',
          atSeconds: 5,
          target: { kind: 'component', component: 'app' },
          restartAfterSeconds: 0,
        },
      ],
    }).requests
    // The service is back after 0.7 s; whoever then asks waits for the dead one's lock.
    expect(buy?.latency?.max).toBeGreaterThan(2.2)
  })

  it('fails the step where the cache is gone, and those who wait with it', () => {
    const flow = `      - { lock: cache, key: product, ttl: 60s, do: [{ wait: ${constant(10)} }] }`
    const { buy } = run(shop({ flow }), {
      rate: 99,
      seconds: 10,
      faults: [{ kind: 'kill', atSeconds: 5, target: { kind: 'component', component: 'cache' } }],
    }).requests
    expect(buy?.errors['502']).toBeGreaterThan(450)
    expect(buy?.completed).toBe(buy?.offered)
  })
})

describe('a saga', () => {
  const saga = (style: string, more = ''): string => `      - saga:
          - { reserve: product.stock, via: app.main, undo: [{ wait: ${constant(20)} }, { release: product.stock, via: app.main }] }
          - { wait: ${constant(1)}, undo: [{ wait: ${constant(10)} }] }
          - { call: payment }
        style: ${style}${more}`
  const payment = (errors: string): string =>
    `  payment: { engine: external, latency: ${constant(1)}, errors: ${errors} }`

  it('that fails gives everything back: what failed requests had reserved is sold to others', () => {
    for (const style of ['orchestrated', 'choreographed']) {
      const result = run(shop({ flow: saga(style), more: payment('60%'), stock: 300 }), {
        rate: 100,
        seconds: 30,
        invariants: ['no-oversell', 'no-half-done-saga'],
      })
      expect(result.requests.buy?.ok).toBe(300)
      expect(result.invariants.map(({ verdict }) => verdict)).toEqual(['pass', 'pass'])
    }
  })

  it('undoes before it answers when orchestrated, last first; when choreographed after the answer', () => {
    const failed = (style: string) => run(shop({ flow: saga(style), more: payment('100%') }), { rate: 50, seconds: 10 })
    const orchestrated = failed('orchestrated').steps['buy/0']
    const choreographed = failed('choreographed').steps['buy/0']
    // 2 ms forward, and back 10 ms + 20 ms.
    expect(orchestrated?.latency?.mean).toBeCloseTo(0.032, 3)
    expect(choreographed?.latency?.mean).toBeCloseTo(0.002, 3)
    const order = failed('orchestrated').steps
    expect(order['buy/0.saga.0.undo.1']?.count).toBeGreaterThan(400)
  })

  it('undoes also what a deadline cut off', () => {
    const flow = `      - saga:
          - { reserve: product.stock, via: app.main, undo: [{ release: product.stock, via: app.main }] }
          - { wait: ${constant(50)} }
        deadline: 20ms`
    const result = run(shop({ flow, stock: 100 }), { rate: 100, seconds: 10, invariants: ['no-half-done-saga'] })
    // Never sold out: all of it comes back.
    expect(Object.keys(result.requests.buy?.errors ?? {})).toEqual(['504'])
    expect(result.invariants[0]?.verdict).toBe('pass')
  })

  it('that cannot undo tries three times, and is then told as half done', () => {
    const flow = `      - saga:
          - { reserve: product.stock, via: app.main, undo: [{ call: broken }] }
          - { call: payment }`
    const more = `${payment('100%')}\n  broken: { engine: external, latency: ${constant(1)}, errors: 100% }`
    const result = run(shop({ flow, more }), { rate: 10, seconds: 10, invariants: ['no-half-done-saga'] })
    const offered = result.requests.buy?.offered ?? 0
    expect(result.steps['buy/0.saga.0.undo.0']?.count).toBeGreaterThan(3 * offered - 20)
    expect(result.invariants[0]).toMatchObject({ verdict: 'fail', observed: offered, bound: 0 })
    // 1 ms forward, three times 1 ms back, 100 and 200 ms between.
    expect(result.steps['buy/0']?.latency?.mean).toBeCloseTo(0.304, 2)
  })

  it('of a killed process is never undone, which is told', () => {
    const flow = `      - saga:
          - { reserve: product.stock, via: app.main, undo: [{ release: product.stock, via: app.main }] }
          - { wait: ${constant(100)} }`
    const result = run(shop({ flow }), {
      rate: 100,
      seconds: 10,
      invariants: ['no-half-done-saga'],
      faults: [{ kind: 'kill', atSeconds: 5, target: { kind: 'component', component: 'app' }, restartAfterSeconds: 1 }],
    })
    expect(result.invariants[0]?.verdict).toBe('fail')
    expect(result.invariants[0]?.observed).toBeGreaterThan(4)
    expect(result.invariants[0]?.observed).toBeLessThan(20)
  })
})

describe('a retried write', () => {
  const flow = `      - { write: app.main, table: orders }
      - { wait: { uniform: [1ms, 30ms] } }`
  const request = (idempotent: boolean): string => `    idempotent: ${idempotent}
    client: { timeout: 20ms, retry: { attempts: 3 } }`

  it('takes effect once for each attempt, which no-double-effect tells', () => {
    const result = run(shop({ flow, request: request(false) }), {
      rate: 100,
      seconds: 20,
      invariants: ['no-double-effect'],
    })
    const { buy } = result.requests
    expect(result.invariants[0]?.verdict).toBe('fail')
    // Each attempt writes: what is more than one per request is double.
    expect(result.invariants[0]?.observed).toBe((buy?.attempts ?? 0) - (buy?.offered ?? 0))
  })

  it('takes effect once where the request may be repeated', () => {
    const result = run(shop({ flow, request: request(true) }), {
      rate: 100,
      seconds: 20,
      invariants: ['no-double-effect'],
    })
    expect(result.requests.buy?.attempts).toBeGreaterThan(result.requests.buy?.offered ?? 0)
    expect(result.invariants).toMatchObject([{ verdict: 'pass', observed: 0 }])
  })

  it('reserves once where the request may be repeated: no more is sold than there are requests', () => {
    const reserving = flow.replace('{ write: app.main, table: orders }', '{ reserve: product.stock, via: app.main }')
    const { buy } = run(shop({ flow: reserving, request: request(true), stock: 1000 }), {
      rate: 100,
      seconds: 8,
    }).requests
    expect(buy?.errors['409']).toBeUndefined()
    const twice = run(shop({ flow: reserving, request: request(false), stock: 1000 }), {
      rate: 100,
      seconds: 8,
    }).requests
    expect(twice.buy?.errors['409']).toBeGreaterThan(100)
  })
})

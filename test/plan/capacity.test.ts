import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { erlangC } from '../../src/sim/analytic/erlang.js'
import { topologyFile, topologyFrom } from '../support/topology.js'

/** A client straight in front of a service that computes: a station of the textbook. */
const station = (compute: string, rate: string, service = ''): string => `
components:
  app: { engine: service${service} }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ compute: ${compute} }] }
traffic: { rate: ${rate} }
`

const plan = (text: string, calibration?: string) => capacityPlan(topologyFrom(text, calibration))

describe('a service that computes is a station of the textbook', () => {
  it('M/M/1 at 8/s and 0.1 s: utilization 0.8, four in it, half a second there', () => {
    const { demand, components, requests, bottleneck, maxThroughputPerSecond, headroomRatio } = plan(
      station('100ms', '8/s'),
    )
    expect(components.app).toMatchObject({
      utilization: 0.8,
      concurrency: 4,
      residenceSeconds: 0.5,
      demandSeconds: 0.1,
    })
    expect(requests.r?.residenceSeconds).toBe(0.5)
    expect(demand.responseSeconds).toBe(0.5)
    expect({ bottleneck, maxThroughputPerSecond }).toEqual({ bottleneck: 'app', maxThroughputPerSecond: 10 })
    expect(headroomRatio).toBeCloseTo(0.2, 12)
  })

  it.each([
    ['three replicas', ', replicas: 3'],
    ['three processes of one replica', ', execution: { model: event-loop, processes: 3 }'],
    ['threads on three cores', ', execution: { model: threads, threads: 100 }, resources: { cpu: 3 }'],
  ])('M/M/3 at 2/s and 1 s, as %s', (_, service) => {
    const { components } = plan(station('1s', '2/s', service))
    expect(components.app?.residenceSeconds).toBeCloseTo(1.444444, 6)
    expect(components.app?.concurrency).toBeCloseTo(2.888889, 6)
    expect(components.app?.utilization).toBeCloseTo(2 / 3, 10)
  })

  it('M/D/1 waits half as long as M/M/1, and M/G/1 with cv 2 two and a half times', () => {
    expect(plan(station('{ const: 100ms }', '8/s')).components.app?.residenceSeconds).toBeCloseTo(0.3, 10)
    expect(plan(station('{ mean: 100ms, cv: 2 }', '8/s')).components.app?.residenceSeconds).toBeCloseTo(1.1, 10)
  })

  it('beyond its capacity it grows without bound, and the plan says by how much it is over', () => {
    const over = plan(station('100ms', '15/s'))
    expect(over.components.app).toMatchObject({ utilization: 1.5, concurrency: null, residenceSeconds: null })
    expect(over.headroomRatio).toBeCloseTo(-0.5, 10)
    expect(over.demand.responseSeconds).toBeNull()
  })

  it('a quota of half a core halves what it carries', () => {
    expect(plan(station('100ms', '1/s', ', resources: { cpu: 0.5 }')).maxThroughputPerSecond).toBeCloseTo(5, 9)
  })

  it('without traffic it still knows its limit, and claims no headroom', () => {
    const { maxThroughputPerSecond, headroomRatio, components } = plan(
      station('100ms', '1/s').replace('traffic: { rate: 1/s }', ''),
    )
    expect(maxThroughputPerSecond).toBe(10)
    expect(headroomRatio).toBeNull()
    expect(components.app).toMatchObject({ utilization: 0, concurrency: 0 })
  })
})

describe('closed traffic', () => {
  const closed = (users: number, think: string, compute: string) =>
    plan(station(compute, '1/s').replace('{ rate: 1/s }', `{ users: ${users}, thinkTime: ${think} }`))

  it('oracle 10 as a topology: 100 users who think 300 s', () => {
    const { demand, components } = closed(100, '300s', '630ms')
    expect(demand.throughputPerSecond).toBeCloseTo(0.332453, 6)
    expect(demand.responseSeconds).toBeCloseTo(0.79426, 5)
    expect(demand.method).toBe('mva')
    expect(components.app?.concurrency).toBeCloseTo(0.264054, 6)
  })

  it('users who never think keep the bottleneck busy all the time', () => {
    const { demand, components, headroomRatio } = closed(50, '0s', '10ms')
    expect(demand.throughputPerSecond).toBeCloseTo(100, 9)
    expect(demand.responseSeconds).toBeCloseTo(0.5, 9)
    expect(components.app?.concurrency).toBeCloseTo(50, 6)
    expect(headroomRatio).toBeCloseTo(0, 9)
  })
})

describe('optimization-api', () => {
  const { components, pools, hosts, demand, bottleneck, maxThroughputPerSecond } = capacityPlan(
    topologyFile('scenarios/optimization-api/topology.yaml'),
  )

  it('is limited by the two event loops of app: 0.9 × 0.3 ms + 0.1 × 2 ms of each request', () => {
    expect(bottleneck).toBe('app')
    expect(maxThroughputPerSecond).toBeCloseTo(2 / 0.00047, 6)
    expect(components.app?.utilization).toBeCloseTo((300 * 0.00047) / 2, 10)
  })

  it('visits the cache once per lookup and once more per miss, the database per miss and per write', () => {
    expect(components.cache?.arrivalRatePerSecond).toBeCloseTo(300 * 0.9 * 1.2, 6)
    expect(components.db?.arrivalRatePerSecond).toBeCloseTo(300 * (0.9 * 0.2 + 0.1), 6)
    expect(demand.steps['get-route/1']).toMatchObject({ hitRatio: 0.8, hitsPerSecond: 216, missesPerSecond: 54 })
  })

  it('tells the demand of each class on each component', () => {
    expect(demand.requests.optimize).toEqual({
      edge: { visits: 1, cpuSeconds: 0.00006, waitSeconds: 0 },
      app: { visits: 1, cpuSeconds: 0.002, waitSeconds: 0 },
      db: { visits: 1, cpuSeconds: 0.00055, waitSeconds: 0.001 },
    })
  })

  it('holds a connection for the query and its wait', () => {
    expect(pools['app.main']).toMatchObject({ to: 'db', servers: 20, arrivalRatePerSecond: 84 })
    // 0.18 × (0.6 + 2 + 0.15) ms + 0.1 × (0.4 + 1 + 0.15) ms.
    expect(pools['app.main']?.maxThroughputPerSecond).toBeCloseTo(20 / 0.00065, 3)
  })

  it('adds up what shares a host', () => {
    expect(hosts.state?.components).toEqual(['cache', 'db'])
    expect(hosts.state?.utilization).toBeCloseTo((300 * (0.000027 + 0.00019)) / 4, 10)
  })
})

describe('flash sale (oracle 22)', () => {
  const flash = capacityPlan(topologyFile('scenarios/flash-sale/topology.yaml'))

  it('counts per round of 6000: 3984 cache hits, 816 replica reads, 1200 writes', () => {
    const { steps } = flash.demand
    expect(steps['view-product/1']).toMatchObject({ executionsPerRound: 4800, hitsPerRound: 3984, missesPerRound: 816 })
    expect(steps['view-product/1.miss.0']?.executionsPerRound).toBe(816)
    expect(steps['purchase/0.saga.1']?.executionsPerRound).toBe(1200)
    expect(flash.requests['view-product']?.requestsPerRound).toBe(4800)
  })

  it('objects to 600 connections for 300', () => {
    const found = flash.findings.find(({ rule }) => rule === 'pool-oversubscription')
    expect(found).toMatchObject({ severity: 'error', subject: 'db' })
    expect(found?.arithmetic).toContain('2 × 300 = 600 > 300')
  })

  it('is limited by the lock of its most popular product, which a tenth of the purchases want', () => {
    expect(flash.bottleneck).toBe('cache.product')
    const weights = Array.from({ length: 10_000 }, (_, k) => (k + 1) ** -0.99)
    const hottest = 1 / weights.reduce((sum, weight) => sum + weight, 0)
    // 1 + 5 ms of the statement, 0.15 ms of MySQL, 0.025 ms for giving the lock back.
    expect(flash.maxThroughputPerSecond).toBeCloseTo(1 / (0.2 * hottest * 0.006175), 0)
    expect(flash.demand.method).toBe('bound')
  })

  it('lets the payment provider refuse more than 2000 calls per second, retries included', () => {
    const payment = flash.limits.find(({ id }) => id === 'payment')
    expect(payment?.maxThroughputPerSecond).toBeCloseTo(2000 / (0.2 * (1 + 0.005 + 0.005 ** 2)), 3)
  })
})

describe('task queue (oracle 23)', () => {
  const text = 'test/fixtures/topologies/task-queue.yaml'
  const queue = capacityPlan(topologyFile(text))

  it('carries 12 slots / 5.5 s = 2.18 tasks per second', () => {
    expect(queue.bottleneck).toBe('worker')
    expect(queue.maxThroughputPerSecond).toBeCloseTo(2.18, 2)
    expect(queue.bottleneckLimit).toContain('3 replicas × 4 slots')
    expect(queue.components.worker?.utilization).toBeCloseTo((2 * 5.5) / 12, 3)
  })

  it('has clients poll for as long as their task waits and runs', () => {
    const { 'submit.poll': poll, submit } = queue.requests
    const pollsPerTask = (poll?.arrivalRatePerSecond ?? 0) / 2
    expect(submit?.completionSeconds ?? 0).toBeGreaterThan(5.5)
    expect(pollsPerTask).toBeCloseTo((submit?.completionSeconds ?? 0) + 0.5, 1)
  })
})

describe('steps of every kind', () => {
  const count = (flow: string, extra = ''): Readonly<Record<string, number>> => {
    const { components } = plan(`
data:
  item: { keys: 100, bytes: 1KiB, counters: { stock: 10 } }
components:
  app: { engine: service, pools: { main: { to: db, size: 5 } } }
  db: { engine: postgres }
  cache: { engine: redis }
  bank: { engine: external, latency: 10ms, errors: 50% }
${extra}
requests:
  r: { share: 100%, serve: app, route: "GET /{item}", flow: ${flow} }
traffic: { rate: 1/s }
`)
    return Object.fromEntries(Object.entries(components).map(([id, { visitsPerRequest }]) => [id, visitsPerRequest]))
  }

  it.each([
    [
      'a transaction: BEGIN, COMMIT and what is inside',
      '[{ transaction: app.main, do: [{ query: app.main, time: 1ms }] }]',
      { db: 3 },
    ],
    [
      'a lock: taken and given back',
      '[{ lock: cache, key: item, ttl: 5s, do: [{ write: app.main, table: t, time: 1ms }] }]',
      { cache: 2, db: 1 },
    ],
    ['a reservation', '[{ reserve: item.stock, via: app.main, guard: row-lock, time: 1ms }]', { db: 1 }],
    [
      'a choice, by its weights',
      '[{ choose: [{ weight: 30%, flow: [{ query: app.main, time: 1ms }] }, { weight: 70%, flow: [] }] }]',
      { db: 0.3 },
    ],
    ['a repetition', '[{ repeat: 4, do: [{ query: app.main, time: 1ms }] }]', { db: 4 }],
    [
      'all branches of a fork',
      '[{ parallel: [[{ query: app.main, time: 1ms }], [{ query: app.main, time: 1ms }]], join: any }]',
      { db: 2 },
    ],
    [
      'a saga without its undo list',
      '[{ saga: [{ write: app.main, table: t, time: 1ms, undo: [{ write: app.main, table: t, time: 1ms }] }] }]',
      { db: 1 },
    ],
    [
      'a call that fails half of the time and is tried three times',
      '[{ call: bank, retry: { attempts: 3, backoff: 1ms } }]',
      { bank: 1.75 },
    ],
    [
      'a lookup without its fallback',
      '[{ lookup: cache, key: item, hitRatio: 75%, miss: [{ query: app.main, time: 1ms }], fallback: [{ query: app.main, time: 1ms }] }]',
      { cache: 1.25, db: 0.25 },
    ],
    [
      'a write that invalidates what a lookup keeps',
      '[{ lookup: cache, key: item, hitRatio: 100%, miss: [] }, { write: app.main, time: 1ms, key: item, invalidates: item }]',
      { cache: 2, db: 1 },
    ],
  ])('counts %s', (_, flow, expected) => {
    const visits = count(flow)
    for (const [id, visited] of Object.entries(expected)) expect(visits[id]).toBeCloseTo(visited, 10)
  })

  it('sends a message to one worker of a queue and to every consumer of a topic', () => {
    const consumer = (id: string, from: string) =>
      `  ${id}: { engine: service, consumes: ${from}, slots: 2, flow: [{ compute: 1ms }] }\n`
    const queue = count(
      '[{ publish: broker.q }]',
      `  broker: { engine: rabbitmq, queues: { q: {} } }\n${consumer('a', 'broker.q')}${consumer('b', 'broker.q')}`,
    )
    expect([queue.a, queue.b]).toEqual([0.5, 0.5])
    const topic = count(
      '[{ publish: log.t }]',
      `  log: { engine: kafka, topics: { t: {} } }\n${consumer('a', 'log.t')}${consumer('b', 'log.t')}`,
    )
    expect([topic.a, topic.b]).toEqual([1, 1])
  })

  it('goes through the balancer that a request enters, a twentieth of it to the canary', () => {
    const visits = count('[{ compute: 1ms }]', '').app
    expect(visits).toBe(1)
    const { components } = plan(`
components:
  edge: { engine: nginx, weights: { app: 95%, canary: 5% } }
  app: { engine: service }
  canary: { engine: service }
requests:
  r: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ compute: 1ms }] }
traffic: { rate: 100/s }
`)
    expect(components.app?.arrivalRatePerSecond).toBeCloseTo(95, 9)
    expect(components.canary?.arrivalRatePerSecond).toBeCloseTo(5, 9)
    expect(components.edge?.arrivalRatePerSecond).toBeCloseTo(100, 9)
  })
})

describe('what else can run out', () => {
  const pooled = (size: number, extra = '') => `
components:
  app: { engine: service, replicas: 2${extra}, pools: { main: { to: db, size: ${size} } } }
  db: { engine: postgres, demand: { cpu: { const: 0ms } }, maxConnections: 100 }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ query: app.main, table: t, time: { wait: 20ms } }] }
traffic: { rate: 500/s }
`
  it('oracle 6 as a topology: a pool of 14 at 500/s, held 20 ms', () => {
    const { pools, requests, bottleneck, maxThroughputPerSecond } = plan(pooled(7))
    expect(bottleneck).toBe('app.main')
    expect(maxThroughputPerSecond).toBeCloseTo(700, 9)
    expect(pools['app.main']?.waitProbability).toBeCloseTo(0.1741, 4)
    expect(pools['app.main']?.waitSeconds).toBeCloseTo(0.000871, 6)
    expect(requests.r?.residenceSeconds).toBeCloseTo(0.020871, 6)
  })

  it('an acquire timeout: who waits longer gives up, M/M/14+D; without one nobody does', () => {
    const timed = pooled(7).replace('size: 7', 'size: 7, acquireTimeout: 10ms')
    // Beyond τ the density of the wait falls with cμ = 700/s instead of cμ − λ = 200/s: of the tail C·e^(−200/s · 10 ms) only 2/7 is left.
    const tail = erlangC(14, 10) * Math.exp(-2)
    expect(plan(timed).pools['app.main']?.timeoutProbability).toBeCloseTo(((2 / 7) * tail) / (1 - (5 / 7) * tail), 9)
    expect(plan(pooled(7)).pools['app.main']).not.toHaveProperty('timeoutProbability')
  })

  it('requests in flight, when the service caps them below what they need', () => {
    const { bottleneck, bottleneckLimit } = plan(pooled(40, ', maxInFlight: 3'))
    expect(bottleneck).toBe('app')
    expect(bottleneckLimit).toContain('3 requests in flight')
  })

  it('the cores of a host that services share', () => {
    const { bottleneck, hosts, maxThroughputPerSecond } = plan(`
hosts:
  box: { count: 1, cpu: 1, memory: 1GiB }
components:
  app: { engine: service, host: box }
  other: { engine: service, host: box, operations: { hold: { flow: [{ compute: 30ms }] } } }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 20ms }, { call: other.hold }] }
traffic: { rate: 10/s }
`)
    expect(bottleneck).toBe('host:box')
    expect(maxThroughputPerSecond).toBeCloseTo(20, 9)
    expect(hosts.box?.utilization).toBeCloseTo(0.5, 9)
  })
})

describe('where demand and hit ratios come from', () => {
  const cached = (memory: string) => `
data: { item: { keys: 1000, popularity: zipf(0.9), bytes: 904B } }
components:
  app: { engine: service }
  cache: { engine: redis, memory: ${memory}, eviction: allkeys-lru }
requests:
  r: { share: 100%, serve: app, route: "GET /{item}", flow: [{ lookup: cache, key: item, miss: [{ compute: 1ms }] }] }
traffic: { rate: 100/s }
`
  it("computes a hit ratio that nobody declared by Che's approximation, and says so", () => {
    const small = plan(cached('100000B'))
    const large = plan(cached('1GiB'))
    expect(small.demand.steps['r/0']?.hitRatio).toBeGreaterThan(0.4)
    expect(small.demand.steps['r/0']?.hitRatio).toBeLessThan(0.7)
    expect(large.demand.steps['r/0']?.hitRatio).toBe(1)
    expect(small.assumptions.join()).toContain("Che's approximation")
  })

  it('follows a calibrated demand that falls with load to the throughput at which it saturates', () => {
    const calibrated = `
apiVersion: plimsoll/v1
kind: Calibration
origin: { runs: [a], measuredAt: "2026-01-01T00:00:00Z", topologyDigest: "00", machine: m }
components:
  app: { demand: { law: inverse, a: 1ms, b: 10% }, samples: 100 }
`
    // U = X·(0.001 + 0.1/X) = 0.001·X + 0.1 = 1 at X = 900.
    const { maxThroughputPerSecond, components } = plan(station('{ const: 0ms }', '100/s'), calibrated)
    expect(maxThroughputPerSecond).toBeCloseTo(900, 3)
    expect(components.app).toMatchObject({ origin: 'calibrated' })
    expect(components.app?.utilization).toBeCloseTo(0.2, 9)
  })
})

describe('a call to another region', () => {
  const apart = (network: string) =>
    plan(`
hosts: { eu: { count: 1, cpu: 4, region: eu, zone: a }, us: { count: 1, cpu: 4, region: us, zone: a }, b: { count: 1, cpu: 4, region: eu, zone: b } }
${network}
components:
  edge: { engine: nginx, host: b, upstream: app, demand: { const: 0ms } }
  app: { engine: service, host: eu, pools: { main: { to: db, size: 10 } } }
  db: { engine: postgres, host: us, demand: { const: 0ms } }
requests:
  r: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ query: app.main, table: t, time: { wait: { const: 10ms } } }] }
traffic: { rate: 1/s }
`)

  it('takes its round trip, as one to another zone does, and holds the connection that long', () => {
    const near = apart('')
    const far = apart('network: { crossZone: 2ms, crossRegion: 70ms }')
    expect(near.requests.r?.residenceSeconds).toBeCloseTo(0.01, 6)
    expect(far.requests.r?.residenceSeconds).toBeCloseTo(0.082, 6)
    const holds = (result: typeof far) => result.limits.find(({ kind }) => kind === 'pool')?.demandSeconds
    expect(holds(near)).toBeCloseTo(0.01, 6)
    expect(holds(far)).toBeCloseTo(0.08, 6)
  })
})

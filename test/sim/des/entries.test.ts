/** Name services, content delivery networks, and where clients are and who they are. */
import { describe, expect, it } from 'vitest'
import { topologyPlacement } from '../../../src/catalog/placement.js'
import { rawLimits } from '../../../src/sim/analytic/network/limits.js'
import { solveTopology } from '../../../src/sim/analytic/network/solve.js'
import { momentsOf } from '../../../src/sim/analytic/network/timing.js'
import { run, topologyOf } from './support.js'

const edges = (result: ReturnType<typeof run>, edge: string): number => result.edges[edge]?.count ?? 0

const planned = (text: string) => {
  const topology = topologyOf(text)
  const placement = topologyPlacement(topology)
  const { solved } = solveTopology(topology, placement, 'shared')
  const [first] = solved.classes
  return {
    visits: (component: string) => solved.usage.visits.get(component) ?? 0,
    mean: first === undefined ? 0 : momentsOf(first.tree, solved.point.timing).mean,
    limits: rawLimits({ topology, placement, usage: solved.usage }),
  }
}

const cached = (cdn: string) => `
name: cdn
data: { page: { keys: 1000, popularity: zipf(1) } }
components:
  names: { engine: dns, upstream: net }
  net: { engine: cdn, upstream: edge ${cdn} }
  edge: { engine: nginx, upstream: app }
  app: { engine: service }
requests:
  read:
    share: 80%
    enter: [names, net, edge]
    serve: app
    route: GET /pages/{page}
    bytes: { out: 1KiB }
    flow: [{ wait: 10ms }]
  change: { share: 20%, enter: [names, net, edge], serve: app, route: "PUT /pages/{page}", flow: [{ wait: 10ms }] }
traffic: { rate: 500/s }
`

describe('a content delivery network', () => {
  it('answers its declared share of reads itself, and nothing else', () => {
    const text = cached(', hitRatio: 90%')
    const result = run(text, { rate: 500, seconds: 60 })
    const reads = result.requests.read?.completed ?? 0
    const changes = result.requests.change?.completed ?? 0
    expect(edges(result, 'net -> edge')).toBeGreaterThan(changes + 0.1 * reads * 0.93)
    expect(edges(result, 'net -> edge')).toBeLessThan(changes + 0.1 * reads * 1.07)
    expect(edges(result, 'names -> net')).toBe(reads + changes)
    expect(result.components.net?.hitRatio).toBeCloseTo(0.9, 1)
    expect(result.requests.read?.latency?.mean).toBeLessThan(0.0013)
    expect(planned(text).visits('app')).toBeCloseTo(0.2 + 0.08, 9)
  })

  it('keeps the answers that fit into its memory: 100 of 1000 pages under Zipf 1, and again after their time to live', () => {
    const memory = cached(', cacheMemory: 100KiB')
    const result = run(memory, { rate: 500, seconds: 120, warmup: 20 })
    const hitRatio = 0.8 - (planned(memory).visits('app') - 0.2)
    expect(hitRatio / 0.8).toBeGreaterThan(0.5)
    expect(hitRatio / 0.8).toBeLessThan(0.6)
    expect(result.components.net?.hitRatio).toBeCloseTo(hitRatio / 0.8, 1)
    const ttl = cached(', ttl: 5s')
    const aging = run(ttl, { rate: 500, seconds: 120, warmup: 20 })
    expect(aging.components.net?.hitRatio).toBeCloseTo((0.8 - (planned(ttl).visits('app') - 0.2)) / 0.8, 1)
  })

  it('without any of it hands everything on', () => {
    const result = run(cached(''), { rate: 500, seconds: 10 })
    expect(edges(result, 'net -> edge')).toBe(result.requests.all?.completed)
    expect(result.components.net?.hitRatio ?? null).toBeNull()
  })
})

const regions = (policy: string, weights: string, traffic = '') => `
name: regions
network: { crossRegion: 80ms }
components:
  names: { engine: dns, policy: ${policy}, weights: ${weights} }
  eu: { engine: service, region: eu, replicas: 2 }
  us: { engine: service, region: us, replicas: 2 }
requests:
  get: { share: 100%, enter: names, serve: eu, route: GET /, flow: [{ wait: { const: 10ms } }] }
traffic: { rate: 200/s ${traffic} }
`

describe('a name service', () => {
  it('failover: the stand-by gets nothing until the first is gone, and no longer when it is back', () => {
    const text = regions('failover', '{ eu: 100%, us: 0% }')
    const calm = run(text, { rate: 200, seconds: 20 })
    expect(edges(calm, 'names -> us')).toBe(0)
    const target = { kind: 'component', component: 'eu' } as const
    const fault = { kind: 'kill', atSeconds: 20, restartAfterSeconds: 20, target } as const
    const result = run(text, { rate: 200, seconds: 80, faults: [fault] })
    const { all } = result.requests
    // Those in hand are gone; whoever finds both dead is sent on. An instance rests 10 s after a failure, and is tried again.
    expect((all?.completed ?? 0) - (all?.ok ?? 0)).toBeLessThan(10)
    expect(edges(result, 'names -> us')).toBeGreaterThan(4_000)
    expect(edges(result, 'names -> us')).toBeLessThan(6_500)
    expect(planned(text).visits('us')).toBe(0)
  })

  it('geo: everybody is sent to the region where he is, and elsewhere when it is lost', () => {
    const text = regions('geo', '{ eu: 50%, us: 50% }', ', origins: { eu: 70%, us: 30% }')
    const calm = run(text, { rate: 200, seconds: 60 })
    const share = edges(calm, 'names -> us') / (calm.requests.all?.completed ?? 1)
    expect(share).toBeGreaterThan(0.28)
    expect(share).toBeLessThan(0.32)
    expect(calm.requests.all?.latency?.max).toBeLessThan(0.0101)
    expect(planned(text).visits('us')).toBeCloseTo(0.3, 9)
    expect(planned(text).mean).toBeCloseTo(0.01, 9)
    const fault = { kind: 'kill', atSeconds: 10, target: { kind: 'component', component: 'eu' } } as const
    const lost = run(text, { rate: 200, seconds: 60, warmup: 20, faults: [fault] })
    expect(edges(lost, 'names -> us')).toBeGreaterThan(7_500)
    // 70 % of the clients are 80 ms away from what is left.
    expect(lost.requests.all?.latency?.mean).toBeGreaterThan(0.01 + 0.7 * 0.08 - 0.003)
    expect(lost.requests.all?.latency?.mean).toBeLessThan(0.01 + 0.7 * 0.08 + 0.008)
  })

  it('weighted: whoever is sent to the other region pays for the way', () => {
    const text = regions('weighted', '{ eu: 75%, us: 25% }', ', origins: { eu: 100% }')
    const result = run(text, { rate: 200, seconds: 60 })
    expect(result.requests.all?.latency?.mean).toBeGreaterThan(0.0285)
    expect(result.requests.all?.latency?.mean).toBeLessThan(0.0315)
    expect(planned(text).mean).toBeCloseTo(0.01 + 0.25 * 0.08, 9)
  })

  it('clients that enter a service of another region directly are as far away', () => {
    const text = regions('weighted', '{ eu: 100% }', ', origins: { us: 50%, eu: 50% }').replace('enter: names, ', '')
    const result = run(text, { rate: 200, seconds: 60 })
    expect(result.requests.all?.latency?.mean).toBeCloseTo(0.05, 2)
    expect(result.requests.all?.latency?.p99).toBeCloseTo(0.09, 2)
    expect(planned(text).mean).toBeCloseTo(0.05, 9)
  })
})

describe('limits per client', () => {
  const limited = (per: string, clients: string) => `
name: limits
components:
  edge: { engine: nginx, upstream: app, rateLimit: { per: ${per}, rate: 10/s, burst: 5 } }
  app: { engine: service }
requests: { get: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ wait: 1ms }] } }
traffic: { rate: 100/s ${clients} }
`
  const refused = (text: string) => {
    const { all } = run(text, { rate: 100, seconds: 200, warmup: 5 }).requests
    return (all?.errors['429'] ?? 0) / (all?.completed ?? 1)
  }

  it('each has one of its own: 100 clients of 1/s each never meet 10/s, one client of 100/s loses nine of ten', () => {
    expect(refused(limited('api-key', ', clients: { count: 100 }'))).toBeLessThan(0.001)
    expect(refused(limited('all', ', clients: { count: 100 }'))).toBeCloseTo(0.9, 1)
    expect(refused(limited('address', ''))).toBeCloseTo(0.9, 1)
  })

  it('the heaviest meet theirs first: under Zipf 1 over 20 keys the first three and no other', () => {
    const text = limited('api-key', ', clients: { count: 20, popularity: zipf(1) }')
    // Σ max(0, 100·q − 10) of q = 1/(k·H₂₀), H₂₀ = 3.5977: 17.8 + 3.9 of 100, and a little for bursts of those near the limit.
    expect(refused(text)).toBeGreaterThan(0.21)
    expect(refused(text)).toBeLessThan(0.25)
    const limit = planned(text).limits.find(({ kind }) => kind === 'rate-limit')
    expect(limit?.servers).toBeCloseTo(10 * 3.5977, 2)
  })
})

/** Ways between components in the event engine: distance, and the faults of edges, hosts and zones. */
import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../src/experiment/types.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { run } from './support.js'

interface Options {
  readonly network?: string
  readonly hosts?: string
  readonly edge?: string
  readonly app?: string
  readonly db?: string
  readonly flow?: string
  readonly client?: string
  readonly bytes?: string
}

/** nginx, services and a database that cost nothing: what takes time is the way. */
const topology = ({ network, hosts, edge, app, db, flow, client, bytes }: Options = {}): string => `
name: ways
hosts: ${hosts ?? '{ a: { count: 1, cpu: 100, zone: a, region: eu }, b: { count: 1, cpu: 100, zone: b, region: eu }, c: { count: 1, cpu: 100, zone: a, region: us } }'}
${network ?? ''}
data: { product: { keys: 10 } }
components:
  edge: { engine: nginx, host: a, upstream: app, demand: { const: 0ms }${edge ?? ''} }
  app: { engine: service, host: b, execution: { model: virtual-threads }, pools: { main: { to: db, size: 50 } }${app ?? ''} }
  db: { engine: postgres, host: c, demand: { const: 0ms }${db ?? ''} }
  payment: { engine: external, latency: { const: 10ms } }
requests:
  read:
    share: 100%
    enter: edge
    serve: app
    route: GET /read
    ${client ?? ''}
    ${bytes ?? ''}
    flow: ${flow ?? '[{ query: app.main, table: product, key: product }]'}
`

const fault = (kind: Fault['kind'], target: Fault['target'], more: Partial<Fault> = {}) => ({
  kind,
  target,
  atSeconds: 10,
  forSeconds: 10,
  ...more,
})

const toDb = { kind: 'edge', from: 'app', to: 'db' } as const
const toApp = { kind: 'edge', from: 'edge', to: 'app' } as const

const latencies = (result: RunResult, from: number, to: number): readonly number[] =>
  result.series.filter(({ at }) => at > from && at <= to).map(({ requests }) => (requests.all?.inFlight ?? 0) / 1)

const errors = (result: RunResult, from: number, to: number): Record<string, number> => {
  const sum: Record<string, number> = {}
  for (const { at, requests } of result.series)
    if (at > from && at <= to)
      for (const [code, count] of Object.entries(requests.all?.errors ?? {})) sum[code] = (sum[code] ?? 0) + count
  return sum
}

describe('distance', () => {
  it('is a round trip for every call: between zones, between regions, none within a zone', () => {
    const far = run(topology({ network: 'network: { crossZone: 2ms, crossRegion: 70ms }' }), { rate: 50, seconds: 60 })
    // edge (zone a) → app (zone b): 2 ms; app (eu) → db (us): 70 ms.
    expect(far.requests.all?.latency?.mean).toBeCloseTo(0.072, 6)
    expect(far.steps['read/0']?.latency?.mean).toBeCloseTo(0.07, 4)
    expect(run(topology(), { rate: 50, seconds: 10 }).requests.all?.latency?.max).toBeLessThan(1e-5)
  })

  it('holds a connection for the whole round trip', () => {
    const result = run(topology({ network: 'network: { crossRegion: 70ms }' }), { rate: 100, seconds: 100 })
    expect(result.components.app?.pools.main?.inUse).toBeGreaterThan(7 * 0.95)
    expect(result.components.app?.pools.main?.inUse).toBeLessThan(7 * 1.05)
  })

  it('is not there where a run happens on other machines', () => {
    const placement = {
      hosts: { local: { cpu: 4 } },
      instances: Object.fromEntries(['edge/0', 'app/0', 'db/0'].map((id) => [id, { host: 'local' }])),
      origin: 'runtime' as const,
    }
    const result = run(
      topology({ network: 'network: { crossZone: 2ms, crossRegion: 70ms }' }),
      { rate: 50, seconds: 10 },
      { placement },
    )
    expect(result.requests.all?.latency?.max).toBeLessThan(0.01)
  })
})

describe('a slow edge', () => {
  it('adds its latency to each call, from the injection until it is undone', () => {
    const result = run(topology(), {
      rate: 100,
      seconds: 30,
      faults: [fault('latency', toDb, { parameters: { add: 0.05 } })],
    })
    expect(result.steps['read/0']?.latency?.max).toBeCloseTo(0.05, 3)
    const slow = result.requests.all?.latency
    expect(slow?.p50).toBeLessThan(1e-3)
    expect((slow?.mean ?? 0) / 0.05).toBeGreaterThan(0.3)
    expect((slow?.mean ?? 0) / 0.05).toBeLessThan(0.37)
    expect(result.faults[0]).toMatchObject({ kind: 'latency', target: 'app -> db', injectedAt: 10, undoneAt: 20 })
    expect(latencies(result, 20, 30).every((count) => count <= 1)).toBe(true)
  })

  it('with jitter spreads them: uniformly about `add`, or up to it', () => {
    const spread = (kind: 'latency' | 'jitter', parameters: Record<string, number>) =>
      run(topology(), {
        rate: 200,
        seconds: 60,
        faults: [fault(kind, toDb, { atSeconds: 0, forSeconds: 60, parameters })],
      }).steps['read/0']?.latency
    const about = spread('latency', { add: 0.05, jitter: 0.02 })
    expect(about?.mean).toBeCloseTo(0.05, 3)
    expect(about?.max).toBeLessThan(0.0702)
    expect(about?.p99).toBeGreaterThan(0.069)
    const upTo = spread('jitter', { add: 0.04 })
    expect(upTo?.mean).toBeCloseTo(0.02, 3)
    expect(upTo?.max).toBeLessThan(0.0402)
  })

  it('that loses a share of its packets retransmits after 0.2, 0.6, 1.4 s', () => {
    const result = run(topology(), {
      rate: 200,
      seconds: 100,
      faults: [fault('loss', toDb, { atSeconds: 0, forSeconds: 100, parameters: { share: 0.1 } })],
    })
    const latency = result.steps['read/0']?.latency
    // p90 is at the boundary; 99 % are through after two sendings.
    expect(latency?.p50).toBeLessThan(1e-3)
    expect(latency?.p95).toBeCloseTo(0.2, 2)
    expect(latency?.mean).toBeCloseTo((0.2 * 0.1) / 0.8, 2)
    expect(result.requests.all?.errors).toEqual({})
  })

  it('with little bandwidth sends one answer after the other', () => {
    // Answers of 10 KiB at 100 KiB/s: 100 ms each, 5 a second: M/D/1 with ρ = 0.5, 150 ms.
    const result = run(topology({ flow: '[]', bytes: 'bytes: { in: 0B, out: 10KiB }' }), {
      rate: 5,
      seconds: 4000,
      faults: [fault('bandwidth', toApp, { atSeconds: 0, forSeconds: 4000, parameters: { perSecond: 102_400 } })],
    })
    expect(result.requests.all?.latency?.mean).toBeGreaterThan(0.15 * 0.95)
    expect(result.requests.all?.latency?.mean).toBeLessThan(0.15 * 1.05)
  })

  it('that resets connections fails the calls in hand and a share of the new ones', () => {
    const flow = '[{ query: app.main, table: product, time: { wait: { const: 500ms } } }]'
    const all = run(topology({ flow }), { rate: 20, seconds: 30, faults: [fault('reset', toDb)] })
    expect(errors(all, 0, 9)).toEqual({})
    // About ten in hand, and two hundred new ones.
    expect(errors(all, 9, 20)['502']).toBeGreaterThan(170)
    expect(errors(all, 20.1, 30)).toEqual({})
    const some = run(topology(), {
      rate: 100,
      seconds: 30,
      faults: [fault('reset', toDb, { parameters: { share: 0.3 } })],
    })
    expect((errors(some, 10, 20)['502'] ?? 0) / 1000).toBeGreaterThan(0.25)
    expect((errors(some, 10, 20)['502'] ?? 0) / 1000).toBeLessThan(0.35)
  })

  it('strikes a dependency that is not ours just as well', () => {
    const flow = '[{ call: payment }]'
    const payment = { kind: 'edge', from: 'app', to: 'payment' } as const
    const result = run(topology({ flow }), {
      rate: 50,
      seconds: 30,
      faults: [fault('latency', payment, { parameters: { add: 0.2 } })],
    })
    expect(result.steps['read/0']?.latency?.p50).toBeCloseTo(0.01, 4)
    expect(result.steps['read/0']?.latency?.max).toBeCloseTo(0.21, 3)
    expect(result.edges['app -> payment']?.count).toBe(result.requests.all?.offered)
  })
})

describe('a dependency that errs', () => {
  it('answers the share with errors: of a component to everyone, of an edge to one', () => {
    for (const target of [
      { kind: 'component', component: 'payment' } as const,
      { kind: 'edge', from: 'app', to: 'payment' } as const,
    ]) {
      const result = run(topology({ flow: '[{ call: payment }]' }), {
        rate: 100,
        seconds: 30,
        faults: [fault('dependency-error', target, { parameters: { share: 0.4 } })],
      })
      expect((errors(result, 10, 20)['502'] ?? 0) / 1000).toBeGreaterThan(0.35)
      expect((errors(result, 10, 20)['502'] ?? 0) / 1000).toBeLessThan(0.45)
      expect(errors(result, 20.1, 30)).toEqual({})
      // As its own errors do, they come after its usual time.
      expect(result.steps['read/0']?.latency?.mean).toBeCloseTo(0.01, 4)
    }
  })

  it('and is a service passes its errors on as 503', () => {
    const result = run(topology({ flow: '[]' }), {
      rate: 100,
      seconds: 30,
      faults: [fault('dependency-error', { kind: 'component', component: 'app' }, { parameters: { share: 1 } })],
    })
    expect(errors(result, 10, 20)).toEqual({ '503': errors(result, 10, 20)['503'] })
    expect(errors(result, 10, 20)['503']).toBeGreaterThan(900)
  })
})

describe('a partition', () => {
  it('of an edge lets calls hang until their own timeout, and retransmits what still waits when it heals', () => {
    const patient = run(topology(), { rate: 20, seconds: 60, faults: [fault('partition', toDb)] })
    // Nobody gives up: whoever called at 10 s is retransmitted at 0.2, 0.6, …, 6.2, 12.6 s.
    expect(patient.requests.all?.errors).toEqual({})
    expect(patient.requests.all?.latency?.max).toBeGreaterThan(10)
    expect(patient.requests.all?.latency?.max).toBeLessThan(13)
    const impatient = run(topology({ flow: '[{ query: app.main, table: product, timeout: 500ms }]' }), {
      rate: 20,
      seconds: 40,
      faults: [fault('partition', toDb)],
    })
    expect(errors(impatient, 10, 21)['504']).toBeGreaterThan(150)
    expect(errors(impatient, 22, 40)).toEqual({})
  })

  it('holds back the answers to calls in hand as well', () => {
    const flow = '[{ query: app.main, table: product, time: { wait: { const: 2s } } }]'
    const result = run(topology({ flow }), { rate: 10, seconds: 40, faults: [fault('partition', toDb)] })
    // What was asked before 10 s is answered after 20 s.
    const done = result.series
      .filter(({ at }) => at > 10 && at <= 20)
      .reduce((sum, { requests }) => sum + (requests.all?.ok ?? 0), 0)
    expect(done).toBe(0)
    expect(result.requests.all?.errors).toEqual({})
  })

  it('is noticed by a balancer, which routes around it; it connects no longer than connectTimeout', () => {
    const hosts = '{ a: { count: 1, cpu: 100 }, b: { count: 2, cpu: 100 }, c: { count: 1, cpu: 100 } }'
    const result = run(
      topology({
        hosts,
        flow: '[]',
        app: ', replicas: 2',
        edge: ', connectTimeout: 1s, health: { maxFails: 1, failTimeout: 30s }',
      }),
      { rate: 50, seconds: 40, faults: [fault('partition', { kind: 'host', host: 'b/0' }, { forSeconds: 20 })] },
    )
    expect(result.requests.all?.errors).toEqual({})
    expect(result.requests.all?.latency?.max).toBeCloseTo(1, 1)
    expect(result.faults[0]?.detectedAt).toBeCloseTo(11, 0)
    expect(result.events).toContainEqual(expect.objectContaining({ type: 'detected', instance: 'app/0', by: 'edge' }))
    // Of 1000 requests in those 20 s only the first few were sent there.
    const slow = result.series.filter(({ at }) => at > 13 && at <= 30).map(({ requests }) => requests.all?.inFlight)
    expect(slow.every((count) => count === 0)).toBe(true)
  })

  it('fails the health checks of a balancer, which then sends nothing there', () => {
    const hosts = '{ a: { count: 1, cpu: 100 }, b: { count: 2, cpu: 100 }, c: { count: 1, cpu: 100 } }'
    const result = run(
      topology({
        hosts,
        flow: '[]',
        app: ', replicas: 2',
        edge: ', connectTimeout: 5s, health: { maxFails: 0, interval: 1s, timeout: 500ms, fall: 2, rise: 1 }',
      }).replace('engine: nginx', 'engine: haproxy'),
      { rate: 50, seconds: 40, faults: [fault('partition', { kind: 'host', host: 'b/0' }, { forSeconds: 20 })] },
    )
    expect(result.faults[0]?.detectedAt).toBeGreaterThan(11)
    expect(result.faults[0]?.detectedAt).toBeLessThan(13)
    const inFlight = result.series.filter(({ at }) => at > 19 && at <= 30).map(({ requests }) => requests.all?.inFlight)
    expect(inFlight.every((count) => count === 0)).toBe(true)
  })

  it('of a host cuts off the clients of what runs there', () => {
    const result = run(topology({ flow: '[]', client: 'client: { timeout: 1s }' }), {
      rate: 50,
      seconds: 40,
      faults: [fault('partition', { kind: 'host', host: 'a' })],
    })
    expect(Object.keys(errors(result, 11, 20))).toEqual(['timeout'])
    expect(errors(result, 11, 20).timeout).toBeGreaterThan(400)
    expect(errors(result, 22, 40)).toEqual({})
  })

  it('of a zone makes the store promote a copy outside of it', () => {
    const hosts =
      '{ a: { count: 1, cpu: 100, zone: a }, b: { count: 1, cpu: 100, zone: a }, c: { count: 2, cpu: 100, zone: c } }'
    const result = run(
      topology({
        hosts,
        db: ', readReplicas: 1, failover: { detect: 2s, promote: 3s }',
        flow: '[{ write: app.main, table: product, timeout: 1s }]',
      }),
      { rate: 50, seconds: 60, faults: [fault('partition', { kind: 'host', host: 'c/0' }, { forSeconds: 30 })] },
    )
    expect(errors(result, 16.5, 60)).toEqual({})
    expect(result.events).toContainEqual(expect.objectContaining({ type: 'note', at: 15 }))
  })
})

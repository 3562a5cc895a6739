import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../src/result/run-result.js'
import { run } from './support.js'

const topology = (p: {
  replicas: number
  cores: number
  compute: number
  query: number
  pool: number
  timeout: number
  attempts: number
  threads: boolean
}): string => `
name: any
hosts: { h: { count: 1, cpu: ${p.cores} } }
data: { k: { keys: 50, popularity: zipf(1), bytes: 1KiB } }
components:
  edge: { engine: nginx, host: h, upstream: app }
  app:
    engine: service
    host: h
    replicas: ${p.replicas}
    execution: ${p.threads ? '{ model: threads, threads: 3 }' : '{ model: event-loop, processes: 1 }'}
    maxInFlight: 40
    pools: { main: { to: db, size: ${p.pool}, acquireTimeout: 100ms } }
  cache: { engine: redis, host: h }
  db: { engine: postgres, host: h }
requests:
  read:
    share: 70%
    enter: edge
    serve: app
    route: GET /k/{k}
    client: { timeout: ${p.timeout}ms, retry: { attempts: ${p.attempts}, backoff: 5ms } }
    flow:
      - compute: ${p.compute}ms
      - lookup: cache
        key: k
        ttl: 1s
        miss: [{ query: app.main, time: { cpu: 1ms, wait: ${p.query}ms }, timeout: 50ms, retry: { attempts: 2, backoff: 1ms } }]
        fallback: stale
  write:
    share: 30%
    enter: edge
    serve: app
    route: POST /k/{k}
    client: { timeout: ${p.timeout}ms }
    flow:
      - parallel: [[{ compute: 1ms }], [{ wait: 5ms }, { compute: 1ms }]]
      - transaction: app.main
        do: [{ write: app.main, table: k, key: k, time: { cpu: 1ms }, invalidates: k }]
`

const arbitrary = fc.record({
  replicas: fc.integer({ min: 1, max: 3 }),
  cores: fc.integer({ min: 1, max: 4 }),
  compute: fc.integer({ min: 1, max: 8 }),
  query: fc.integer({ min: 1, max: 40 }),
  pool: fc.integer({ min: 1, max: 5 }),
  timeout: fc.integer({ min: 20, max: 500 }),
  attempts: fc.integer({ min: 1, max: 3 }),
  threads: fc.boolean(),
})

const load = fc.record({
  rate: fc.integer({ min: 20, max: 600 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  fault: fc.constantFrom('kill', 'stop', 'pause', 'restart', undefined),
  victim: fc.constantFrom('edge', 'app', 'cache', 'db'),
})

const any = (
  p: Parameters<typeof topology>[0],
  l: { rate: number; seed: number; fault: string | undefined; victim: string },
): RunResult =>
  run(
    topology(p),
    {
      rate: l.rate,
      seconds: 6,
      faults:
        l.fault === undefined
          ? []
          : [
              {
                kind: l.fault as 'kill',
                atSeconds: 2,
                target: { kind: 'component', component: l.victim },
                ...(l.fault === 'pause' ? { forSeconds: 1 } : { restartAfterSeconds: 1 }),
              },
            ],
    },
    { seed: l.seed },
  )

describe('whatever the topology, the load and the fault', () => {
  it('every request offered ends exactly once', () => {
    fc.assert(
      fc.property(arbitrary, load, (p, l) => {
        const result = any(p, l)
        for (const counts of Object.values(result.requests)) {
          const failed = Object.values(counts.errors).reduce((a, b) => a + b, 0)
          expect(counts.completed).toBe(counts.ok + failed)
          expect(counts.offered).toBe(counts.completed)
          expect(counts.degraded).toBeLessThanOrEqual(counts.ok)
          expect(counts.unknown).toBeLessThanOrEqual(failed)
          expect(counts.attempts).toBeGreaterThanOrEqual(counts.offered)
        }
        for (const second of result.series) expect(second.requests.all?.inFlight).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it('no processor is busier than it can be, and the CPU of components adds up to that of their hosts', () => {
    fc.assert(
      fc.property(arbitrary, load, (p, l) => {
        const result = any(p, l)
        let used = 0
        for (const component of Object.values(result.components)) {
          expect(component.utilization.cpu).toBeLessThanOrEqual(1)
          expect(component.cpuSeconds).toBeGreaterThanOrEqual(0)
          used += component.cpuSeconds
        }
        expect(used).toBeLessThanOrEqual(6 * p.cores * (1 + 1e-9))
        expect(used / (6 * p.cores)).toBeCloseTo(result.hosts.h?.utilization.cpu ?? -1, 9)
        for (const { components, hosts } of result.series) {
          expect(hosts.h?.cpu).toBeLessThanOrEqual(1)
          for (const { cpu } of Object.values(components)) expect(cpu).toBeLessThanOrEqual(1)
        }
        const pool = result.components.app?.pools.main
        expect(pool?.inUse).toBeLessThanOrEqual(p.pool * p.replicas * (1 + 1e-9))
      }),
      { numRuns: 40, seed: 2 },
    )
  })

  it('Little’s law holds: requests in hand at the edge are its arrivals times their time there', () => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 20, max: 60 }), (p, rate) => {
        const gentle = { ...p, compute: 1, query: 5, timeout: 20_000, attempts: 1, pool: 5 }
        const result = run(topology(gentle), { rate, seconds: 400 })
        const { offered, latency } = result.requests.all ?? { offered: 0, latency: null }
        const inHand = (offered / 400) * (latency?.mean ?? 0)
        expect((result.components.edge?.queue.mean ?? 0) / inHand).toBeCloseTo(1, 2)
      }),
      { numRuns: 8, seed: 3 },
    )
  })

  it('the same seed gives the same bytes, another seed other ones', () => {
    fc.assert(
      fc.property(arbitrary, load, (p, l) => {
        const once = JSON.stringify(any(p, l))
        expect(JSON.stringify(any(p, l))).toBe(once)
        expect(JSON.stringify(any(p, { ...l, seed: l.seed + 1 }))).not.toBe(once)
      }),
      { numRuns: 8, seed: 4 },
    )
  })
})

describe('common random numbers', () => {
  it('a slower database does not change when requests come, nor what they ask for', () => {
    const base = { replicas: 2, cores: 4, compute: 1, query: 5, pool: 5, timeout: 500, attempts: 1, threads: false }
    const offered = (query: number) =>
      run(topology({ ...base, query }), { rate: 100, seconds: 5 }).series.map(({ requests }) => [
        requests.read?.offered,
        requests.write?.offered,
      ])
    expect(offered(50)).toEqual(offered(5))
  })
})

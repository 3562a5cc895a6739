/** Laws that hold for any network of stations, on topologies of random shape. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../src/result/run-result.js'
import { run } from './support.js'

/** Steps in YAML; each says by its id where its time is spent, `#` becomes a number. */
const timed = fc.constantFrom(
  '1ms',
  '{ const: 1ms }',
  '{ mean: 1ms, cv: 2 }',
  '{ uniform: [0.5ms, 2ms] }',
  '{ p50: 1ms, p99: 4ms }',
)
const query = fc.record({ cpu: timed, wait: timed, what: fc.constantFrom('query', 'write') })
const leaf = fc.oneof(
  timed.map((time) => `compute: ${time}`),
  timed.map((time) => `wait: ${time}`),
  query.map(({ cpu, wait, what }) => `${what}: app.main, table: t, time: { cpu: ${cpu}, wait: ${wait} }, id: db-#`),
  fc.constant('call: other.look, id: other-#'),
  fc.constant('call: partner, id: partner-#'),
)
const nested = fc.oneof(
  { weight: 3, arbitrary: leaf.map((step) => `{ ${step} }`) },
  {
    weight: 1,
    arbitrary: fc
      .array(leaf, { minLength: 2, maxLength: 3 })
      .map((all) => `{ parallel: [${all.map((step) => `[{ ${step} }]`).join(', ')}] }`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(leaf, leaf)
      .map(([a, b]) => `{ choose: [{ weight: 30%, flow: [{ ${a} }] }, { weight: 70%, flow: [{ ${b} }] }] }`),
  },
  { weight: 1, arbitrary: leaf.map((step) => `{ repeat: 2, do: [{ ${step} }] }`) },
  {
    weight: 1,
    arbitrary: leaf.map((step) => `{ lookup: cache, key: k, ttl: 10s, hitRatio: 70%, miss: [{ ${step} }] }`),
  },
)

const shape = fc.record({
  edge: fc.boolean(),
  replicas: fc.integer({ min: 1, max: 3 }),
  execution: fc.constantFrom(
    '{ model: event-loop, processes: 1 }',
    '{ model: virtual-threads }',
    '{ model: threads, threads: 50 }',
  ),
  cores: fc.integer({ min: 2, max: 4 }),
  pool: fc.integer({ min: 1, max: 4 }),
  flow: fc.array(nested, { minLength: 1, maxLength: 3 }),
  closed: fc.boolean(),
  seed: fc.integer({ min: 0, max: 1000 }),
})
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never

const topology = ({ edge, replicas, execution, cores, pool, flow }: Shape): string => {
  let steps = 0
  return `
name: random
hosts: { h: { count: 1, cpu: ${cores} } }
data: { k: { keys: 50, popularity: zipf(1), bytes: 1KiB } }
components:
${edge ? '  edge: { engine: nginx, host: h, upstream: app }\n' : ''}  app:
    engine: service
    host: h
    replicas: ${edge ? replicas : 1}
    execution: ${execution}
    pools: { main: { to: db, size: ${pool}, acquireTimeout: 60s } }
  other:
    engine: service
    host: h
    execution: { model: event-loop, processes: 1 }
    operations: { look: { flow: [{ compute: 0.5ms }, { wait: 1ms }] } }
  cache: { engine: redis, host: h }
  db: { engine: postgres, host: h }
  partner: { engine: external, latency: { p50: 2ms, p99: 8ms } }
requests:
  r:
    share: 100%
    ${edge ? 'enter: edge' : ''}
    serve: app
    route: GET /k/{k}
    flow: [${flow.join(', ')}]
traffic: { users: 1, thinkTime: 100ms }
`.replaceAll('#', () => String(steps++))
}

const seconds = 120

const play = (p: Shape): RunResult =>
  run(topology(p), { ...(p.closed ? { users: 5 } : { rate: 40 }), seconds, warmup: 10 }, { seed: p.seed })

const measured = seconds - 10

/** Σ count·latency of the steps there: time spent per second is the mean number there. */
const inSteps = (result: RunResult, where: string): number =>
  Object.entries(result.steps).reduce(
    (sum, [id, { latency, count }]) =>
      id.includes(`${where}-`) ? sum + ((latency?.mean ?? 0) * count) / measured : sum,
    0,
  )

/** Requests under way at either end of the measured time are in one side of Little's law only. */
const near = (left: number, right: number): void => {
  expect(Math.abs(left - right)).toBeLessThan(0.03 * Math.max(left, right) + 0.01)
}

describe('on any topology', () => {
  it('requests are conserved: what is offered completes, or is in flight when the run ends', () => {
    fc.assert(
      fc.property(shape, (p) => {
        const { requests, series } = play(p)
        const all = requests.all ?? { offered: -1, completed: -2, ok: 0, attempts: 0 }
        expect(all.offered).toBeGreaterThan(0)
        expect(all.completed).toBe(all.offered)
        let [offered, completed] = [0, 0]
        for (const second of series) {
          offered += second.requests.all?.offered ?? 0
          completed += second.requests.all?.completed ?? 0
          expect(second.requests.all?.inFlight).toBe(offered - completed)
        }
      }),
      { numRuns: 50, seed: 11 },
    )
  })

  it('Little’s law holds at every station whose visits are timed, and no station is busier than it can be', () => {
    fc.assert(
      fc.property(shape, (p) => {
        const result = play(p)
        const { app, db, edge, other, partner } = result.components
        const { offered, latency } = result.requests.all ?? { offered: 0, latency: null }
        // At the front: λ·R.
        near((p.edge ? edge : app)?.queue.mean ?? -1, (offered / measured) * (latency?.mean ?? 0))
        // At the database and in the line for its connections.
        near((db?.queue.mean ?? 0) + (app?.pools.main?.waiting ?? 0), inSteps(result, 'db'))
        expect(app?.pools.main?.inUse).toBeLessThanOrEqual(p.pool * (p.edge ? p.replicas : 1) * (1 + 1e-9))
        near(other?.queue.mean ?? 0, inSteps(result, 'other'))
        near(partner?.queue.mean ?? 0, inSteps(result, 'partner'))
        for (const { utilization } of [...Object.values(result.components), ...Object.values(result.hosts)])
          expect(utilization.cpu).toBeLessThanOrEqual(1)
      }),
      { numRuns: 50, seed: 12 },
    )
  })

  it('estimates carry half-widths that are numbers, and throughput is known to what its requests allow', () => {
    fc.assert(
      fc.property(shape, (p) => {
        const { requests, components, hosts, steps, statistics } = play(p)
        expect(statistics?.method).toBe('batch-means')
        const all = [
          ...Object.values(requests),
          ...Object.values(components),
          ...Object.values(hosts),
          ...Object.values(steps),
        ]
        for (const { halfWidth } of all)
          for (const width of Object.values(halfWidth ?? {})) {
            expect(Number.isFinite(width)).toBe(true)
            expect(width).toBeGreaterThanOrEqual(0)
          }
        const rate = requests.all?.halfWidth?.ratePerSecond ?? Number.NaN
        // Nothing is sent twice, so both latencies are one.
        expect(requests.all?.halfWidth?.['serviceLatency.mean']).toBe(requests.all?.halfWidth?.['latency.mean'])
        expect(requests.all?.serviceLatency).toEqual(requests.all?.latency)
        if (!p.closed) {
          // Poisson: 1.96·√(40/110) = 1.18; batches that seem to correlate widen it threefold at most.
          expect(rate).toBeGreaterThan(0.5)
          expect(rate).toBeLessThan(4)
        }
      }),
      { numRuns: 25, seed: 13 },
    )
  })
})

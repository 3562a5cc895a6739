/** Whatever breaks, in whatever order: what must hold of every simulation. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../src/experiment/types.js'
import { run, topologyOf } from './support.js'

const topology = topologyOf(`
name: everything
hosts:
  web: { count: 2, cpu: 2, memory: 2GiB, zone: a }
  data: { count: 2, cpu: 4, memory: 8GiB, zone: b }
network: { crossZone: 1ms }
data: { product: { keys: 20, popularity: zipf(1), bytes: 2KiB, counters: { stock: 40 } } }
components:
  edge: { engine: nginx, host: data, upstream: app, connectTimeout: 500ms, readTimeout: 2s, health: { maxFails: 2, failTimeout: 1s } }
  app:
    engine: service
    host: web
    replicas: 2
    execution: { model: virtual-threads }
    resources: { memory: { base: 256MiB, perRequest: 1MiB } }
    onAbort: cancel
    restart: { after: 500ms }
    startup: 200ms
    pools: { main: { to: db, size: 10, acquireTimeout: 1s }, copy: { to: db.replica, size: 10, acquireTimeout: 1s } }
  cache: { engine: redis, host: data, memory: 64MiB, persistence: aof, restart: { after: 300ms } }
  db: { engine: postgres, host: data, readReplicas: 1, memory: 1GiB, maxConnections: 60, failover: { detect: 500ms, promote: 500ms }, restart: { after: 3s } }
  payment: { engine: external, latency: { mean: 10ms, cv: 1 }, errors: 2% }
requests:
  view:
    share: 70%
    enter: edge
    serve: app
    route: GET /products/{product}
    client: { timeout: 3s, retry: { attempts: 2 } }
    bytes: { in: 1KiB, out: 8KiB }
    flow:
      - compute: 1ms
      - lookup: cache
        key: product
        ttl: 2s
        miss: [{ query: app.copy, table: product, time: { cpu: 1ms, wait: 2ms }, timeout: 500ms }]
        fallback: stale
  buy:
    share: 30%
    enter: edge
    serve: app
    route: POST /orders
    client: { timeout: 3s }
    flow:
      - saga:
          - lock: cache
            key: product
            ttl: 1s
            wait: 1s
            fencing: true
            do: [{ reserve: product.stock, via: app.main, guard: row-lock, time: { cpu: 1ms, wait: 2ms } }]
            undo: [{ release: product.stock, via: app.main }]
          - transaction: app.main
            do: [{ write: app.main, table: orders, time: { cpu: 1ms, wait: 1ms } }]
            timeout: 1s
            undo: [{ write: app.main, table: orders }]
          - { call: payment, timeout: 300ms, retry: { attempts: 2, backoff: 10ms } }
`)

const component = (name: string) => ({ kind: 'component', component: name }) as const
const edge = (from: string, to: string) => ({ kind: 'edge', from, to }) as const
const edges = [edge('edge', 'app'), edge('app', 'db'), edge('app', 'cache'), edge('app', 'payment')] as const
const processes = [
  component('edge'),
  component('app'),
  component('cache'),
  component('db'),
  { kind: 'instance', component: 'app', index: 1 },
  { kind: 'instance', component: 'db', index: 0 },
  { kind: 'instance', component: 'db', index: 1 },
] as const
const hosts = ['web', 'web/0', 'data', 'data/1'].map((host) => ({ kind: 'host', host }) as const)
const zones = ['a', 'b'].map((zone) => ({ kind: 'zone', zone }) as const)
const share = fc.constantFrom(0.1, 0.5, 1)

const of = (
  kind: Fault['kind'],
  targets: readonly Fault['target'][],
  parameters: fc.Arbitrary<Readonly<Record<string, number>>> = fc.constant({}),
) => fc.record({ kind: fc.constant(kind), target: fc.constantFrom(...targets), parameters })

const anyFault = fc
  .tuple(
    fc.oneof(
      of('kill', processes),
      of('stop', processes),
      of('restart', processes),
      of('pause', processes),
      of('latency', edges, fc.record({ add: fc.constantFrom(0.01, 0.4), jitter: fc.constantFrom(0, 0.05) })),
      of('jitter', edges, fc.constant({ add: 0.1 })),
      of('loss', edges, fc.record({ share })),
      of('partition', [...edges, ...hosts, ...zones]),
      of('bandwidth', edges, fc.constantFrom({ perSecond: 1e4 }, { perSecond: 1e6 })),
      of('reset', edges, fc.record({ share })),
      of('cpu', [...hosts, component('app'), component('db')], fc.record({ share })),
      of('memory', hosts, fc.constantFrom({ size: 2 ** 30 }, { size: 7 * 2 ** 30 })),
      of('disk-full', [component('db'), component('cache')]),
      of('slow-disk', [component('db')], fc.constant({ add: 0.05 })),
      of('exhaust-connections', [component('db')], fc.constantFrom({}, { leave: 3 })),
      of(
        'traffic-spike',
        [{ kind: 'all' }, { kind: 'request', request: 'buy' }],
        fc.constantFrom({ factor: 0.2 }, { factor: 4 }),
      ),
      of('dependency-error', [component('payment'), component('app'), ...edges], fc.record({ share })),
      of('lose-host', hosts),
      of('lose-zone', zones),
    ),
    fc.integer({ min: 0, max: 60 }),
    fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
  )
  .map(([fault, at, lasts]) => ({
    ...fault,
    atSeconds: at / 10,
    forSeconds: lasts === undefined || fault.kind === 'restart' ? undefined : lasts / 10,
  }))

describe('whatever breaks', () => {
  it('requests are conserved, shares are shares, nothing is sold that a guard kept, and the same seed gives the same bytes', () => {
    fc.assert(
      fc.property(
        fc.array(anyFault, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 1000 }),
        (faults, seed) => {
          const simulate = () =>
            run(
              topology,
              { rate: 60, seconds: 8, faults, invariants: ['no-oversell', 'mutual-exclusion', 'no-lost-writes'] },
              { seed },
            )
          const result = simulate()
          for (const { offered, completed, ok, errors, attempts } of Object.values(result.requests)) {
            expect(completed).toBe(ok + Object.values(errors).reduce((sum, count) => sum + count, 0))
            expect(completed).toBeLessThanOrEqual(offered)
            expect(attempts).toBeGreaterThanOrEqual(completed)
          }
          // A client that waits no longer than 6 s has an answer within the 30 s that are waited for.
          expect(result.requests.all?.completed).toBe(result.requests.all?.offered)
          for (const { utilization } of Object.values(result.hosts)) {
            expect(utilization.cpu).toBeGreaterThanOrEqual(0)
            expect(utilization.cpu).toBeLessThanOrEqual(1)
          }
          for (const { queue, pools } of Object.values(result.components)) {
            expect(queue.mean).toBeGreaterThanOrEqual(0)
            for (const { inUse, waiting } of Object.values(pools)) {
              expect(inUse).toBeGreaterThanOrEqual(0)
              expect(waiting).toBeGreaterThanOrEqual(0)
            }
          }
          expect(result.invariants.map(({ name, verdict }) => [name, verdict])).toEqual([
            ['no-oversell', 'pass'],
            ['mutual-exclusion', 'pass'],
            ['no-lost-writes', 'pass'],
          ])
          expect(result.faults.map(({ injectedAt }) => injectedAt).sort()).toEqual(
            faults.map(({ atSeconds }) => atSeconds).sort(),
          )
          expect(JSON.stringify(simulate())).toBe(JSON.stringify(result))
        },
      ),
      { numRuns: 25 },
    )
  })

  it('is over once it is undone: ten seconds later no request fails', () => {
    fc.assert(
      fc.property(anyFault, (fault) => {
        const result = run(topology, {
          rate: 30,
          seconds: 30,
          faults: [
            {
              ...fault,
              atSeconds: 5,
              forSeconds: fault.kind === 'restart' ? undefined : 3,
              restartAfterSeconds: undefined,
            },
          ],
        })
        const late = result.series
          .filter(({ at }) => at > 20)
          .flatMap(({ requests }) => Object.keys(requests.all?.errors ?? {}))
        // Stock runs out; the payment provider fails now and then.
        expect(late.filter((code) => code !== '409' && code !== '502')).toEqual([])
        const failed = result.series
          .filter(({ at }) => at > 20)
          .reduce((sum, { requests }) => sum + (requests.all?.errors['502'] ?? 0), 0)
        expect(failed).toBeLessThan(5)
      }),
      { numRuns: 25 },
    )
  })
})

import { expect, test } from 'vitest'
import { calibrate } from '../../src/calibrate/calibrate.js'
import { differences } from '../../src/calibrate/difference.js'
import { engineRegistry } from '../../src/catalog/index.js'
import { PlimsollError } from '../../src/lib/errors.js'
import type { RunResult } from '../../src/result/run-result.js'
import { parseTopology } from '../../src/topology/parse.js'
import { componentResult, latency, runResult, stepResult } from '../support/run-result.js'

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: shop
data: { item: { keys: 100, bytes: 1KiB } }
components:
  edge: { engine: nginx, upstream: app }
  app:
    engine: service
    replicas: 2
    execution: { model: event-loop, processes: 1 }
    pools: { main: { to: db, size: 5 } }
  cache: { engine: redis, memory: 64MiB }
  db: { engine: postgres }
requests:
  get:
    share: 100%
    enter: edge
    serve: app
    route: GET /items/{item}
    flow:
      - compute: 2ms
      - lookup: cache
        key: item
        ttl: 60s
        miss: [{ query: app.main, time: { cpu: 1ms, wait: 3ms } }]
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

/**
 * 20 measured seconds at 100/s: 2000 requests, 2000 lookups, 500 misses. The service burnt 4.2 s in its step and 1 s
 * beside it, the database 0.6 s of 0.5 s asked for by the query, the edge 0.1 s, the cache 0.05 s.
 */
const measured = (changes: Partial<RunResult> = {}): RunResult =>
  runResult({
    topology: { name: 'shop', digest: topology.digest },
    durationSeconds: 25,
    versions: { machine: 'a test machine' },
    requests: {
      all: {
        ...(runResult().requests.all as NonNullable<RunResult['requests']['all']>),
        offered: 2000,
        attempts: 2000,
        ratePerSecond: 100,
      },
    },
    components: {
      edge: componentResult({
        cpuSeconds: 0.1,
        throughputPerSecond: 100,
        instances: [{ id: 'edge/0', cpuSeconds: 0.1, visits: 2000, restarts: 0 }],
      }),
      app: componentResult({
        replicas: 2,
        cpuSeconds: 5.2,
        throughputPerSecond: 100,
        pools: { main: { inUse: 0.2, waiting: 0.025, timeouts: 0 } },
        instances: [
          { id: 'app/0', cpuSeconds: 2.6, visits: 1000, restarts: 0 },
          { id: 'app/1', cpuSeconds: 2.6, visits: 1000, restarts: 0 },
        ],
      }),
      cache: componentResult({ cpuSeconds: 0.05, throughputPerSecond: 125 }),
      db: componentResult({
        cpuSeconds: 0.6,
        throughputPerSecond: 25,
        instances: [{ id: 'db/0', cpuSeconds: 0.6, visits: 500, restarts: 0 }],
      }),
    },
    hosts: { local: { utilization: { cpu: 0.2 } } },
    steps: {
      'get/0': stepResult({ count: 2000, cpuSeconds: 4.2, latency: latency(0.002) }),
      'get/1': stepResult({ count: 2000, cpuSeconds: 0 }),
      'get/1.miss.0': stepResult({ count: 500, cpuSeconds: 0.5, latency: { ...latency(0.004), mean: 0.0057 } }),
    },
    generator: { lag: { p50: 0, p99: 0, max: 0 }, unsent: 0, cpu: 0.05, cpuSeconds: 1, busy: 0.1 },
    ...changes,
  })

const one = (result: RunResult) => calibrate(topology, [{ name: 'run-1', result }])

test('a compute step: 4.2 CPU-seconds / 2000 executions = 2.1 ms', () => {
  expect(one(measured()).estimates.steps['get/0']).toEqual({
    cpu: { demand: { law: 'constant', seconds: 4.2 / 2000 }, samples: 2000 },
  })
})

test('a component: what it used beyond its steps, per visit', () => {
  const { components } = one(measured()).estimates
  const seconds = (id: string) => {
    const demand = components[id]?.demand
    return demand?.law === 'constant' ? demand.seconds : Number.NaN
  }
  expect(seconds('edge')).toBeCloseTo(0.1 / 2000, 12)
  expect(seconds('app')).toBeCloseTo((5.2 - 4.2) / 2000, 12)
  expect(seconds('cache')).toBeCloseTo(0.05 / 2500, 12)
  expect(seconds('db')).toBeCloseTo((0.6 - 0.5) / 500, 12)
  expect(seconds('generator')).toBeCloseTo(1 / 2000, 12)
})

test('a query waits for what is left of its latency: 5.7 ms − 1 ms of CPU − 0.2 ms beside it − 1 ms for the pool', () => {
  // By Little's law: 0.025 waiting on average, 25 queries per second, hence 1 ms each.
  const query = one(measured()).estimates.steps['get/1.miss.0']
  expect(query?.cpu?.demand).toEqual({ law: 'constant', seconds: 0.001 })
  expect(query?.wait?.demand.law === 'constant' ? query.wait.demand.seconds : Number.NaN).toBeCloseTo(0.0035, 12)
})

test('a hit ratio that nobody forces is learnt from the misses: 1 − 500/2000', () => {
  expect(one(measured()).estimates.hitRatios).toEqual({ 'get/1': 0.75 })
})

test('where steps claim more CPU than the store used, they are scaled down to it', () => {
  const result = measured()
  const db = componentResult({
    cpuSeconds: 0.4,
    throughputPerSecond: 25,
    instances: [{ id: 'db/0', cpuSeconds: 0.4, visits: 500, restarts: 0 }],
  })
  const { estimates } = one({ ...result, components: { ...result.components, db } })
  expect(estimates.steps['get/1.miss.0']?.cpu?.demand).toEqual({ law: 'constant', seconds: 0.4 / 500 })
  expect(estimates.components.db?.demand).toEqual({ law: 'constant', seconds: 0 })
})

test('runs at several rates give demand over load for components, and a constant for computation', () => {
  const faster = measured()
  const twice = (cpuSeconds: number, visits: number, id: string) =>
    componentResult({
      cpuSeconds,
      throughputPerSecond: visits / 20,
      instances: [{ id, cpuSeconds, visits, restarts: 0 }],
    })
  const high: RunResult = {
    ...faster,
    components: { ...faster.components, edge: twice(0.2, 8000, 'edge/0') },
    steps: { ...faster.steps, 'get/0': stepResult({ count: 8000, cpuSeconds: 16 }) },
  }
  const { estimates } = calibrate(topology, [
    { name: 'low', result: measured() },
    { name: 'high', result: high },
  ])
  expect(estimates.components.edge?.demand).toMatchObject({ law: 'power', atRatePerSecond: 400 })
  expect(estimates.steps['get/0']?.cpu).toMatchObject({
    demand: { law: 'constant', seconds: (4.2 + 16) / 10000 },
    samples: 10000,
  })
  expect(estimates.origin).toEqual({
    runs: ['low', 'high'],
    measuredAt: '2026-11-21T06:00:00.000Z',
    topologyDigest: topology.digest,
    machine: 'a test machine',
  })
})

const refusal = (result: RunResult): string => {
  try {
    one(result)
  } catch (error) {
    if (error instanceof PlimsollError) return `${error.exitCode}: ${error.message}`
    throw error
  }
  return 'accepted'
}

test('the model is not calibrated on itself', () => {
  expect(refusal(measured({ engine: 'sim' }))).toBe('3: run-1: it is a simulation')
})

test('a run of another topology is refused, naming both', () => {
  expect(refusal(measured({ topology: { name: 'bank', digest: 'f'.repeat(64) } }))).toBe(
    `3: run-1: it measured another topology: bank (ffffffffffff), not shop (${topology.digest.slice(0, 12)})`,
  )
})

test('a run whose generator was the limit is refused with the reason', () => {
  const { generator } = measured()
  expect(refusal(measured({ generator: { ...generator, busy: 0.93 } }))).toContain(
    'run-1: the run is invalid: the load generator was busy 93.0 % of the time',
  )
})

test('a run that was interrupted is refused', () => {
  expect(refusal(measured({ status: 'interrupted' }))).toBe('3: run-1: the run was interrupted')
})

test('foreign work and faults are warned of', () => {
  const result = measured({ hosts: { local: { utilization: { cpu: 0.6 } } } })
  expect(one(result).warnings).toEqual([expect.stringContaining('something else used')])
})

test('the difference names what the topology declared', () => {
  const rows = differences(topology, undefined, one(measured()).estimates)
  expect(rows.find((row) => row.entry === 'steps.get/0.cpu')).toEqual({
    entry: 'steps.get/0.cpu',
    unit: 'seconds',
    old: 0.002,
    oldFrom: 'topology',
    new: 4.2 / 2000,
    halfWidth: null,
    samples: 2000,
  })
  expect(rows.find((row) => row.entry === 'components.edge')).toMatchObject({ old: null, oldFrom: null })
})

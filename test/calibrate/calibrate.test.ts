import { expect, test } from 'vitest'
import { calibrate } from '../../src/calibrate/calibrate.js'
import { differences } from '../../src/calibrate/difference.js'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { PlimsollError } from '../../src/lib/errors.js'
import type { RunResult, StepResult } from '../../src/result/run-result.js'
import { Simulation } from '../../src/sim/des/simulation.js'
import type { Calibrated } from '../../src/topology/calibration.js'
import { parseTopology } from '../../src/topology/parse.js'
import { componentResult, faultResult, latency, runResult, stepResult } from '../support/run-result.js'

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
    placement: {
      hosts: { local: { cpu: 2 } },
      instances: {
        'edge/0': { host: 'local', eventLoops: 1 },
        'app/0': { host: 'local', eventLoops: 1 },
        'app/1': { host: 'local', eventLoops: 1 },
        'cache/0': { host: 'local', eventLoops: 1 },
        'db/0': { host: 'local' },
        generator: { host: 'local' },
      },
      origin: 'runtime',
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

const query = 'get/1.miss.0'

const one = (result: RunResult) => calibrate(topology, [{ name: 'run-1', result }], { simulatedRequests: 3000 })

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

/** What the calibrated model makes of the load of the run. */
const simulated = (result: RunResult) => {
  const { estimates } = calibrate(topology, [{ name: 'run-1', result }], { simulatedRequests: 10_000 })
  const calibrated = { ...topology, calibration: { ...estimates, digest: '' } }
  const experiment = parseExperiment(
    'apiVersion: plimsoll/v1\nkind: Experiment\nname: a\ntopology: t\nload: { stages: [{ hold: 100/s, for: 200s }] }\n',
    { file: 'e.yaml', topology },
  )
  const simulation = new Simulation({
    topology: calibrated,
    experiment,
    placement: result.placement,
    seed: result.seed,
  })
  while (simulation.advance());
  return { estimates, result: simulation.finish() }
}

test('a query waits for as long as makes the model take what the stack took: a median of 4 ms', () => {
  const { estimates, result } = simulated(measured())
  const known = estimates.steps['get/1.miss.0']
  expect(known?.cpu?.demand).toEqual({ law: 'constant', seconds: 0.001 })
  expect((result.steps['get/1.miss.0']?.latency?.p50 ?? 0) / 0.004).toBeCloseTo(1, 1)
})

test('a disk that stalled a few executions does not lengthen the wait of all', () => {
  const result = measured()
  const step = result.steps[query] as StepResult
  const stalled = { ...step, latency: { ...latency(0.004), mean: 0.05 } }
  const waitOf = (run: RunResult) => one(run).estimates.steps[query]?.wait?.demand
  expect(waitOf({ ...result, steps: { ...result.steps, [query]: stalled } })).toEqual(waitOf(result))
})

test('the generator and a balancer take a visit in hand twice, a store that waits too, a service once for each answer', () => {
  const { components } = one(measured()).estimates
  expect(components.generator?.turns).toBe(2)
  expect(components.edge?.turns).toBe(2)
  expect(components.db?.turns).toBe(2)
  expect(components.cache?.turns).toBeUndefined()
  // 2000 look-ups, 500 queries and 500 stores by 2000 visits.
  expect(components.app?.turns).toBe(1 + 3000 / 2000)
})

test('what the medians leave over comes after the answer: the model has the median that was measured', () => {
  const slow = measured()
  const lag = { mean: 0.0004, p50: 0.0003, p99: 0.001, max: 0.002 }
  const all = slow.requests.all as NonNullable<RunResult['requests']['all']>
  const target = (p50: number) => ({
    ...slow,
    generator: { ...slow.generator, lag },
    requests: { ...slow.requests, all: { ...all, latency: { ...latency(0.002), p50 } } },
  })
  // A stack that is slower than all of its demand leaves nothing for later.
  const slower = simulated(target(0.02))
  expect(slower.estimates.aftermath).toBe(0)
  const p50 = 0.93 * (slower.result.requests.all?.latency?.p50 ?? 0)
  const { estimates, result } = simulated(target(p50))
  expect(estimates.aftermath).toBeGreaterThan(0.05)
  expect(estimates.lateness).toEqual([{ ratePerSecond: 100, p50Seconds: 0.0003, meanSeconds: 0.0004 }])
  expect((result.requests.all?.latency?.p50 ?? 0) / p50).toBeCloseTo(1, 1)
})

test('without knowing how late the generator was, nothing is said of what comes after an answer', () => {
  const { estimates } = one(measured())
  expect(estimates.lateness).toBeUndefined()
  expect(estimates.aftermath).toBeUndefined()
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
    requests: { all: { ...(faster.requests.all as NonNullable<RunResult['requests']['all']>), ratePerSecond: 400 } },
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

test('a run without a single answer teaches nothing, and must not empty the file', () => {
  const { all } = runResult().requests
  const empty = { ...(all as NonNullable<typeof all>), offered: 3, attempts: 3, completed: 0, ok: 0 }
  expect(refusal(measured({ requests: { all: empty } }))).toBe(
    '3: run-1: no request was answered in the measured part of the run',
  )
})

test('a run that was interrupted is refused', () => {
  expect(refusal(measured({ status: 'interrupted' }))).toBe('3: run-1: the run was interrupted')
})

test('foreign work and faults are warned of', () => {
  const result = measured({ hosts: { local: { utilization: { cpu: 0.6 } } } })
  expect(one(result).warnings[0]).toContain('run-1: something else used 42.8 % of host local')
})

test.each([
  ['something else used the machine', { hosts: { local: { utilization: { cpu: 0.6 } } } }, 'something else used'],
  ['it had faults', { faults: [faultResult()] }, 'it had faults'],
])('waits stay as declared when %s, and the user is told', (_, changes, why) => {
  const { estimates, warnings } = one(measured(changes))
  expect(estimates.steps[query]).toEqual({ cpu: { demand: { law: 'constant', seconds: 0.001 }, samples: 500 } })
  expect(warnings.at(-1)).toMatch(/^the waits of steps stay as declared, because no run tells them/)
  expect(warnings.at(-1)).toContain(why)
})

test('a busy machine does not tell waits, although all of its work is ours', () => {
  const busy = measured()
  const app = componentResult({
    replicas: 2,
    cpuSeconds: 20,
    throughputPerSecond: 100,
    instances: [{ id: 'app/0', cpuSeconds: 20, visits: 2000, restarts: 0 }],
  })
  const { estimates, warnings } = one({
    ...busy,
    hosts: { local: { utilization: { cpu: 0.56 } } },
    components: { ...busy.components, app },
  })
  expect(estimates.steps[query]?.wait).toBeUndefined()
  expect(warnings.at(-1)).toContain('host local was 56 % busy (up to 50 % tells waits)')
})

test('failed executions do not lengthen a wait: from 1 % on the declared one stays', () => {
  const failing = (errors: number) => {
    const result = measured()
    const step = { ...(result.steps[query] as StepResult), errors }
    return one({ ...result, steps: { ...result.steps, [query]: step } }).estimates.steps[query]?.wait
  }
  expect(failing(5)).toBeDefined()
  expect(failing(6)).toBeUndefined()
})

test('which times chance drew does not matter: declared mean × burnt / drawn', () => {
  const result = measured()
  const drawn = (cpuSeconds: number, waitSeconds: number) => ({ drawn: { cpuSeconds, waitSeconds } })
  const exactly = (run: RunResult) =>
    calibrate(topology, [{ name: 'run-1', result: run }], { simulatedRequests: 24_000 })
  const { steps } = exactly({
    ...result,
    steps: {
      ...result.steps,
      // 2000 executions of 2 ms that chance made 4.4 s; 4.2 s were burnt.
      'get/0': { ...(result.steps['get/0'] as StepResult), ...drawn(4.4, 0) },
      [query]: { ...(result.steps[query] as StepResult), ...drawn(0.5, 1.6) },
    },
  }).estimates
  const seconds = (calibrated: Calibrated | undefined) =>
    calibrated?.demand.law === 'constant' ? calibrated.demand.seconds : Number.NaN
  expect(seconds(steps['get/0']?.cpu)).toBeCloseTo((0.002 * 4.2) / 4.4, 12)
  expect(seconds(steps[query]?.cpu)).toBeCloseTo(0.001, 12)
  // 3 ms declared, but 500 executions drew 3.2 ms on average: that much of their time was luck.
  const unlucky = seconds(steps[query]?.wait)
  const plain = seconds(exactly(result).estimates.steps[query]?.wait)
  expect(plain - unlucky).toBeGreaterThan(0.0001)
  expect(plain - unlucky).toBeLessThan(0.0003)
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

import { expect, test } from 'vitest'
import type { InstanceSample, SystemSample } from '../../src/contract/running-system.js'
import { usableCores } from '../../src/result/capacity.js'
import { LatencyHistogram } from '../../src/result/histogram.js'
import type { Placement } from '../../src/result/placement.js'
import { componentResult, componentSecond, interval, stepResults } from '../../src/run/meter.js'

const placement: Placement = {
  hosts: { local: { cpu: 2 } },
  instances: {
    'app/0': { host: 'local', eventLoops: 1 },
    'app/1': { host: 'local', eventLoops: 1 },
    'db/0': { host: 'local' },
    'db/1': { host: 'local' },
    'edge/0': { host: 'local', quota: 0.5 },
    generator: { host: 'local' },
  },
  origin: 'runtime',
}

const sample = (at: number, instances: Record<string, Partial<InstanceSample>>, busySeconds = at): SystemSample => ({
  at,
  instances: Object.fromEntries(
    Object.entries(instances).map(([id, partial]) => [id, { cpuSeconds: 0, memoryBytes: 0, ...partial }]),
  ),
  hosts: { local: { busySeconds, capacitySeconds: 2 * at } },
})

test('usable cores: event loops and quotas limit an instance, unlimited ones share their host once', () => {
  expect(usableCores(placement, ['app/0', 'app/1'])).toBe(2)
  expect(usableCores(placement, ['db/0', 'db/1'])).toBe(2)
  expect(usableCores(placement, ['edge/0'])).toBe(0.5)
  expect(usableCores(placement, ['cache/0'])).toBe(0)
})

test('a second: 0.3 + 0.5 CPU-seconds on two event loops are 40 %', () => {
  const between = interval(
    sample(10, { 'app/0': { cpuSeconds: 1 }, 'app/1': { cpuSeconds: 1 } }),
    sample(11, {
      'app/0': { cpuSeconds: 1.3, inFlight: 2 },
      'app/1': { cpuSeconds: 1.5, inFlight: 1, memoryBytes: 7 },
    }),
  )
  expect(componentSecond('app', placement, between, 2, new Map())).toEqual({
    cpu: 0.4,
    memoryBytes: 7,
    queue: 3,
    ready: 2,
  })
  expect(between.hosts).toEqual({ local: 0.5 })
})

test("a cache's hits of a second are those of the flows, whatever its own counters say; a service has none", () => {
  const fact = { service: 'app', cpuSeconds: 0, waitSeconds: 0, pool: undefined, exchanges: 1, forced: true }
  const facts = new Map([
    ['r/0', { ...fact, id: 'r/0', kind: 'lookup', burns: 'db', firstMiss: 'r/0.miss.0' }],
    ['r/0.miss.0', { ...fact, id: 'r/0.miss.0', kind: 'compute', burns: 'app', firstMiss: undefined }],
  ] as const)
  const step = (count: number) => ({ count, errors: 0, cpuSeconds: 0, histogram: '' })
  const steps = (lookups: number, misses: number) => ({ 'r/0': step(lookups), 'r/0.miss.0': step(misses) })
  const between = interval(
    sample(1, { 'app/0': { steps: steps(100, 60), hits: 40, misses: 60 }, 'db/0': { hits: 100, misses: 0 } }),
    sample(2, { 'app/0': { steps: steps(200, 80), hits: 120, misses: 80 }, 'db/0': { hits: 110, misses: 90 } }),
  )
  expect(componentSecond('db', placement, between, 2, facts).hitRatio).toBe(0.8)
  expect(componentSecond('app', placement, between, 2, facts)).not.toHaveProperty('hitRatio')
})

test('a counter that fell began at zero again', () => {
  const between = interval(sample(1, { 'app/0': { visits: 500 } }), sample(2, { 'app/0': { visits: 30 } }))
  expect(between.instances['app/0']?.visits).toBe(30)
})

test('a component over the measured part: sums of counters, time-weighted means of levels', () => {
  const pools = (inUse: number, timeouts: number) => ({ main: { inUse, waiting: 0, timeouts } })
  const samples = [
    sample(0, { 'app/0': { cpuSeconds: 2, visits: 100, hits: 10, misses: 0, pools: pools(0, 5) } }),
    sample(1, { 'app/0': { cpuSeconds: 2.5, visits: 150, hits: 40, misses: 10, inFlight: 4, pools: pools(2, 5) } }),
    sample(4, { 'app/0': { cpuSeconds: 4, visits: 300, hits: 130, misses: 40, inFlight: 1, pools: pools(4, 8) } }),
  ]
  const intervals = samples.slice(1).map((after, i) => interval(samples[i] ?? after, after))
  const result = componentResult('app', intervals, {
    placement,
    memoryLimitBytes: undefined,
    lookups: undefined,
    stepVisits: 100,
    restarts: (id) => (id === 'app/0' ? 1 : 0),
  })
  expect(result).toMatchObject({
    replicas: 2,
    utilization: { cpu: 2 / (2 * 4), memory: null },
    cpuSeconds: 2,
    queue: { mean: (4 * 1 + 1 * 3) / 4, max: 4 },
    pools: { main: { inUse: (2 * 1 + 4 * 3) / 4, waiting: 0, timeouts: 3 } },
    hitRatio: 120 / 160,
    throughputPerSecond: 50,
  })
  expect(result.instances).toEqual([
    { id: 'app/0', cpuSeconds: 2, visits: 200, restarts: 1 },
    { id: 'app/1', cpuSeconds: 0, visits: 0, restarts: 0 },
  ])
})

test('hits and misses that the flows saw win over what the server counted', () => {
  const between = interval(sample(0, {}), sample(1, { 'db/0': { hits: 5, misses: 95 } }))
  const context = { placement, memoryLimitBytes: 100, restarts: () => 0 }
  expect(componentResult('db', [between], { ...context, lookups: { hits: 80, misses: 20 } }).hitRatio).toBe(0.8)
  expect(componentResult('db', [between], { ...context, lookups: undefined }).hitRatio).toBe(0.05)
  expect(componentResult('db', [between], { ...context, lookups: null }).hitRatio).toBeNull()
})

test('steps are differences over all instances; an instance that began anew counts whole', () => {
  const histogram = (...seconds: number[]): string => {
    const filled = new LatencyHistogram()
    for (const one of seconds) filled.record(one)
    return filled.encode()
  }
  const step = (count: number, cpuSeconds: number, text: string) => ({
    'get/0': { count, errors: 0, cpuSeconds, histogram: text },
  })
  const before = sample(0, {
    'app/0': { steps: step(2, 0.4, histogram(0.001, 0.001)) },
    'app/1': { steps: step(9, 9, histogram(1, 1, 1, 1, 1, 1, 1, 1, 1)) },
  })
  const after = sample(1, {
    'app/0': { steps: step(3, 0.6, histogram(0.001, 0.001, 0.003)) },
    'app/1': { steps: step(1, 0.1, histogram(0.005)) },
  })
  const result = stepResults(before, after)['get/0']
  expect(result?.count).toBe(2)
  expect(result?.cpuSeconds).toBeCloseTo(0.3, 12)
  expect(result?.latency?.mean).toBeCloseTo(0.004, 5)
  expect(result?.latency?.max).toBeCloseTo(0.005, 4)
})

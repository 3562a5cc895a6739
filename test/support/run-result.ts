/** Constructed results with round numbers, for tests that read results. */
import type {
  ClassResult,
  ComponentResult,
  FaultResult,
  Latency,
  RunResult,
  StepResult,
} from '../../src/result/run-result.js'

export const latency = (p50: number, factor = 1): Latency => ({
  mean: p50 * 1.2 * factor,
  p50: p50 * factor,
  p90: p50 * 2 * factor,
  p95: p50 * 3 * factor,
  p99: p50 * 5 * factor,
  p999: p50 * 8 * factor,
  max: p50 * 10 * factor,
})

export const classResult = (changes: Partial<ClassResult> = {}): ClassResult => ({
  offered: 5000,
  completed: 5000,
  ok: 5000,
  degraded: 0,
  unknown: 0,
  attempts: 5000,
  errors: {},
  outcomes: { hit: { count: 0, latency: null }, miss: { count: 0, latency: null } },
  ratePerSecond: 200,
  latency: latency(0.002),
  serviceLatency: latency(0.002),
  histogram: '',
  ...changes,
})

export const componentResult = (changes: Partial<ComponentResult> = {}): ComponentResult => ({
  replicas: 1,
  utilization: { cpu: 0.1, memory: null },
  cpuSeconds: 5,
  memoryBytes: null,
  queue: { mean: 0.5, max: 4 },
  pools: {},
  hitRatio: null,
  throughputPerSecond: 200,
  instances: [],
  ...changes,
})

export const stepResult = (changes: Partial<StepResult> = {}): StepResult => ({
  count: 1000,
  errors: 0,
  cpuSeconds: 2,
  latency: latency(0.002),
  histogram: '',
  ...changes,
})

export const faultResult = (changes: Partial<FaultResult> = {}): FaultResult => ({
  kind: 'kill',
  target: 'app/0',
  injectedAt: 12,
  undoneAt: null,
  inFlightAtInjection: 3,
  detectedAt: 12.004,
  firstSuccessAt: 12.006,
  sloRegainedAt: 13,
  backlogDrainedAt: 12.05,
  failedRequests: 2,
  detectionSeconds: 0.004,
  recoverySeconds: 1,
  outageSeconds: 0.025,
  ...changes,
})

/** 25 measured seconds at 200/s on one host with two cores, of which the stack and its generator use 0.5. */
export const runResult = (changes: Partial<RunResult> = {}): RunResult => ({
  apiVersion: 'plimsoll/v1',
  kind: 'RunResult',
  engine: 'stack',
  status: 'completed',
  seed: 7,
  topology: { name: 'shop', digest: 'a'.repeat(64) },
  calibration: null,
  placement: {
    hosts: { local: { cpu: 2 } },
    instances: {
      'edge/0': { host: 'local' },
      'app/0': { host: 'local', eventLoops: 1 },
      'app/1': { host: 'local', eventLoops: 1 },
      generator: { host: 'local' },
    },
    origin: 'runtime',
  },
  experiment: { name: 'steady', digest: 'b'.repeat(64) },
  startedAt: '2026-11-21T06:00:00.000Z',
  durationSeconds: 30,
  warmupSeconds: 5,
  versions: {},
  requests: {
    all: classResult(),
    browse: classResult({ offered: 4500, completed: 4500, ok: 4500, ratePerSecond: 180 }),
    order: classResult({ offered: 500, completed: 500, ok: 500, ratePerSecond: 20, latency: latency(0.004) }),
  },
  components: {
    edge: componentResult({
      utilization: { cpu: 0.1, memory: null },
      cpuSeconds: 2.5,
      instances: [{ id: 'edge/0', cpuSeconds: 2.5, visits: 5000, restarts: 0 }],
    }),
    app: componentResult({
      replicas: 2,
      utilization: { cpu: 0.3, memory: null },
      cpuSeconds: 15,
      pools: { main: { inUse: 1.5, waiting: 0, timeouts: 0 } },
      instances: [
        { id: 'app/0', cpuSeconds: 7.5, visits: 2500, restarts: 1 },
        { id: 'app/1', cpuSeconds: 7.5, visits: 2500, restarts: 0 },
      ],
    }),
  },
  hosts: { local: { utilization: { cpu: 0.5 } } },
  edges: {},
  steps: {},
  series: [],
  events: [],
  faults: [],
  generator: {
    lag: { p50: 0.0001, p99: 0.001, max: 0.004 },
    unsent: 0,
    cpu: 0.3,
    cpuSeconds: 7.5,
    busy: 0.2,
  },
  invariants: [],
  steadyState: [],
  slo: [],
  ...changes,
})

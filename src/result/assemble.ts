/** One shape for both engines: a RunResult is put together here and nowhere else. */
import { type FaultTrack, faultResults } from './faults.js'
import { emptyHistogram } from './histogram.js'
import type { ClassSecond, RunEvent, SecondEvent } from './run-event.js'
import type { ClassResult, ComponentResult, GeneratorResult, RunResult, StepResult } from './run-result.js'

/** What an engine knows at the end; `events` is its whole stream, in the order in which it was emitted. */
export interface RunParts
  extends Omit<RunResult, 'apiVersion' | 'kind' | 'series' | 'events' | 'faults' | 'durationSeconds'> {
  readonly events: readonly RunEvent[]
  readonly track: FaultTrack
  /** When the load ended; earlier than planned if the run was aborted. */
  readonly endedAt: number
}

/** Keys come in a fixed order, so that equal runs give equal bytes. */
export const assembleRunResult = (parts: RunParts): RunResult => {
  const ordered = [...parts.events].sort((a, b) => a.at - b.at)
  const series = ordered.filter((event): event is SecondEvent => event.type === 'second')
  const events = ordered.filter((event) => event.type !== 'second')
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'RunResult',
    engine: parts.engine,
    status: parts.status,
    seed: parts.seed,
    topology: parts.topology,
    calibration: parts.calibration,
    placement: parts.placement,
    experiment: parts.experiment,
    startedAt: parts.startedAt,
    durationSeconds: parts.endedAt,
    warmupSeconds: parts.warmupSeconds,
    versions: parts.versions,
    requests: parts.requests,
    components: parts.components,
    hosts: parts.hosts,
    edges: parts.edges,
    steps: parts.steps,
    series,
    ...(parts.seriesSeconds === undefined ? {} : { seriesSeconds: parts.seriesSeconds }),
    events,
    faults: faultResults({ events, track: parts.track, endedAt: parts.endedAt }),
    generator: parts.generator,
    invariants: parts.invariants,
    steadyState: parts.steadyState,
    slo: parts.slo,
    ...(parts.replications === undefined ? {} : { replications: parts.replications }),
    ...(parts.probe === undefined ? {} : { probe: parts.probe }),
  }
}

export const emptyClassResult = (): ClassResult => ({
  offered: 0,
  completed: 0,
  ok: 0,
  degraded: 0,
  unknown: 0,
  attempts: 0,
  errors: {},
  outcomes: { hit: { count: 0, latency: null }, miss: { count: 0, latency: null } },
  ratePerSecond: 0,
  latency: null,
  serviceLatency: null,
  histogram: emptyHistogram(),
})

export const emptyClassSecond = (): ClassSecond => ({
  offered: 0,
  completed: 0,
  ok: 0,
  degraded: 0,
  errors: {},
  inFlight: 0,
  histogram: emptyHistogram(),
})

/** A component that did nothing: what an engine fills in as far as it can tell. */
export const emptyComponentResult = (replicas: number): ComponentResult => ({
  replicas,
  utilization: { cpu: 0, memory: null },
  cpuSeconds: 0,
  memoryBytes: null,
  queue: { mean: 0, max: 0 },
  pools: {},
  hitRatio: null,
  throughputPerSecond: 0,
  instances: [],
})

export const emptyStepResult = (): StepResult => ({
  count: 0,
  errors: 0,
  cpuSeconds: 0,
  latency: null,
  histogram: emptyHistogram(),
})

/** A generator that costs nothing and is never late: the simulator's. */
export const idealGenerator: GeneratorResult = {
  lag: { p50: 0, p99: 0, max: 0 },
  unsent: 0,
  cpu: 0,
  cpuSeconds: 0,
  busy: 0,
}

/** What was sampled and counted during a run on a stack, put together as a RunResult. Pure. */
import type { LoadResult } from '../contract/load.js'
import type { ProcessCpu, RunningSystem } from '../contract/running-system.js'
import type { Experiment } from '../experiment/types.js'
import { assembleRunResult, type RunParts } from '../result/assemble.js'
import { instancesOf } from '../result/capacity.js'
import type { RunEvent } from '../result/run-event.js'
import type { ComponentResult, RunResult, StepResult } from '../result/run-result.js'
import { calibrationMark } from '../topology/calibration.js'
import { type StepFact, stepFacts } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import { componentResult, type Interval, interval, lookupsAt, poolOccupancy, stepResults } from './meter.js'
import type { TimedSample } from './sampler.js'

export interface StackParts {
  readonly topology: Topology
  readonly experiment: Experiment
  readonly seed: number
  readonly status: RunResult['status']
  readonly startedAt: string
  readonly endedAt: number
  readonly system: Pick<RunningSystem, 'placement'>
  readonly versions: Readonly<Record<string, string>>
  readonly load: LoadResult
  readonly samples: readonly TimedSample[]
  readonly events: readonly RunEvent[]
}

/** The samples of the measured part: the last at or before the end of warm-up, and all after it. */
const measuredSamples = (samples: readonly TimedSample[], warmupSeconds: number): readonly TimedSample[] => {
  const first = samples.findLastIndex((sample) => sample.at <= warmupSeconds)
  return samples.slice(Math.max(0, first))
}

const intervalsOf = (samples: readonly TimedSample[]): readonly Interval[] =>
  samples.slice(1).flatMap((sample, index) => {
    const before = samples[index]
    return before === undefined ? [] : [interval(before.sample, sample.sample)]
  })

/** Starts again that a supervisor brought to an end. */
const restartsIn = (events: readonly RunEvent[], instance: string): number =>
  events.filter((event) => event.type === 'recovered' && event.instance === instance).length

/**
 * CPU-seconds between two samples of the processes that conduct the run and supervise the system, which may be one, and of the
 * daemons that carry its containers.
 */
const toolSeconds = (first: TimedSample, last: TimedSample): number | undefined => {
  const toolsOf = ({ sample, conductor }: TimedSample): ReadonlyMap<number, ProcessCpu> =>
    new Map(
      [sample.supervisor, conductor, ...(sample.daemons ?? [])].flatMap((one) =>
        one ? [[one.pid, one] as const] : [],
      ),
    )
  const before = toolsOf(first)
  const after = toolsOf(last)
  if (after.size === 0) return undefined
  return [...after].reduce((sum, [pid, { cpuSeconds }]) => sum + cpuSeconds - (before.get(pid)?.cpuSeconds ?? 0), 0)
}

const hostUtilization = (samples: readonly TimedSample[], generatorSeconds: number): RunResult['hosts'] => {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || first === last) return {}
  const whole = interval(first.sample, last.sample)
  const tool = toolSeconds(first, last)
  return Object.fromEntries(
    Object.entries(whole.hosts).map(([id, cpu]) => {
      const capacity = (last.sample.hosts[id]?.capacitySeconds ?? 0) - (first.sample.hosts[id]?.capacitySeconds ?? 0)
      // The generator is a thread of the conductor, and told for itself.
      const own = tool === undefined || capacity <= 0 ? undefined : Math.max(0, tool - generatorSeconds) / capacity
      return [id, { utilization: { cpu }, ...(own === undefined ? {} : { toolCpu: own }) }]
    }),
  )
}

/** Calls of a store by steps (a lookup's storing of what was missed is not counted: an underestimate). */
const stepVisits = (
  component: string,
  facts: ReadonlyMap<string, StepFact>,
  steps: Readonly<Record<string, StepResult>>,
): number =>
  [...facts.values()]
    .filter((fact) => fact.burns === component && fact.service !== component)
    .reduce((sum, fact) => sum + fact.exchanges * (steps[fact.id]?.count ?? 0), 0)

/**
 * Calls along the way in, from the generator to the service, and of services by their steps. What a balancer repaired by
 * trying the next upstream is not seen from here: there a call is an attempt of the client.
 */
const edgesOf = (
  topology: Topology,
  requests: RunResult['requests'],
  facts: ReadonlyMap<string, StepFact>,
  steps: Readonly<Record<string, StepResult>>,
): RunResult['edges'] => {
  const edges: Record<string, { count: number; errors: number }> = {}
  const add = (from: string, to: string, count: number, errors: number): void => {
    const known = edges[`${from} -> ${to}`] ?? { count: 0, errors: 0 }
    edges[`${from} -> ${to}`] = { count: known.count + count, errors: known.errors + errors }
  }
  for (const [id, { enter, serve }] of Object.entries(topology.requests)) {
    const result = requests[id]
    if (result === undefined || result.attempts === 0) continue
    const errors = Object.values(result.errors).reduce((sum, count) => sum + count, 0)
    const way = ['generator', ...enter, serve]
    for (const [i, to] of way.slice(1).entries()) add(way[i] ?? 'generator', to, result.attempts, errors)
  }
  for (const fact of facts.values()) {
    const step = steps[fact.id]
    if (step === undefined || fact.service === fact.burns) continue
    // What a look-up missed it stores, in a second call.
    const stored = fact.firstMiss === undefined ? undefined : steps[fact.firstMiss]
    const stores = stored === undefined ? 0 : stored.count - stored.errors
    add(fact.service, fact.burns, step.count * fact.exchanges + stores, step.errors)
  }
  return edges
}

const memoryLimit = (topology: Topology, component: string, parts: StackParts): number | undefined => {
  const found = topology.components[component]
  if (found?.role === 'store' && found.memoryBytes !== undefined) return found.memoryBytes
  const host = parts.system.placement.instances[`${component}/0`]?.host
  return host === undefined ? undefined : parts.system.placement.hosts[host]?.memoryBytes
}

/** All but the judgements, which are passed on what this returns. */
export const stackResult = (parts: StackParts): RunResult => {
  const { topology, experiment, samples, events, load } = parts
  const { placement } = parts.system
  const measured = measuredSamples(samples, experiment.warmupSeconds)
  const intervals = intervalsOf(measured)
  const facts = stepFacts(topology)
  const [first, last] = [measured[0], measured.at(-1)]
  const steps = first === undefined || last === undefined ? {} : stepResults(first.sample, last.sample)
  const components: Record<string, ComponentResult> = {}
  for (const id of Object.keys(topology.components)) {
    if (instancesOf(placement, id).length === 0) continue
    components[id] = componentResult(id, intervals, {
      placement,
      memoryLimitBytes: memoryLimit(topology, id, parts),
      lookups: topology.components[id]?.role === 'store' ? lookupsAt(id, facts, steps) : null,
      stepVisits: stepVisits(id, facts, steps),
      restarts: (instance) => restartsIn(events, instance),
      occupancy: (pool, seconds) => poolOccupancy(id, pool, facts, steps, seconds),
    })
  }
  const assembled: RunParts = {
    engine: 'stack',
    status: parts.status,
    seed: parts.seed,
    topology: { name: topology.name, digest: topology.digest },
    calibration: calibrationMark(topology.calibration),
    placement,
    experiment: { name: experiment.name, digest: experiment.digest },
    startedAt: parts.startedAt,
    endedAt: parts.endedAt,
    warmupSeconds: experiment.warmupSeconds,
    versions: parts.versions,
    requests: load.requests,
    components,
    hosts: hostUtilization(measured, load.generator.cpuSeconds),
    edges: edgesOf(topology, load.requests, facts, steps),
    steps,
    generator: load.generator,
    events,
    track: load.faults,
    invariants: [],
    steadyState: [],
    slo: [],
  }
  return assembleRunResult(assembled)
}

/**
 * What one measured run says of demand, by the utilization law D = CPU-seconds / completions (Denning and Buzen 1978).
 *
 * A component's CPU splits into that of the steps that burn on it and the rest, which is its demand per visit (parsing,
 * system calls, the protocol). What a store burnt is only known as a whole: where the steps claim more than it used, all of
 * them are scaled down to it.
 */
import type { Latency, RunResult, StepResult } from '../result/run-result.js'
import { disturbances } from '../result/validity.js'
import type { StepFact } from '../topology/steps.js'
import type { ComponentId, Topology } from '../topology/types.js'
import { turnsByClass, type Visits, visitsByKind } from './kinds.js'
import type { DemandPoint } from './law.js'
import { backgroundOf, busyShares, type LatenessPoint, latenessOf, turnsOf } from './surroundings.js'

export interface RunDemands {
  /** Per component, and `generator`. */
  readonly components: Readonly<Record<string, DemandPoint>>
  /** By component, its visits by kind. */
  readonly kinds: Readonly<Record<string, Visits>>
  /** By request class: how often its service takes a request of it in hand. */
  readonly classTurns: Readonly<Record<string, number>>
  readonly stepCpu: Readonly<Record<string, DemandPoint>>
  /** Of steps that wait, how long they took (median); empty where `waitsHidden`. */
  readonly stepTime: Readonly<Record<string, DemandPoint>>
  /** By component: how often one of its processes takes a visit in hand. */
  readonly turns: Readonly<Record<string, number>>
  /** How late the generator sent; undefined: the run does not tell, or its load was closed. */
  readonly lateness: LatenessPoint | undefined
  /** Share of the busiest host's cores that neither a component nor the generator used. */
  readonly background: number
  /** Of lookups that do not force one: hits and lookups. */
  readonly hits: Readonly<Record<string, { readonly hits: number; readonly lookups: number }>>
}

const measuredSeconds = (result: RunResult): number => result.durationSeconds - result.warmupSeconds

/**
 * Visits of a component in the measured part. What asks a database are steps, which are counted exactly; its own statistics come
 * late, and a part of them is of what was before. Of caches, deletions are visits that no step of their own tells.
 */
const visitsOf = (result: RunResult, component: ComponentId, facts: readonly StepFact[]): number => {
  const told = (result.components[component]?.throughputPerSecond ?? 0) * measuredSeconds(result)
  const asking = facts.filter((fact) => fact.burns === component && fact.service !== component)
  const asked = asking.reduce((sum, fact) => sum + fact.exchanges * (result.steps[fact.id]?.count ?? 0), 0)
  return asked > 0 && asking.every(({ kind }) => kind !== 'lookup') ? asked : told
}

/** CPU-seconds that the executions of a step burnt: as measured, else as declared. */
const burnt = (result: RunResult, fact: StepFact): number => {
  const step = result.steps[fact.id]
  if (step === undefined) return 0
  return step.cpuSeconds > 0 ? step.cpuSeconds : fact.cpuSeconds * step.count
}

/**
 * Mean CPU per execution by the ratio estimator: declared mean × burnt / drawn. Which times chance drew for these executions
 * cancels out, so that what remains is what the machine makes of a declared second. Without draws: burnt / executions.
 */
const cpuPerExecution = (step: StepResult, fact: StepFact, burntSeconds: number): number => {
  const drawn = step.drawn?.cpuSeconds ?? 0
  return drawn > 0 && fact.cpuSeconds > 0
    ? (fact.cpuSeconds * burntSeconds) / drawn
    : burntSeconds / Math.max(1, step.count)
}

/**
 * Why the waits of a run say more of the machine than of the steps; undefined: they can be trusted. A step is as long as
 * everything that keeps it waiting, so only an idle and undisturbed machine tells what it waits by itself.
 */
export const waitsHidden = (result: RunResult): string | undefined => {
  const disturbance = disturbances(result).find(({ affects }) => affects.includes('latency'))
  if (disturbance !== undefined) return disturbance.why
  if (result.faults.length > 0) return 'it had faults'
  const crowded = Object.entries(result.hosts).find(([, { utilization }]) => utilization.cpu > limits.waitCpu)
  if (crowded === undefined) return undefined
  const [host, { utilization }] = crowded
  return `host ${host} was ${Math.round(utilization.cpu * 100)} % busy (up to ${limits.waitCpu * 100} % tells waits)`
}

const limits = {
  /** Utilization of a host up to which what its CPU makes a step wait is small against the step, and well explained. */
  waitCpu: 0.5,
  /** Executions that failed took as long as their failure. */
  stepErrors: 0.01,
} as const

/**
 * Median time of an execution as it would have been had chance drawn the declared means: what the model, which is told these
 * means, has to reproduce. The median, because a disk that stalled a few executions for a quarter of a second doubles the mean of
 * all. A median moves by ln 2 of what an exponential mean does.
 */
const expectedSeconds = (fact: StepFact, step: StepResult & { readonly latency: Latency }): number => {
  const { latency, drawn, count } = step
  if (drawn === undefined) return latency.p50
  const luck = drawn.waitSeconds / count - fact.waitSeconds + (drawn.cpuSeconds / count - fact.cpuSeconds)
  return Math.max(0, latency.p50 - Math.LN2 * luck)
}

/** Kinds of steps whose time beyond CPU is a wait of their own (a lookup's holds its miss path as well). */
export const waitingKinds: ReadonlySet<StepFact['kind']> = new Set(['wait', 'query', 'write', 'reserve', 'release'])

export const runDemands = (
  result: RunResult,
  topology: Topology,
  stepFacts: ReadonlyMap<string, StepFact>,
): RunDemands => {
  const seconds = measuredSeconds(result)
  const facts = [...stepFacts.values()]
  const load = result.requests.all?.ratePerSecond ?? 0
  const busy = busyShares(result)
  const point = (cpuSeconds: number, count: number, component?: ComponentId): DemandPoint => ({
    load,
    busy: component === undefined ? undefined : busy(component),
    ratePerSecond: count / seconds,
    seconds: cpuSeconds / count,
    samples: count,
  })

  const components: Record<string, DemandPoint> = {}
  const scale: Record<string, number> = {}
  for (const [id, component] of Object.entries(result.components)) {
    const visits = visitsOf(result, id, facts)
    const ofSteps = facts.filter((fact) => fact.burns === id).reduce((sum, fact) => sum + burnt(result, fact), 0)
    scale[id] = ofSteps > component.cpuSeconds && ofSteps > 0 ? component.cpuSeconds / ofSteps : 1
    if (visits > 0) components[id] = point(Math.max(0, component.cpuSeconds - ofSteps), visits, id)
  }
  const attempts = result.requests.all?.attempts ?? 0
  if (attempts > 0) components.generator = point(result.generator.cpuSeconds, attempts, 'generator')

  const tellsWaits = waitsHidden(result) === undefined
  const stepCpu: Record<string, DemandPoint> = {}
  const stepTime: Record<string, DemandPoint> = {}
  const hits: Record<string, { hits: number; lookups: number }> = {}
  for (const fact of facts) {
    const step = result.steps[fact.id]
    if (step === undefined || step.count === 0) continue
    // A service measures the CPU of its own steps; only what it asks of others may exceed what they used.
    const factor = fact.kind === 'compute' ? 1 : (scale[fact.burns] ?? 1)
    const cpu = burnt(result, fact) * factor
    if (cpu > 0) stepCpu[fact.id] = point(cpuPerExecution(step, fact, cpu) * step.count, step.count)
    const { latency } = step
    if (
      tellsWaits &&
      waitingKinds.has(fact.kind) &&
      latency !== null &&
      step.errors <= limits.stepErrors * step.count
    ) {
      stepTime[fact.id] = point(expectedSeconds(fact, { ...step, latency }) * step.count, step.count)
    }
    if (fact.kind === 'lookup' && !fact.forced && fact.firstMiss !== undefined) {
      const misses = result.steps[fact.firstMiss]?.count ?? 0
      hits[fact.id] = { hits: Math.max(0, step.count - misses), lookups: step.count }
    }
  }
  return {
    components,
    stepCpu,
    stepTime,
    hits,
    kinds: visitsByKind(result, topology, facts),
    classTurns: turnsByClass(result, topology, stepFacts),
    turns: turnsOf(result, topology, stepFacts),
    lateness: latenessOf(result),
    background: backgroundOf(result),
  }
}

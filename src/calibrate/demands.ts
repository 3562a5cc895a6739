/**
 * What one measured run says of demand, by the utilization law D = CPU-seconds / completions (Denning and Buzen 1978).
 *
 * A component's CPU splits into that of the steps that burn on it and the rest, which is its demand per visit (parsing,
 * system calls, the protocol). What a store burnt is only known as a whole: where the steps claim more than it used, all of
 * them are scaled down to it.
 */
import type { RunResult } from '../result/run-result.js'
import type { StepFact } from '../topology/steps.js'
import type { ComponentId } from '../topology/types.js'
import type { DemandPoint } from './law.js'

export interface RunDemands {
  /** Per component, and `generator`. */
  readonly components: Readonly<Record<string, DemandPoint>>
  readonly stepCpu: Readonly<Record<string, DemandPoint>>
  readonly stepWait: Readonly<Record<string, DemandPoint>>
  /** Of lookups that do not force one: hits and lookups. */
  readonly hits: Readonly<Record<string, { readonly hits: number; readonly lookups: number }>>
}

const measuredSeconds = (result: RunResult): number => result.durationSeconds - result.warmupSeconds

/** Visits that the run counted at a component. */
const visitsOf = (result: RunResult, component: ComponentId): number =>
  (result.components[component]?.throughputPerSecond ?? 0) * measuredSeconds(result)

/** CPU-seconds that the executions of a step burnt: as measured, else as declared. */
const burnt = (result: RunResult, fact: StepFact): number => {
  const step = result.steps[fact.id]
  if (step === undefined) return 0
  return step.cpuSeconds > 0 ? step.cpuSeconds : fact.cpuSeconds * step.count
}

/** Mean wait for a connection of the pool, by Little's law: requests waiting / requests per second through the pool. */
const poolWaitSeconds = (result: RunResult, pool: string, facts: readonly StepFact[]): number => {
  const [service, name] = pool.split('/') as [string, string]
  const waiting = result.components[service]?.pools[name]?.waiting ?? 0
  const count = facts
    .filter((fact) => fact.pool === pool)
    .reduce((sum, fact) => sum + (result.steps[fact.id]?.count ?? 0), 0)
  return count > 0 ? (waiting * measuredSeconds(result)) / count : 0
}

/** Kinds of steps whose time beyond CPU is a wait of their own (a lookup's holds its miss path as well). */
const waits: ReadonlySet<StepFact['kind']> = new Set(['wait', 'query', 'write', 'reserve', 'release'])

export const runDemands = (result: RunResult, stepFacts: ReadonlyMap<string, StepFact>): RunDemands => {
  const seconds = measuredSeconds(result)
  const facts = [...stepFacts.values()]
  const point = (cpuSeconds: number, count: number): DemandPoint => ({
    ratePerSecond: count / seconds,
    seconds: cpuSeconds / count,
    samples: count,
  })

  const components: Record<string, DemandPoint> = {}
  const scale: Record<string, number> = {}
  for (const [id, component] of Object.entries(result.components)) {
    const visits = visitsOf(result, id)
    const ofSteps = facts.filter((fact) => fact.burns === id).reduce((sum, fact) => sum + burnt(result, fact), 0)
    scale[id] = ofSteps > component.cpuSeconds && ofSteps > 0 ? component.cpuSeconds / ofSteps : 1
    if (visits > 0) components[id] = point(Math.max(0, component.cpuSeconds - ofSteps), visits)
  }
  const attempts = result.requests.all?.attempts ?? 0
  if (attempts > 0) components.generator = point(result.generator.cpuSeconds, attempts)

  const stepCpu: Record<string, DemandPoint> = {}
  const stepWait: Record<string, DemandPoint> = {}
  const hits: Record<string, { hits: number; lookups: number }> = {}
  for (const fact of facts) {
    const step = result.steps[fact.id]
    if (step === undefined || step.count === 0) continue
    // A service measures the CPU of its own steps; only what it asks of others may exceed what they used.
    const factor = fact.kind === 'compute' ? 1 : (scale[fact.burns] ?? 1)
    const cpu = burnt(result, fact) * factor
    if (cpu > 0) stepCpu[fact.id] = point(cpu, step.count)
    if (waits.has(fact.kind) && step.latency !== null) {
      const visit = fact.kind === 'wait' ? 0 : (components[fact.burns]?.seconds ?? 0) + cpu / step.count
      const queue = fact.pool === undefined ? 0 : poolWaitSeconds(result, fact.pool, facts)
      stepWait[fact.id] = point(Math.max(0, step.latency.mean - visit - queue) * step.count, step.count)
    }
    if (fact.kind === 'lookup' && !fact.forced && fact.firstMiss !== undefined) {
      const misses = result.steps[fact.firstMiss]?.count ?? 0
      hits[fact.id] = { hits: Math.max(0, step.count - misses), lookups: step.count }
    }
  }
  return { components, stepCpu, stepWait, hits }
}

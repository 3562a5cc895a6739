/**
 * What one measured run says of demand, by the utilization law D = CPU-seconds / completions (Denning and Buzen 1978).
 *
 * A component's CPU splits into that of the steps that burn on it and the rest, which is its demand per visit (parsing,
 * system calls, the protocol). What a store burnt is only known as a whole: where the steps claim more than it used, all of
 * them are scaled down to it.
 */
import type { Latency, RunResult, StepResult } from '../result/run-result.js'
import { disturbances } from '../result/validity.js'
import { erlangC } from '../sim/analytic/erlang.js'
import type { StepFact } from '../topology/steps.js'
import type { ComponentId } from '../topology/types.js'
import type { DemandPoint } from './law.js'

export interface RunDemands {
  /** Per component, and `generator`. */
  readonly components: Readonly<Record<string, DemandPoint>>
  readonly stepCpu: Readonly<Record<string, DemandPoint>>
  /** Empty where `waitsHidden`. */
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

/** Mean wait for a connection of the pool, by Little's law: requests waiting / requests per second through the pool. */
const poolWaitSeconds = (result: RunResult, pool: string, facts: readonly StepFact[]): number => {
  const [service, name] = pool.split('/') as [string, string]
  const waiting = result.components[service]?.pools[name]?.waiting ?? 0
  const count = facts
    .filter((fact) => fact.pool === pool)
    .reduce((sum, fact) => sum + (result.steps[fact.id]?.count ?? 0), 0)
  return count > 0 ? (waiting * measuredSeconds(result)) / count : 0
}

/**
 * Factor by which other work on the machine stretches CPU time, as the model has it (processor sharing, docs/model.md):
 * 1 + C(c, a)/(c − a). What it explains must not be counted as waiting again.
 */
const stretchAt = (result: RunResult, component: ComponentId): number => {
  const host = result.placement.instances[`${component}/0`]?.host
  const cores = host === undefined ? undefined : result.placement.hosts[host]?.cpu
  const busy = host === undefined ? undefined : result.hosts[host]?.utilization.cpu
  if (cores === undefined || busy === undefined || cores < 1 || busy >= 1) return 1
  const servers = Math.floor(cores)
  const offered = busy * servers
  return 1 + erlangC(servers, offered) / (servers - offered)
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
 * What an execution waits by itself: the declared mean and what its measured time exceeds all that is known of it: the times
 * drawn, its CPU as stretched by the machine's other work, and the wait for the pool.
 */
const ownWait = (
  result: RunResult,
  fact: StepFact,
  step: StepResult & { readonly latency: Latency },
  cpuSeconds: number,
  poolSeconds: number,
): number => {
  const stretch = fact.kind === 'wait' ? 1 : stretchAt(result, fact.burns)
  const unexplained = step.latency.mean - cpuSeconds * stretch - poolSeconds
  if (step.drawn === undefined) return Math.max(0, unexplained)
  return Math.max(0, fact.waitSeconds + unexplained - step.drawn.waitSeconds / step.count)
}

/** Kinds of steps whose time beyond CPU is a wait of their own (a lookup's holds its miss path as well). */
export const waitingKinds: ReadonlySet<StepFact['kind']> = new Set(['wait', 'query', 'write', 'reserve', 'release'])

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

  const tellsWaits = waitsHidden(result) === undefined
  const stepCpu: Record<string, DemandPoint> = {}
  const stepWait: Record<string, DemandPoint> = {}
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
      const visit = fact.kind === 'wait' ? 0 : (components[fact.burns]?.seconds ?? 0)
      const queue = fact.pool === undefined ? 0 : poolWaitSeconds(result, fact.pool, facts)
      const wait = ownWait(result, fact, { ...step, latency }, visit + cpu / step.count, queue)
      stepWait[fact.id] = point(wait * step.count, step.count)
    }
    if (fact.kind === 'lookup' && !fact.forced && fact.firstMiss !== undefined) {
      const misses = result.steps[fact.firstMiss]?.count ?? 0
      hits[fact.id] = { hits: Math.max(0, step.count - misses), lookups: step.count }
    }
  }
  return { components, stepCpu, stepWait, hits }
}

/**
 * Cumulative samples of a running system → what each second and the measured part saw. Counters that fall (a server that
 * was started again and whose earlier count nobody kept) count from 0.
 */
import type { InstanceSample, SystemSample } from '../contract/running-system.js'
import { instancesOf, usableCores } from '../result/capacity.js'
import { counterDifference, type StepCounters, stepDifference, sumSteps } from '../result/merge.js'
import type { Placement } from '../result/placement.js'
import type { ComponentSecond } from '../result/run-event.js'
import type { ComponentResult, StepResult } from '../result/run-result.js'
import type { StepFact } from '../topology/steps.js'

const grown = (now: number | undefined, before: number | undefined): number =>
  now === undefined ? 0 : counterDifference(now, before)

/** What happened between two samples. */
export interface Interval {
  readonly seconds: number
  readonly instances: Readonly<Record<string, InstanceInterval>>
  /** CPU utilization by host. */
  readonly hosts: Readonly<Record<string, number>>
}

export interface InstanceInterval {
  readonly cpuSeconds: number
  readonly visits: number
  readonly hits: number
  readonly misses: number
  /** At the end of the interval. */
  readonly now: InstanceSample
  readonly poolTimeouts: Readonly<Record<string, number>>
  /** Executions by step. */
  readonly steps: Readonly<Record<string, { readonly count: number }>>
}

const nothing: InstanceSample = { cpuSeconds: 0, memoryBytes: 0 }

export const interval = (before: SystemSample, after: SystemSample): Interval => {
  const instances = Object.entries(after.instances).map(([id, now]): readonly [string, InstanceInterval] => {
    const was = before.instances[id] ?? nothing
    return [
      id,
      {
        cpuSeconds: grown(now.cpuSeconds, was.cpuSeconds),
        visits: grown(now.visits, was.visits),
        hits: grown(now.hits, was.hits),
        misses: grown(now.misses, was.misses),
        now,
        steps: Object.fromEntries(
          Object.entries(now.steps ?? {}).map(([id, step]) => [
            id,
            { count: grown(step.count, was.steps?.[id]?.count) },
          ]),
        ),
        poolTimeouts: Object.fromEntries(
          Object.entries(now.pools ?? {}).map(([id, pool]) => [id, grown(pool.timeouts, was.pools?.[id]?.timeouts)]),
        ),
      },
    ]
  })
  const hosts = Object.entries(after.hosts).map(([id, now]): readonly [string, number] => {
    const was = before.hosts[id]
    const capacity = now.capacitySeconds - (was?.capacitySeconds ?? 0)
    return [id, capacity > 0 ? clamp((now.busySeconds - (was?.busySeconds ?? 0)) / capacity) : 0]
  })
  return {
    seconds: after.at - before.at,
    instances: Object.fromEntries(instances),
    hosts: Object.fromEntries(hosts),
  }
}

const clamp = (ratio: number): number => Math.min(1, Math.max(0, ratio))

const share = (cpuSeconds: number, cores: number, seconds: number): number =>
  cores > 0 && seconds > 0 ? cpuSeconds / (cores * seconds) : 0

interface PoolSum {
  inUse: number
  waiting: number
  timeouts: number
}

/** Sums of the pools of a component's instances, at the end of an interval (timeouts: during it). */
const poolSums = (instances: readonly InstanceInterval[]): Record<string, PoolSum> => {
  const pools: Record<string, PoolSum> = {}
  for (const instance of instances)
    for (const [id, pool] of Object.entries(instance.now.pools ?? {})) {
      pools[id] ??= { inUse: 0, waiting: 0, timeouts: 0 }
      const sum = pools[id]
      sum.inUse += pool.inUse
      sum.waiting += pool.waiting
      sum.timeouts += instance.poolTimeouts[id] ?? 0
    }
  return pools
}

const ratioOrNull = (hits: number, misses: number): number | null => (hits + misses > 0 ? hits / (hits + misses) : null)

const total = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0)

/** Executions by step over all instances. */
const stepCounts = (instances: Interval['instances']): Readonly<Record<string, { readonly count: number }>> => {
  const counts: Record<string, { count: number }> = {}
  for (const instance of Object.values(instances))
    for (const [id, { count }] of Object.entries(instance.steps))
      counts[id] = { count: (counts[id]?.count ?? 0) + count }
  return counts
}

/** One component in one second. `ready`: instances that are up; `facts` of the topology's steps tell hits at caches. */
export const componentSecond = (
  component: string,
  placement: Placement,
  { instances, seconds }: Interval,
  ready: number,
  facts: ReadonlyMap<string, StepFact>,
): ComponentSecond => {
  const ids = instancesOf(placement, component)
  const seen = ids.flatMap((id) => instances[id] ?? [])
  const pools = poolSums(seen)
  const isService = [...facts.values()].some((fact) => fact.service === component)
  const lookups = isService ? { hits: 0, misses: 0 } : lookupsAt(component, facts, stepCounts(instances))
  const hitRatio = ratioOrNull(
    lookups?.hits ?? total(seen, (instance) => instance.hits),
    lookups?.misses ?? total(seen, (instance) => instance.misses),
  )
  return {
    cpu: share(
      total(seen, (instance) => instance.cpuSeconds),
      usableCores(placement, ids),
      seconds,
    ),
    memoryBytes: total(seen, (instance) => instance.now.memoryBytes),
    queue: total(seen, (instance) => instance.now.inFlight ?? 0),
    ready,
    ...(Object.keys(pools).length === 0 ? {} : { pools }),
    ...(hitRatio === null ? {} : { hitRatio }),
  }
}

export interface ComponentContext {
  readonly placement: Placement
  /** Memory that it may use; undefined: no limit is known. */
  readonly memoryLimitBytes: number | undefined
  /** Hits and misses of the lookups that it answered, as the flows saw them; undefined: the server's own; null: no cache. */
  readonly lookups: { readonly hits: number; readonly misses: number } | undefined | null
  /** Executions of the steps that aim at it: a server may count late, or take its last counts with it when it dies. */
  readonly stepVisits?: number
  readonly restarts: (instance: string) => number
  /** Connections of a pool in use and waited for, on average, from the steps; undefined: only samples tell. */
  readonly occupancy?: (pool: string, seconds: number) => number | undefined
}

/** One component over the measured part, given as its intervals in order. */
export const componentResult = (
  component: string,
  intervals: readonly Interval[],
  context: ComponentContext,
): ComponentResult => {
  const { placement } = context
  const ids = instancesOf(placement, component)
  const seconds = total(intervals, (interval) => interval.seconds)
  const sum = (id: string, value: (instance: InstanceInterval) => number): number =>
    total(intervals, ({ instances }) => {
      const instance = instances[id]
      return instance === undefined ? 0 : value(instance)
    })
  const instances = ids.map((id) => ({
    id,
    cpuSeconds: sum(id, (instance) => instance.cpuSeconds),
    visits: sum(id, (instance) => instance.visits),
    restarts: context.restarts(id),
  }))
  const cpuSeconds = total(instances, (instance) => instance.cpuSeconds)
  const perInterval = intervals.map((interval) => {
    const seen = ids.flatMap((id) => interval.instances[id] ?? [])
    return {
      seconds: interval.seconds,
      queue: total(seen, (instance) => instance.now.inFlight ?? 0),
      memory: total(seen, (instance) => instance.now.memoryBytes),
      pools: poolSums(seen),
    }
  })
  const mean = (value: (one: (typeof perInterval)[number]) => number): number =>
    seconds > 0 ? total(perInterval, (one) => value(one) * one.seconds) / seconds : 0
  const pools = [...new Set(perInterval.flatMap((one) => Object.keys(one.pools)))]
  const inUse = (pool: string): number => {
    const occupied = context.occupancy?.(pool, seconds)
    if (occupied === undefined) return mean((one) => one.pools[pool]?.inUse ?? 0)
    return Math.max(0, occupied - mean((one) => one.pools[pool]?.waiting ?? 0))
  }
  const memoryBytes = mean((one) => one.memory)
  const { lookups, memoryLimitBytes } = context
  const counted = (what: 'hits' | 'misses'): number => total(ids, (id) => sum(id, (instance) => instance[what]))
  const visits = total(instances, (instance) => instance.visits)
  return {
    replicas: ids.length,
    utilization: {
      cpu: share(cpuSeconds, usableCores(placement, ids), seconds),
      memory: memoryLimitBytes === undefined ? null : memoryBytes / memoryLimitBytes,
    },
    cpuSeconds,
    memoryBytes,
    queue: { mean: mean((one) => one.queue), max: Math.max(0, ...perInterval.map((one) => one.queue)) },
    pools: Object.fromEntries(
      pools.map((id) => [
        id,
        {
          inUse: inUse(id),
          waiting: mean((one) => one.pools[id]?.waiting ?? 0),
          timeouts: total(perInterval, (one) => one.pools[id]?.timeouts ?? 0),
        },
      ]),
    ),
    hitRatio:
      lookups === null ? null : ratioOrNull(lookups?.hits ?? counted('hits'), lookups?.misses ?? counted('misses')),
    throughputPerSecond: seconds > 0 ? Math.max(visits, context.stepVisits ?? 0) / seconds : 0,
    instances,
  }
}

/** Steps between two samples, over all instances. */
export const stepResults = (before: SystemSample, after: SystemSample): Readonly<Record<string, StepResult>> => {
  const parts = new Map<string, StepCounters[]>()
  for (const [instance, sample] of Object.entries(after.instances))
    for (const [id, now] of Object.entries(sample.steps ?? {})) {
      const ofStep = parts.get(id) ?? []
      parts.set(id, ofStep)
      ofStep.push(stepDifference(now, before.instances[instance]?.steps?.[id]))
    }
  return Object.fromEntries([...parts].map(([id, ofStep]) => [id, sumSteps(ofStep)]))
}

/**
 * Mean connections of a pool in use or waited for, by Little's law: Σ time that steps spent on it / seconds. A sample each
 * second would miss most of them. Undefined: transactions hold connections across steps, so their times overlap.
 */
export const poolOccupancy = (
  service: string,
  pool: string,
  facts: ReadonlyMap<string, StepFact>,
  steps: Readonly<Record<string, StepResult>>,
  seconds: number,
): number | undefined => {
  const ofService = [...facts.values()].filter((fact) => fact.service === service)
  if (seconds <= 0 || ofService.some((fact) => fact.kind === 'transaction')) return undefined
  return (
    total(
      ofService.filter((fact) => fact.pool === `${service}/${pool}`),
      (fact) => (steps[fact.id]?.count ?? 0) * (steps[fact.id]?.latency?.mean ?? 0),
    ) / seconds
  )
}

/** What the flows found in a cache: a miss is an execution of the first step of a lookup's miss path. */
export const lookupsAt = (
  component: string,
  facts: ReadonlyMap<string, StepFact>,
  steps: Readonly<Record<string, { readonly count: number }>>,
): { readonly hits: number; readonly misses: number } | undefined => {
  const lookups = [...facts.values()].filter((fact) => fact.kind === 'lookup' && fact.burns === component)
  if (lookups.length === 0 || lookups.some((fact) => fact.firstMiss === undefined)) return undefined
  const counts = lookups.map((fact) => {
    const misses = steps[fact.firstMiss ?? '']?.count ?? 0
    return { hits: Math.max(0, (steps[fact.id]?.count ?? 0) - misses), misses }
  })
  return { hits: total(counts, ({ hits }) => hits), misses: total(counts, ({ misses }) => misses) }
}

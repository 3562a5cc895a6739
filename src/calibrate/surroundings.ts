/** What a measured run tells beside demand: in how many turns visits are served, how late the generator was, who else was there. */
import type { RunResult } from '../result/run-result.js'
import type { StepFact } from '../topology/steps.js'
import type { ComponentId, Topology } from '../topology/types.js'

export interface LatenessPoint {
  readonly ratePerSecond: number
  readonly p50Seconds: number
  readonly meanSeconds: number
  readonly samples: number
}

/**
 * By component: how often, on average, a process takes a visit in hand. A balancer and the generator do so when the request comes
 * and when the answer does; a store that lets its caller wait, before and after; a service when the request arrives and after
 * each answer of a store or another service.
 */
export const turnsOf = (
  result: RunResult,
  topology: Topology,
  facts: ReadonlyMap<string, StepFact>,
): Readonly<Record<ComponentId, number>> => {
  const turns: Record<ComponentId, number> = { generator: 2 }
  const seconds = result.durationSeconds - result.warmupSeconds
  for (const { id, role } of Object.values(topology.components)) {
    if (role === 'balancer') turns[id] = 2
    if (role === 'store') turns[id] = waitShare(result, id, facts) > 0 ? 2 : 1
    const visits = (result.components[id]?.throughputPerSecond ?? 0) * seconds
    if (role === 'service' && visits > 0) turns[id] = 1 + answersTo(result, id, [...facts.values()]) / visits
  }
  return turns
}

/** Share of a store's visits that make their caller wait by themselves. */
const waitShare = (result: RunResult, store: ComponentId, facts: ReadonlyMap<string, StepFact>): number => {
  const here = [...facts.values()].filter((fact) => fact.burns === store && fact.service !== store)
  const counted = (fact: StepFact): number => fact.exchanges * (result.steps[fact.id]?.count ?? 0)
  const all = here.reduce((sum, fact) => sum + counted(fact), 0)
  const waiting = here.reduce((sum, fact) => sum + (fact.waitSeconds > 0 ? counted(fact) : 0), 0)
  return all > 0 ? waiting / all : 0
}

/** Answers that the service waited for: of its calls, and of the second call in which a look-up stores what it missed. */
export const answersTo = (result: RunResult, service: ComponentId, facts: readonly StepFact[]): number => {
  let answers = 0
  for (const fact of facts) {
    if (fact.service !== service) continue
    const count = result.steps[fact.id]?.count ?? 0
    answers += count * (fact.kind === 'call' ? 1 : fact.exchanges)
    const missed = fact.firstMiss === undefined ? undefined : result.steps[fact.firstMiss]
    if (missed !== undefined) answers += missed.count - missed.errors
  }
  return answers
}

/** A generator that waits for answers, and not for the time, cannot be late. */
export const latenessOf = ({ generator, requests }: RunResult): LatenessPoint | undefined => {
  const { mean, p50 } = generator.lag
  const { all } = requests
  if (mean === undefined || all === undefined || !(p50 > 0) || !(mean > 0)) return undefined
  return { ratePerSecond: all.ratePerSecond, p50Seconds: p50, meanSeconds: Math.max(mean, p50), samples: all.offered }
}

/** Share of its host's cores that something beside the components and the generator used: plimsoll itself, the kernel. */
export const backgroundOf = (result: RunResult): number => {
  const seconds = result.durationSeconds - result.warmupSeconds
  const shares = Object.entries(result.hosts).map(([host, { utilization }]) => {
    const capacity = (result.placement.hosts[host]?.cpu ?? 0) * seconds
    const here = (id: string): boolean => result.placement.instances[id]?.host === host
    const ours = Object.values(result.components)
      .flatMap(({ instances }) => instances)
      .reduce((sum, { id, cpuSeconds }) => sum + (here(id) ? cpuSeconds : 0), 0)
    const generator = here('generator') ? result.generator.cpuSeconds : 0
    return capacity > 0 ? utilization.cpu - (ours + generator) / capacity : 0
  })
  return Math.max(0, ...shares)
}

/**
 * By component (and `generator`): the share of the cores it may use that was busy. A component that is pinned shares them with whom is
 * pinned to one of them; any other, with the whole host, or it has its quota, whichever is busier. Undefined: it is on several hosts, or on none.
 */
export const busyShares = (result: RunResult): ((component: string) => number | undefined) => {
  const { placement, components, generator, hosts } = result
  const seconds = result.durationSeconds - result.warmupSeconds
  const used = new Map(
    Object.values(components)
      .flatMap(({ instances }) => instances)
      .map(({ id, cpuSeconds }) => [id, cpuSeconds]),
  ).set('generator', generator.cpuSeconds)
  const coresOf = (id: string): readonly number[] => placement.instances[id]?.pin ?? []
  return (component) => {
    const own = [...used.keys()].filter((id) => id === component || id.startsWith(`${component}/`))
    const places = new Set(own.map((id) => placement.instances[id]?.host))
    const [host] = places
    if (places.size !== 1 || host === undefined) return undefined
    const cores = new Set(own.flatMap(coresOf))
    const quota = own.reduce((sum, id) => sum + (placement.instances[id]?.quota ?? Number.POSITIVE_INFINITY), 0)
    const ofQuota = own.reduce((sum, id) => sum + (used.get(id) ?? 0), 0) / seconds / quota
    if (cores.size === 0 || own.some((id) => coresOf(id).length === 0)) {
      const ofHost = hosts[host]?.utilization.cpu
      return ofHost === undefined ? undefined : Math.min(1, Math.max(ofHost, ofQuota))
    }
    let busy = 0
    for (const [id, cpuSeconds] of used)
      if (placement.instances[id]?.host === host && coresOf(id).some((core) => cores.has(core))) busy += cpuSeconds
    return seconds > 0 ? Math.min(1, busy / seconds / cores.size) : undefined
  }
}

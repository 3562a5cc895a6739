/** How the numbers of one component come about: each formula, with the numbers of the file in it. */
import { number, percent, perSecond, seconds } from '../lib/words.js'
import { erlangC } from '../sim/analytic/erlang.js'
import type { Topology } from '../topology/types.js'
import type { CapacityPlan, Limit } from './types.js'

export interface Explanation {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'Explanation'
  readonly component: string
  /** In the order in which one follows from the other. */
  readonly lines: readonly { readonly of: string; readonly formula: string; readonly result: string }[]
}

type Line = Explanation['lines'][number]

/** What is less than a picosecond (or as rare) is nothing to a reader. */
const orUnbounded = (value: number | null, write: (value: number) => string): string =>
  value === null ? 'without bound' : write(value < 1e-12 ? 0 : value)

/** What each class asks of it: visits and CPU per request. */
const demandLines = (plan: CapacityPlan, id: string): readonly Line[] =>
  Object.entries(plan.requests).flatMap(([request, { arrivalRatePerSecond }]): readonly Line[] => {
    const row = plan.demand.requests[request]?.[id]
    if (row === undefined || row.visits === 0) return []
    const wait = row.waitSeconds > 0 ? ` and ${seconds(row.waitSeconds)} without CPU` : ''
    return [
      {
        of: `demand of ${request}`,
        formula: `${number(row.visits)} visits × ${seconds(row.cpuSeconds / row.visits)} of CPU${wait}`,
        result: `${seconds(row.cpuSeconds)} per request, ${perSecond(arrivalRatePerSecond)}`,
      },
    ]
  })

const limitLines = (plan: CapacityPlan, limits: readonly Limit[]): readonly Line[] => {
  const rate = plan.demand.throughputPerSecond
  return limits.flatMap((limit): readonly Line[] => {
    const { servers, demandSeconds, maxThroughputPerSecond: max, kind } = limit
    const isRate = kind === 'rate-limit'
    const demand = isRate ? `${number(demandSeconds)} visits` : seconds(demandSeconds)
    return [
      {
        of: `utilization (${kind})`,
        formula: `U = X·D/c = ${perSecond(rate)} × ${demand} / ${isRate ? perSecond(servers) : number(servers)}`,
        result: percent(limit.utilization),
      },
      {
        of: `at most (${kind})`,
        formula: `X ≤ c/D = ${isRate ? perSecond(servers) : number(servers)} / ${demand}; ${limit.sentence}`,
        result: orUnbounded(max, perSecond),
      },
    ]
  })
}

/** The wait of M/M/c, for orientation: what the network computes, contention on shared cores included, is the residence time. */
const queueLines = (plan: CapacityPlan, id: string): readonly Line[] => {
  const component = plan.components[id]
  if (component === undefined || component.servers === null || component.arrivalRatePerSecond === 0) return []
  const { arrivalRatePerSecond: rate, demandSeconds, visitsPerRequest, servers } = component
  const service = visitsPerRequest > 0 ? demandSeconds / visitsPerRequest : 0
  const offered = rate * service
  if (!Number.isInteger(servers) || service === 0 || offered >= servers) return []
  const waiting = erlangC(servers, offered)
  return [
    {
      of: 'offered load',
      formula: `a = λ·S = ${perSecond(rate)} × ${seconds(service)}`,
      result: `${number(offered)} of ${number(servers)}`,
    },
    {
      of: 'P(wait), M/M/c',
      formula: `C(c, a) = C(${number(servers)}, ${number(offered)}) (Erlang C)`,
      result: percent(waiting),
    },
    {
      of: 'wait, M/M/c',
      formula: `Wq = C·S/(c − a) = ${percent(waiting)} × ${seconds(service)} / ${number(servers - offered)}`,
      result: seconds((waiting * service) / (servers - offered)),
    },
  ]
}

const poolLines = (plan: CapacityPlan, id: string): readonly Line[] =>
  Object.entries(plan.pools).flatMap(([name, pool]): readonly Line[] => {
    if (!name.startsWith(`${id}.`) || pool.arrivalRatePerSecond === 0) return []
    return [
      {
        of: `pool ${name}`,
        formula: `N = λ·hold = ${perSecond(pool.arrivalRatePerSecond)} × ${orUnbounded(pool.holdSeconds, seconds)}`,
        result: `${pool.holdSeconds === null ? 'all' : number(pool.arrivalRatePerSecond * pool.holdSeconds)} of ${number(pool.servers)} in use`,
      },
      {
        of: `wait for ${name}`,
        formula: `P(wait) = ${orUnbounded(pool.waitProbability, percent)}`,
        result: orUnbounded(pool.waitSeconds, seconds),
      },
    ]
  })

/** Undefined: the topology has no such component, or nothing of it is computed. */
export const explain = (topology: Topology, plan: CapacityPlan, id: string): Explanation | undefined => {
  const component = plan.components[id]
  if (component === undefined || topology.components[id] === undefined) return undefined
  const { throughputPerSecond: rate } = plan.demand
  const lines: readonly Line[] = [
    {
      of: 'arrival rate',
      formula: `λ = X·V = ${perSecond(rate)} × ${number(component.visitsPerRequest)} visits per request`,
      result: perSecond(component.arrivalRatePerSecond),
    },
    ...demandLines(plan, id),
    {
      of: 'demand',
      formula: 'D = Σ share × visits × CPU of a visit',
      result: `${seconds(component.demandSeconds)} per request of the mix (${component.origin})`,
    },
    ...queueLines(plan, id),
    {
      of: 'time there',
      formula: 'R of one visit, queueing and sharing of cores included (docs/model.md)',
      result: orUnbounded(component.residenceSeconds, seconds),
    },
    {
      of: 'in it',
      formula: `N = λ·R = ${perSecond(component.arrivalRatePerSecond)} × ${orUnbounded(component.residenceSeconds, seconds)} (Little)`,
      result: orUnbounded(component.concurrency, number),
    },
    ...limitLines(
      plan,
      plan.limits.filter((limit) => limit.id === id || limit.id.startsWith(`${id}.`)),
    ),
    ...poolLines(plan, id),
  ]
  return { apiVersion: 'plimsoll/v1', kind: 'Explanation', component: id, lines }
}

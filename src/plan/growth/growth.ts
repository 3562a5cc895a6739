/** When growth reaches what a system carries: the date of each limit, the cheapest step there, and what a planned path is worth. */
import { PlimsollError } from '../../lib/errors.js'
import type { Growth, Phase, Topology } from '../../topology/types.js'
import { capacityPlan } from '../capacity.js'
import { remediesOf } from '../moves.js'
import type { CapacityPlan, Limit } from '../types.js'
import type { Fitted } from './history.js'
import { monthsUntil } from './trend.js'

/** Times are months from `from`. */
export interface GrowthPlan {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'GrowthPlan'
  readonly topology: { readonly name: string; readonly digest: string }
  /** When the declared traffic holds, ISO. */
  readonly from: string
  readonly horizonMonths: number
  readonly rate: {
    readonly perMonth: number
    readonly low: number
    readonly high: number
    readonly origin: 'declared' | 'fitted'
  }
  readonly seasonal: boolean
  /** Requests of the mix per second, and users, at `from`. */
  readonly load: { readonly ratePerSecond: number; readonly users: number | null }
  /** Earliest first; what the horizon does not reach comes last. */
  readonly crossings: readonly Crossing[]
  readonly milestones: readonly Milestone[]
  readonly phases: readonly PhaseJudgement[]
}

export interface Crossing {
  /** `edge` exhausted, `view p95` broken, headroom used up, a trigger that fires. */
  readonly kind: 'limit' | 'objective' | 'headroom' | 'trigger'
  readonly subject: string
  readonly what: string
  readonly ratePerSecond: number
  readonly users: number | null
  /** Of the declared load. */
  readonly factor: number
  /** Months until then at the expected rate, and at the ends of its interval; null: never, or beyond what is looked at. */
  readonly months: { readonly early: number | null; readonly expected: number | null; readonly late: number | null }
  readonly step: StepAdvice | null
}

export interface StepAdvice {
  /** Null: nothing that a number says; `decision` tells what. */
  readonly words: string | null
  readonly settings: readonly string[]
  readonly costPerMonth: number | null
  /** Requests per second that are carried then. */
  readonly liftsTo: number | null
  readonly decision: string | null
}

export interface Milestone {
  readonly users: number | null
  readonly ratePerSecond: number
  /** What is exhausted first there, and with what utilization; null: nothing. */
  readonly exhausted: string | null
  readonly sentence: string | null
  /** Everything that is asked for more than the policy leaves of it, tightest first, with the utilization that this load would need. */
  readonly over: readonly { readonly id: string; readonly utilization: number }[]
}

export interface PhaseJudgement {
  readonly name: string
  readonly users: number | null
  readonly ratePerSecond: number
  readonly set: readonly string[]
  /** What binds before and after it. */
  readonly before: { readonly bottleneck: string | null; readonly maxPerSecond: number | null }
  readonly after: { readonly bottleneck: string | null; readonly maxPerSecond: number | null }
  readonly costPerMonth: number
  /** Does it lift the limit that binds then? */
  readonly lifts: boolean
  /** Is the load at which it comes carried with it? */
  readonly carries: boolean
}

export interface GrowthInput {
  readonly topology: Topology
  readonly plan: CapacityPlan
  readonly growth: Pick<Growth, 'ratePerMonth' | 'spreadPerMonth' | 'season' | 'horizonMonths' | 'phases'>
  readonly fitted: Fitted | undefined
  /** ISO day on which the declared traffic holds. */
  readonly from: string
  /** The topology with these settings, as `--set` takes them. Throws PlimsollError where they are wrong, or do not go together. */
  readonly parse: (settings: readonly string[]) => Topology
}

type Load = { readonly ratePerSecond: number; readonly users: number | null }

/** Users of closed traffic grow; the load of an open one. */
const factorOf = (load: Load, at: Load): number =>
  load.users !== null && at.users !== null ? at.users / load.users : at.ratePerSecond / load.ratePerSecond

/** How many times as much a step is to carry, so that it is worth its while. */
const stride = 1.5

/** Undefined: the file would not be valid so. */
const allowed = (parse: () => Topology): Topology | undefined => {
  try {
    return parse()
  } catch (error) {
    if (error instanceof PlimsollError) return undefined
    throw error
  }
}

const adviceAt = (input: GrowthInput, limit: Limit | undefined): StepAdvice | null => {
  if (limit === undefined) return null
  const { moves, decision } = remediesOf(input.topology, limit, stride)
  const base = input.plan
  const tried = moves.flatMap((move) => {
    const topology = allowed(() => input.parse(move.settings))
    if (topology === undefined) return []
    const plan = capacityPlan(topology)
    const after =
      plan.limits.find(({ id, kind }) => id === limit.id && kind === limit.kind)?.maxThroughputPerSecond ?? null
    const lifts = after === null || after > (limit.maxThroughputPerSecond ?? 0) * (1 + 1e-9)
    return lifts ? [{ move, plan, cost: plan.cost.perMonth - base.cost.perMonth }] : []
  })
  // What costs nothing first, then what carries most for its price.
  const best = tried.toSorted(
    (a, b) =>
      a.cost - b.cost || (b.plan.maxThroughputPerSecond ?? Infinity) - (a.plan.maxThroughputPerSecond ?? Infinity),
  )[0]
  if (best === undefined)
    return {
      words: null,
      settings: [],
      costPerMonth: null,
      liftsTo: null,
      decision: decision ?? `nothing that one number says lifts ${limit.id}`,
    }
  return {
    words: best.move.words,
    settings: best.move.settings,
    costPerMonth: best.cost,
    liftsTo: best.plan.maxThroughputPerSecond,
    decision: null,
  }
}

/** The limit that is tightest among those that bind at or before this load. */
const limitAt = ({ limits }: CapacityPlan, ratePerSecond: number): Limit | undefined =>
  limits.find(({ maxThroughputPerSecond: max }) => max !== null && max <= ratePerSecond * (1 + 1e-6)) ?? limits[0]

const loadOf = ({ demand }: CapacityPlan): Load => ({ ratePerSecond: demand.throughputPerSecond, users: demand.users })

/** Users that make this throughput when nobody waits: N = X·(R + Z), with the response alone. */
const usersAt = (plan: CapacityPlan, ratePerSecond: number): number | null => {
  const { thinkSeconds } = plan.demand
  if (thinkSeconds === null) return null
  const alone = Object.values(plan.requests).reduce(
    (sum, { share, minResidenceSeconds }) => sum + share * minResidenceSeconds,
    0,
  )
  return ratePerSecond * (alone + thinkSeconds)
}

const crossingsOf = (input: GrowthInput): readonly Crossing[] => {
  const { plan, growth, fitted, from } = input
  const load = loadOf(plan)
  const rate = ratesOf(input)
  const made: { kind: Crossing['kind']; subject: string; what: string; at: Load }[] = []
  for (const { id, maxThroughputPerSecond: max, sentence } of plan.limits.slice(0, 6))
    if (max !== null)
      made.push({
        kind: 'limit',
        subject: id,
        what: `exhausted: ${sentence}`,
        at: { ratePerSecond: max, users: usersAt(plan, max) },
      })
  for (const { request, path, breaks } of plan.objectives)
    if (breaks !== null)
      made.push({
        kind: 'objective',
        subject: request,
        what: `${path} no longer holds`,
        at: { ratePerSecond: breaks.ratePerSecond, users: breaks.users ?? usersAt(plan, breaks.ratePerSecond) },
      })
  for (const { component, metric, fires } of plan.triggers)
    if (fires !== null)
      made.push({
        kind: 'trigger',
        subject: component,
        what: `scales out by ${metric}`,
        at: { ratePerSecond: fires.ratePerSecond, users: fires.users ?? usersAt(plan, fires.ratePerSecond) },
      })
  const { headroom } = input.topology.policy
  if (plan.maxThroughputPerSecond !== null && headroom > 0) {
    const max = plan.maxThroughputPerSecond * (1 - headroom)
    made.push({
      kind: 'headroom',
      subject: plan.bottleneck ?? '',
      what: `less than ${Math.round(headroom * 100)} % is left free`,
      at: { ratePerSecond: max, users: usersAt(plan, max) },
    })
  }
  const season = growth.season ?? fitted?.season
  const advised = new Map<string, StepAdvice | null>()
  return made
    .map(({ kind, subject, what, at }): Crossing => {
      const factor = factorOf(load, at)
      const until = (perMonth: number): number | null => monthsUntil(factor, perMonth, { from, season })
      const limit =
        kind === 'limit'
          ? plan.limits.find(
              ({ id, maxThroughputPerSecond }) => id === subject && maxThroughputPerSecond === at.ratePerSecond,
            )
          : limitAt(plan, at.ratePerSecond)
      const key = limit === undefined ? '' : `${limit.id} ${limit.kind}`
      if (!advised.has(key)) advised.set(key, adviceAt(input, limit))
      return {
        kind,
        subject,
        what,
        ...at,
        factor,
        months: { early: until(rate.high), expected: until(rate.perMonth), late: until(rate.low) },
        step: kind === 'trigger' ? null : (advised.get(key) ?? null),
      }
    })
    .toSorted((a, b) => a.factor - b.factor)
}

const ratesOf = ({ growth, fitted }: GrowthInput): GrowthPlan['rate'] => {
  if (fitted !== undefined)
    return { perMonth: fitted.ratePerMonth, low: fitted.low, high: fitted.high, origin: 'fitted' }
  const spread = growth.spreadPerMonth ?? 0
  return {
    perMonth: growth.ratePerMonth,
    low: growth.ratePerMonth - spread,
    high: growth.ratePerMonth + spread,
    origin: 'declared',
  }
}

/** Loads that owners ask about: now, twice, two and a half times and five times as much. */
const multiples = [1, 2, 2.5, 5] as const

/** The throughput that so many users ask for, if nothing held them up. */
const askedBy = (plan: CapacityPlan, users: number): number => {
  const each = usersAt(plan, 1)
  return each === null || each === 0 ? plan.demand.throughputPerSecond : users / each
}

const milestone = (plan: CapacityPlan, at: Load, headroom: number): Milestone => {
  const over = plan.limits.flatMap(({ id, maxThroughputPerSecond: max }) =>
    max === null || at.ratePerSecond / max <= 1 - headroom ? [] : [{ id, utilization: at.ratePerSecond / max }],
  )
  const first = plan.limits.find(
    ({ maxThroughputPerSecond: max }) => max !== null && at.ratePerSecond >= max * (1 - 1e-9),
  )
  return { ...at, exhausted: first?.id ?? null, sentence: first?.sentence ?? null, over }
}

/** Users of closed traffic become the rate that they would ask for. */
const loadAt = (plan: CapacityPlan, at: Phase['at']): Load => {
  if (at.users === undefined) return { ratePerSecond: at.ratePerSecond ?? 0, users: null }
  return { users: at.users, ratePerSecond: askedBy(plan, at.users) }
}

const judgePhases = ({ plan, growth, parse }: GrowthInput): readonly PhaseJudgement[] => {
  let before = plan
  let settings: readonly string[] = []
  return (growth.phases ?? []).map((phase): PhaseJudgement => {
    settings = [...settings, ...phase.set]
    const after = capacityPlan(parse(settings))
    const at = loadAt(before, phase.at)
    const binding = before.bottleneck
    const lifted =
      after.limits.find(({ id, kind }) => id === binding && kind === before.limits[0]?.kind)?.maxThroughputPerSecond ??
      null
    const was = before.maxThroughputPerSecond
    const judged: PhaseJudgement = {
      name: phase.name,
      ...at,
      set: phase.set,
      before: { bottleneck: before.bottleneck, maxPerSecond: was },
      after: { bottleneck: after.bottleneck, maxPerSecond: after.maxThroughputPerSecond },
      costPerMonth: after.cost.perMonth - before.cost.perMonth,
      lifts: binding !== null && was !== null && (lifted === null || lifted > was * (1 + 1e-6)),
      carries: after.maxThroughputPerSecond === null || after.maxThroughputPerSecond >= at.ratePerSecond,
    }
    before = after
    return judged
  })
}

export const growthPlan = (input: GrowthInput): GrowthPlan => {
  const { topology, plan, growth, fitted, from } = input
  const load = loadOf(plan)
  const asked = load.users === null ? load.ratePerSecond : askedBy(plan, load.users)
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'GrowthPlan',
    topology: { name: topology.name, digest: topology.digest },
    from,
    horizonMonths: growth.horizonMonths,
    rate: ratesOf(input),
    seasonal: (growth.season ?? fitted?.season) !== undefined,
    load,
    crossings: crossingsOf(input),
    milestones: multiples.map((factor) =>
      milestone(
        plan,
        { ratePerSecond: asked * factor, users: load.users === null ? null : load.users * factor },
        topology.policy.headroom,
      ),
    ),
    phases: judgePhases(input),
  }
}

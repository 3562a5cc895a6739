/**
 * What distinguishes the visits of a component by what they are for. A run tells the CPU of a component only as a whole; runs with
 * different mixes tell it apart: O_r = s(λ_r) · Σ_k n_kr · w_k, with O the CPU-seconds of run r beyond those of its steps, n_k the visits
 * of kind k, s the demand of the mean visit at that load, and w_k what is sought.
 */
import type { RunResult } from '../result/run-result.js'
import { walk } from '../topology/flow.js'
import type { StepFact } from '../topology/steps.js'
import type { ComponentId, RequestClass, Topology } from '../topology/types.js'
import { byLoad } from './law.js'
import { answersTo } from './surroundings.js'

/** Visits by kind in one run: by request class, or by step of a database. */
export type Visits = Readonly<Record<string, number>>

export interface KindPoint {
  /** Requests per second, by which runs of one load know each other. */
  readonly load: number
  /** CPU-seconds per visit. */
  readonly seconds: number
  readonly visits: Visits
}

/** Runs whose mixes differ by less than this share of each kind tell nothing of the kinds. */
const distinctMixes = 0.05
/**
 * Relative standard deviation of the CPU per visit of a run, by which it counts against what one believes without it: that all are alike.
 * Runs that are more than the unknowns tell it themselves, but for luck not less than `least`.
 */
const noises = { unknown: 0.1, least: 0.02 } as const
/** Relative standard deviation of kinds around each other, before anything is known. */
const diversity = 1
const rounds = 200
const least = 0.05

const total = (visits: Visits): number => Object.values(visits).reduce((sum, count) => sum + count, 0)

/** Share of each kind among the visits of one run. */
const shares = (visits: Visits): Visits => {
  const all = total(visits)
  return Object.fromEntries(Object.entries(visits).map(([kind, count]) => [kind, count / all]))
}

const weightOf = (mix: Visits, factors: Visits): number =>
  Object.entries(mix).reduce((sum, [kind, share]) => sum + share * (factors[kind] ?? 1), 0)

/** Demand of the visits of this run against that of as many mean ones. */
export const mixFactor = (visits: Visits | undefined, factors: Visits | undefined): number =>
  visits === undefined || factors === undefined || !(total(visits) > 0) ? 1 : weightOf(shares(visits), factors)

/**
 * Factors by kind, 1 on average over the visits of all runs; undefined: there is one kind, or all runs had one mix. Least squares of the
 * relative errors, by turns of s for each load and of w, drawn towards 1 as far as the runs do not tell (ridge regression; Hoerl and
 * Kennard 1970).
 */
export const kindFactors = (points: readonly KindPoint[]): Visits | undefined => {
  const known = points.filter(({ visits, seconds }) => total(visits) > 0 && seconds > 0)
  const kinds = [...new Set(known.flatMap(({ visits }) => Object.keys(visits)))]
  const runs = known.map((point) => ({ ...point, mix: shares(point.visits) }))
  const differ = kinds.some((kind) => {
    const of = runs.map(({ mix }) => mix[kind] ?? 0)
    return Math.max(...of) - Math.min(...of) >= distinctMixes
  })
  if (kinds.length < 2 || !differ) return undefined
  const groups = byLoad(runs, ({ load }) => load)
  const freedom = runs.length - groups.length - (kinds.length - 1)
  let noise: number = noises.unknown
  let factors: Visits = Object.fromEntries(kinds.map((kind) => [kind, 1]))
  for (let round = 0; round < rounds; round++) {
    const relative = groups.flatMap((group) => {
      const mean = group.reduce((sum, run) => sum + run.seconds / weightOf(run.mix, factors), 0) / group.length
      return group.map(({ mix, seconds }) => ({ mix, demand: seconds / mean }))
    })
    if (freedom >= enoughFreedom && round >= rounds / 2) noise = noiseOf(relative, factors, freedom)
    factors = normalized(improved(factors, relative, noise), runs)
  }
  return factors
}

/** A run: the share of each kind, and its CPU per visit against the mean of its load. */
interface Relative {
  readonly mix: Visits
  readonly demand: number
}

/** Degrees of freedom from which on the scatter of runs tells something. */
const enoughFreedom = 3

const noiseOf = (runs: readonly Relative[], factors: Visits, freedom: number): number => {
  const squares = runs.reduce((sum, { mix, demand }) => sum + (demand / weightOf(mix, factors) - 1) ** 2, 0)
  return Math.max(noises.least, Math.sqrt(squares / freedom))
}

/** One round of coordinate descent: each factor at its best while the others stand. */
const improved = (factors: Visits, runs: readonly Relative[], noise: number): Visits => {
  const next: Record<string, number> = { ...factors }
  for (const kind of Object.keys(factors)) {
    let [above, below] = [1 / diversity ** 2, 1 / diversity ** 2]
    for (const { mix, demand } of runs) {
      const share = mix[kind] ?? 0
      const others = weightOf(mix, next) - share * (next[kind] ?? 1)
      above += (share * (demand - others)) / noise ** 2
      below += share ** 2 / noise ** 2
    }
    next[kind] = Math.max(least, above / below)
  }
  return next
}

const normalized = (factors: Visits, runs: readonly { readonly visits: Visits }[]): Visits => {
  const all: Record<string, number> = {}
  for (const { visits } of runs)
    for (const [kind, count] of Object.entries(visits)) all[kind] = (all[kind] ?? 0) + count
  const mean = weightOf(shares(all), factors)
  return Object.fromEntries(Object.entries(factors).map(([kind, factor]) => [kind, factor / mean]))
}

/** Others than clients call a component that has this many times as many visits as its classes have requests. */
const calledByOthers = 1.1

/** By component, its visits by kind; components of which all visits are alike, or nobody knows what for, are not there. */
export const visitsByKind = (
  result: RunResult,
  topology: Topology,
  facts: readonly StepFact[],
): Readonly<Record<ComponentId, Visits>> => {
  const attempts = (classes: readonly RequestClass[]): Visits =>
    Object.fromEntries(
      classes.flatMap(({ id }) => {
        const count = result.requests[id]?.attempts ?? 0
        return count > 0 ? [[id, count] as const] : []
      }),
    )
  const classes = Object.values(topology.requests)
  const seconds = result.durationSeconds - result.warmupSeconds
  const visits: Record<ComponentId, Visits> = { generator: attempts(classes) }
  for (const component of Object.values(topology.components)) {
    const { id, role } = component
    if (role === 'store') visits[id] = statements(result, id, facts)
    if (role !== 'service' && role !== 'balancer') continue
    const served = attempts(classes.filter((request) => pathOf(topology, request).has(id)))
    const told = (result.components[id]?.throughputPerSecond ?? 0) * seconds
    if (told <= calledByOthers * total(served)) visits[id] = served
  }
  return Object.fromEntries(Object.entries(visits).filter(([, counts]) => Object.keys(counts).length > 1))
}

/** Components that serve requests of the class, and not calls that these make. */
const pathOf = (topology: Topology, request: RequestClass): ReadonlySet<ComponentId> =>
  new Set(
    [...request.enter, request.serve].flatMap((id) => {
      const component = topology.components[id]
      return component?.role === 'balancer' ? [id, ...component.upstreams.map((upstream) => upstream.component)] : [id]
    }),
  )

/** Of a database: executions by step. A cache has visits that no step of its own tells. */
const statements = (result: RunResult, store: ComponentId, facts: readonly StepFact[]): Visits => {
  const asking = facts.filter((fact) => fact.burns === store && fact.service !== store && fact.exchanges > 0)
  if (asking.some(({ kind }) => kind === 'lookup')) return {}
  return Object.fromEntries(
    asking.flatMap(({ id, exchanges }) => {
      const count = exchanges * (result.steps[id]?.count ?? 0)
      return count > 0 ? [[id, count] as const] : []
    }),
  )
}

/** By request class, how often its service takes a request of it in hand. */
export const turnsByClass = (
  result: RunResult,
  topology: Topology,
  facts: ReadonlyMap<string, StepFact>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.values(topology.requests).flatMap(({ id, flow, serve }) => {
      const attempts = result.requests[id]?.attempts ?? 0
      const own = [...walk(flow)].flatMap((step) => facts.get(step.id) ?? [])
      return attempts > 0 ? [[id, 1 + answersTo(result, serve, own) / attempts] as const] : []
    }),
  )

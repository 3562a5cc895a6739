/** Which numbers of a file move latency and cost most: each by itself a tenth up (a count by one), all else as it is. */
import type { Parameter } from '../lib/document/parameters.js'
import type { Topology } from '../topology/types.js'
import { capacityPlan } from './capacity.js'
import type { CapacityPlan } from './types.js'

export interface Sensitivity {
  readonly path: string
  readonly from: string
  readonly to: string
  /** Relative changes; null: without bound before or after, or not there. */
  readonly p95: {
    /** The class whose 95th percentile moves most. */
    readonly request: string
    readonly change: number | null
    /** Change of the percentile over change of the parameter. */
    readonly elasticity: number | null
  } | null
  readonly cost: { readonly change: number; readonly elasticity: number } | null
}

const step = 0.1

/** Objectives and policies say what is wanted, not how the system is. */
const wishes = /^(policy|growth|requests\.[^.]+\.slo|requests\.[^.]+\.poll\.slo)(\.|$)/

const moved = ({ number, unit, text }: Parameter): readonly string[] => {
  const written = (value: number): string => `${Number(value.toPrecision(12))}${unit}`
  const isWhole = unit === '' && /^\d+$/.test(text)
  // A share that has no tenth to grow by is lowered, and so is a part of what must sum to 100 %.
  const up = isWhole ? written(Math.max(number + 1, Math.round(number * (1 + step)))) : written(number * (1 + step))
  const down = isWhole ? written(Math.min(number - 1, Math.round(number * (1 - step)))) : written(number * (1 - step))
  return [up, down]
}

const relative = (from: number, to: number): number =>
  from === to ? 0 : from === 0 ? Number.POSITIVE_INFINITY : to / from - 1

const p95Of = (base: CapacityPlan, head: CapacityPlan, by: number): Sensitivity['p95'] => {
  let most: NonNullable<Sensitivity['p95']> | null = null
  for (const [request, { p95Seconds: from }] of Object.entries(base.requests)) {
    const to = head.requests[request]?.p95Seconds ?? null
    if (from === null && to === null) continue
    const change = from === null || to === null || from === 0 ? null : relative(from, to)
    const found = { request, change, elasticity: change === null ? null : change / by }
    if (most === null || size(found.change) > size(most.change)) most = found
  }
  return most
}

/** What has no bound moves most of all. */
const size = (change: number | null): number => (change === null ? Number.POSITIVE_INFINITY : Math.abs(change))

/** `parse`: the topology with one number set; undefined: that value is not allowed there. Only parameters that move something. */
export const sensitivities = (
  base: CapacityPlan,
  parameters: readonly Parameter[],
  parse: (path: string, value: string) => Topology | undefined,
  plan: (topology: Topology) => CapacityPlan = capacityPlan,
): readonly Sensitivity[] =>
  parameters
    .filter(({ path, number }) => number > 0 && !wishes.test(path))
    .flatMap((parameter): readonly Sensitivity[] => {
      for (const to of moved(parameter)) {
        const topology = parse(parameter.path, to)
        if (topology === undefined) continue
        const head = plan(topology)
        const by = relative(parameter.number, Number.parseFloat(to))
        const p95 = p95Of(base, head, by)
        const change = relative(base.cost.perMonth, head.cost.perMonth)
        const cost = Number.isFinite(change) ? { change, elasticity: change / by } : null
        const still = (p95 === null || size(p95.change) < 1e-6) && Math.abs(cost?.change ?? 0) < 1e-9
        return still ? [] : [{ path: parameter.path, from: parameter.text, to, p95, cost }]
      }
      return []
    })

/** The largest effects on latency, and on cost. */
export const largest = (all: readonly Sensitivity[], count: number) => ({
  p95: all
    .filter(({ p95 }) => p95 !== null && size(p95.change) >= 1e-4)
    .toSorted((a, b) => size(b.p95?.elasticity ?? 0) - size(a.p95?.elasticity ?? 0))
    .slice(0, count),
  cost: all
    .filter(({ cost }) => Math.abs(cost?.change ?? 0) >= 1e-6)
    .toSorted((a, b) => Math.abs(b.cost?.elasticity ?? 0) - Math.abs(a.cost?.elasticity ?? 0))
    .slice(0, count),
})

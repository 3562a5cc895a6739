/**
 * Monte Carlo over the uncertain numbers of a file: each sample draws every one of them, independently of each other, and
 * is planned anew as if `--set` had set them. Only what is told with an interval is solved, not the whole plan.
 */
import { topologyPlacement } from '../../catalog/placement.js'
import { type PriceList, shippedPrices } from '../../catalog/prices/list.js'
import { parseSetting, type Setting } from '../../lib/document/settings.js'
import type { Topology } from '../../topology/types.js'
import { objectivePlans } from '../breaking.js'
import { solveDeclared } from '../capacity.js'
import { costPlan } from '../cost.js'
import type { CapacityPlan } from '../types.js'
import { drawsOf } from './triangular.js'
import type { Interval, Uncertainty } from './types.js'

/** The part of a plan that carries intervals. */
type Outcome = Pick<
  CapacityPlan,
  'maxThroughputPerSecond' | 'headroomRatio' | 'bottleneck' | 'requests' | 'objectives'
> & { readonly costPerMonth: number }

/** Relative width to which loads are sought: far below that of any interval. */
const width = 2e-3

const outcomeOf = (topology: Topology, prices: PriceList): Outcome => {
  const { maximum, headroomRatio, tightest, requests, operations, declared, demand } = solveDeclared(
    topology,
    topologyPlacement(topology),
  )
  return {
    maxThroughputPerSecond: maximum,
    headroomRatio,
    bottleneck: tightest?.id ?? null,
    requests,
    objectives: objectivePlans(operations, declared, width),
    costPerMonth: costPlan(operations, prices, { requests, demand }).perMonth,
  }
}

/** Of sorted values, between neighbours in proportion (type 7 of Hyndman & Fan 1996); null next to what has no bound. */
const quantile = (sorted: readonly number[], p: number): number | null => {
  const place = (sorted.length - 1) * p
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined || !Number.isFinite(above)) return null
  return Number((below + (above - below) * (place - Math.floor(place))).toPrecision(12))
}

/** What is null has no bound, and is more than anything. */
export const intervalOf = (mid: number | null, values: readonly (number | null)[]): Interval => {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
  return { mid, p5: quantile(sorted, 0.05), p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
}

const shareOf = (verdicts: readonly (boolean | null)[]): number | null => {
  const told = verdicts.filter((verdict) => verdict !== null)
  return told.length === 0 ? null : told.filter(Boolean).length / told.length
}

const frequencies = (ids: readonly (string | null)[]): Uncertainty['bottlenecks'] => {
  const counts = new Map<string | null, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts].map(([id, count]) => ({ id, share: count / ids.length })).sort((a, b) => b.share - a.share)
}

export interface UncertaintyRequest {
  readonly topology: Topology
  /** With every number in its middle. */
  readonly plan: CapacityPlan
  /** Undefined: the sample is not allowed. */
  readonly parse: (settings: readonly Setting[]) => Topology | undefined
  readonly prices?: PriceList | undefined
  readonly seed: number
  readonly samples: number
}

/** Null: nothing is uncertain. */
export const uncertaintyOf = (request: UncertaintyRequest): Uncertainty | null => {
  const { topology, plan, parse, prices = shippedPrices, seed } = request
  if (topology.uncertain.length === 0) return null
  const draws = topology.uncertain.map((number) => drawsOf(number, seed))
  const outcomes: Outcome[] = []
  for (let sample = 0; sample < request.samples; sample++) {
    const drawn = parse(draws.map(({ path, next }) => parseSetting(`${path}=${next()}`, 'drawn')))
    if (drawn !== undefined) outcomes.push(outcomeOf(drawn, prices))
  }
  const interval = (of: (outcome: Outcome | CapacityPlan) => number | null): Interval =>
    intervalOf(of(plan), outcomes.map(of))
  return {
    seed,
    samples: outcomes.length,
    refused: request.samples - outcomes.length,
    inputs: topology.uncertain.map(({ path, low, mid, high }) => ({
      path,
      low: low.text,
      mid: mid.text,
      high: high.text,
    })),
    maxThroughputPerSecond: interval((outcome) => outcome.maxThroughputPerSecond),
    headroomRatio: interval((outcome) => outcome.headroomRatio),
    headroomSuffices: shareOf(
      outcomes.map(({ headroomRatio }) => (headroomRatio === null ? null : headroomRatio >= topology.policy.headroom)),
    ),
    costPerMonth: intervalOf(
      plan.cost.perMonth,
      outcomes.map(({ costPerMonth }) => costPerMonth),
    ),
    bottlenecks: frequencies(outcomes.map(({ bottleneck }) => bottleneck)),
    requests: Object.fromEntries(
      Object.keys(plan.requests).map((id) => [
        id,
        {
          residenceSeconds: interval(({ requests }) => requests[id]?.residenceSeconds ?? null),
          p95Seconds: interval(({ requests }) => requests[id]?.p95Seconds ?? null),
        },
      ]),
    ),
    objectives: plan.objectives.map(({ request: id, path, bound }, i) => ({
      request: id,
      path,
      bound,
      predicted: interval(({ objectives }) => objectives[i]?.predicted ?? null),
      breaksAtPerSecond: interval(({ objectives }) => objectives[i]?.breaks?.ratePerSecond ?? null),
      holds: shareOf(outcomes.map(({ objectives }) => objectives[i]?.holds ?? null)),
    })),
  }
}

/**
 * A topology at some throughput of its mix, solved as an open network: what every "at which load does …" is read from. Closed traffic is asked about
 * in the same way: at throughput X its users are N = X·(R + Z) (interactive response time law), so that both have one axis.
 */
import type { Placement } from '../result/placement.js'
import type { HitRatios } from '../sim/analytic/network/hit-ratios.js'
import { maxThroughput } from '../sim/analytic/network/limits.js'
import { type Solved, type Solver, solverOf } from '../sim/analytic/network/solve.js'
import type { ComponentId, Topology, Traffic } from '../topology/types.js'

export interface Operation {
  readonly topology: Topology
  readonly placement: Placement
  /** Requests of the mix, polls not counted. */
  readonly ratePerSecond: number
  readonly hits: HitRatios
  readonly solved: Solved
}

/** A system under growing load: `at` remembers what it was asked for. */
export interface Operations {
  readonly topology: Topology
  readonly placement: Placement
  readonly solver: Solver
  readonly at: (ratePerSecond: number) => Operation
  /** Hardly any load at all. */
  readonly idle: Operation
  /** The throughput at which the tightest limit is exhausted; infinite: nothing limits. */
  readonly maxPerSecond: number
  /** What that is: a component, a pool, `host:db`. */
  readonly bottleneck: string | undefined
}

interface Tightest {
  readonly id: string
  readonly ratePerSecond: number
}

/**
 * `gone`: components that do not answer: lookups of them miss, and they limit nothing. `solver`: of this topology without them, where
 * there is one already.
 */
export const operationsOf = (
  topology: Topology,
  placement: Placement,
  gone: ReadonlyMap<ComponentId, unknown> = new Map(),
  solver: Solver = solverOf(topology, placement, 'shared', gone),
): Operations => {
  const known = new Map<number, Operation>()
  const at = (ratePerSecond: number): Operation => {
    let found = known.get(ratePerSecond)
    if (found === undefined) {
      const traffic: Traffic = { mode: 'open', ratePerSecond }
      found = { topology: { ...topology, traffic }, placement, ratePerSecond, ...solver.at(traffic) }
      known.set(ratePerSecond, found)
    }
    return found
  }
  // Any rate will do: limits know how their demand depends on it.
  const probe = topology.traffic?.mode === 'open' ? topology.traffic.ratePerSecond : 1
  const limits = at(probe > 0 ? probe : 1)
    .solved.limits.filter(({ id }) => !gone.has(id))
    .map((limit) => ({ id: limit.id, ratePerSecond: maxThroughput(topology, limit) }))
  const tightest = limits.reduce<Tightest | undefined>(
    (least, limit) => (least === undefined || limit.ratePerSecond < least.ratePerSecond ? limit : least),
    undefined,
  )
  const maxPerSecond = tightest?.ratePerSecond ?? Number.POSITIVE_INFINITY
  return {
    topology,
    placement,
    solver,
    at,
    get idle() {
      return at((Number.isFinite(maxPerSecond) ? maxPerSecond : 1) * 1e-6)
    },
    maxPerSecond,
    bottleneck: tightest !== undefined && Number.isFinite(tightest.ratePerSecond) ? tightest.id : undefined,
  }
}

/** Relative width to which a crossing is sought. */
const precision = 5e-4
const mostSteps = 60

interface Sample {
  readonly ratePerSecond: number
  readonly value: number
  /** bound/value − 1, positive while it holds. */
  readonly slack: number
}

/** Where the straight line through both ends' slack is zero. */
const straight = (low: Sample, high: Sample): number =>
  (low.ratePerSecond * high.slack - high.ratePerSecond * low.slack) / (high.slack - low.slack)

/**
 * Where (a + b·X)/(1 + c·X) through three samples is `bound`: waits of one queue, which grow with 1/(1 − ρ), it hits at once. It keeps the cross-ratio of
 * four points. Only the third may be infinite, its pole. No number: two of them are alike.
 */
const rational = (one: Sample, two: Sample, three: Sample, bound: number): number => {
  const beyond = Number.isFinite(three.value) ? (two.value - three.value) / (bound - three.value) : 1
  const ratio = (beyond * (bound - one.value)) / (two.value - one.value)
  const factor = (ratio * (two.ratePerSecond - one.ratePerSecond)) / (two.ratePerSecond - three.ratePerSecond)
  return (one.ratePerSecond - factor * three.ratePerSecond) / (1 - factor)
}

/**
 * The least throughput at which something that grows with load exceeds `bound`, known to `width` of itself; 0: it does so without any load; infinite: it does
 * not up to the limit of the system, or up to `horizon` where nothing limits. Each load that is tried lies between one that holds and one that does not:
 * where a rational function through the last three crosses the bound (Bus and Dekker, Algorithm R, 1975), or the middle where that does not halve
 * the interval in three steps, as of what jumps. Once the crossing is known to lie beside an end, a load just beyond it closes the interval.
 */
export const crossing = (
  operations: Operations,
  valueAt: (operation: Operation) => number,
  bound: number,
  horizonPerSecond = 1e9,
  width = precision,
): number => {
  const { at, idle, maxPerSecond } = operations
  const sample = (ratePerSecond: number, operation: Operation): Sample => {
    const value = valueAt(operation)
    if (!(value > bound)) return { ratePerSecond, value, slack: value > 0 ? Math.min(1e6, bound / value - 1) : 1e6 }
    return { ratePerSecond, value, slack: Number.isFinite(value) ? bound / value - 1 : -1 }
  }
  let low = sample(0, idle)
  if (low.value > bound) return 0
  const most = Number.isFinite(maxPerSecond) ? maxPerSecond * (1 - 1e-6) : horizonPerSecond
  let high = sample(most, at(most))
  if (!(high.value > bound)) return Number.POSITIVE_INFINITY
  /** The end that was given up last. */
  let former: Sample | undefined
  const gaps = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let i = 0; i < mostSteps; i++) {
    const gap = high.ratePerSecond - low.ratePerSecond
    if (gap <= width * high.ratePerSecond) break
    const inside = (rate: number): boolean => rate > low.ratePerSecond && rate < high.ratePerSecond
    const curved =
      former === undefined
        ? Number.NaN
        : Number.isFinite(former.value)
          ? rational(former, low, high, bound)
          : rational(low, high, former, bound)
    const guess = inside(curved) ? curved : straight(low, high)
    const isSlow = gap > (gaps[i] ?? gap) / 2
    gaps.push(gap)
    const least = Math.min(0.9 * width * high.ratePerSecond, gap / 2)
    const next =
      isSlow || !inside(guess)
        ? low.ratePerSecond + gap / 2
        : Math.min(high.ratePerSecond - least, Math.max(low.ratePerSecond + least, guess))
    const found = sample(next, at(next))
    if (found.value > bound) {
      former = high
      high = found
    } else {
      former = low
      low = found
    }
  }
  // Within the width a value grows by so much for each part of the way.
  const share = Math.log(bound / low.value) / Math.log(high.value / low.value)
  return low.ratePerSecond + (share >= 0 && share <= 1 ? share : 0.5) * (high.ratePerSecond - low.ratePerSecond)
}

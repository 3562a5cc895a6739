/**
 * A topology at some throughput of its mix, solved as an open network: what every "at which load does …" is read from. Closed traffic is asked about
 * in the same way: at throughput X its users are N = X·(R + Z) (interactive response time law), so that both have one axis.
 */
import type { Placement } from '../result/placement.js'
import type { HitRatios } from '../sim/analytic/network/hit-ratios.js'
import { maxThroughput } from '../sim/analytic/network/limits.js'
import { type Solved, solveTopology } from '../sim/analytic/network/solve.js'
import type { ComponentId, Topology } from '../topology/types.js'

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

/** `gone`: components that do not answer: lookups of them miss, and they limit nothing. */
export const operationsOf = (
  topology: Topology,
  placement: Placement,
  gone: ReadonlyMap<ComponentId, unknown> = new Map(),
): Operations => {
  const known = new Map<number, Operation>()
  const at = (ratePerSecond: number): Operation => {
    let found = known.get(ratePerSecond)
    if (found === undefined) {
      const open: Topology = { ...topology, traffic: { mode: 'open', ratePerSecond } }
      found = { topology: open, placement, ratePerSecond, ...solveTopology(open, placement, 'shared', gone) }
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

/**
 * The least throughput at which something that grows with load exceeds `bound`; 0: it does so without any load; infinite: it does not up to the
 * limit of the system, or up to `horizon` where nothing limits. By the Illinois method (Dowell and Jarratt 1971) on bound/value − 1: as waits grow with
 * 1/(1 − ρ), that is nearly a straight line, and few loads have to be solved.
 */
export const crossing = (
  operations: Operations,
  valueAt: (operation: Operation) => number,
  bound: number,
  horizonPerSecond = 1e9,
  width = precision,
): number => {
  const { at, idle, maxPerSecond } = operations
  /** Positive while it holds. */
  const slack = (value: number): number => {
    if (!(value > bound)) return value > 0 ? Math.min(1e6, bound / value - 1) : 1e6
    return Number.isFinite(value) ? bound / value - 1 : -1
  }
  let low = 0
  const least = valueAt(idle)
  if (least > bound) return 0
  let high = Number.isFinite(maxPerSecond) ? maxPerSecond * (1 - 1e-6) : horizonPerSecond
  const most = valueAt(at(high))
  if (!(most > bound)) return Number.POSITIVE_INFINITY
  let lowSlack = slack(least)
  let highSlack = slack(most)
  let last = 0
  for (let i = 0; i < mostSteps && high - low > width * high; i++) {
    const guess = (low * highSlack - high * lowSlack) / (highSlack - lowSlack)
    // A step that hardly leaves an end, or leaves both, is halved: what jumps is found in as many steps as there are bits.
    const margin = (high - low) * 0.01
    const middle = guess > low + margin && guess < high - margin && i % 4 !== 3 ? guess : (low + high) / 2
    const value = valueAt(at(middle))
    const exceeds = value > bound
    if (exceeds) {
      high = middle
      highSlack = slack(value)
      if (last === 1) lowSlack /= 2
    } else {
      low = middle
      lowSlack = slack(value)
      if (last === -1) highSlack /= 2
    }
    last = exceeds ? 1 : -1
  }
  return (low + high) / 2
}

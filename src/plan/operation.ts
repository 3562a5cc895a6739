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
    idle: at((Number.isFinite(maxPerSecond) ? maxPerSecond : 1) * 1e-6),
    maxPerSecond,
    bottleneck: tightest !== undefined && Number.isFinite(tightest.ratePerSecond) ? tightest.id : undefined,
  }
}

/** Relative width to which a crossing is sought. */
const precision = 1e-4

/**
 * The least throughput at which `exceeds` holds, for something that grows with load; 0: it holds without any load; infinite: it does
 * not hold up to the limit of the system, or up to `horizon` where nothing limits.
 */
export const crossing = (
  operations: Operations,
  exceeds: (operation: Operation) => boolean,
  horizonPerSecond = 1e9,
  width = precision,
): number => {
  const { at, idle, maxPerSecond } = operations
  const top = Number.isFinite(maxPerSecond) ? maxPerSecond * (1 - 1e-6) : horizonPerSecond
  if (exceeds(idle)) return 0
  if (!exceeds(at(top))) return Number.POSITIVE_INFINITY
  let low = 0
  let high = top
  while (high - low > width * high) {
    const middle = low === 0 && !Number.isFinite(maxPerSecond) ? high / 1024 : (low + high) / 2
    if (exceeds(at(middle))) high = middle
    else low = middle
  }
  return (low + high) / 2
}

/** One topology at one rate, solved once: what a search asks hundreds of times. */
import { topologyPlacement } from '../../catalog/placement.js'
import type { Placement } from '../../result/placement.js'
import { maxThroughput, type RawLimit } from '../../sim/analytic/network/limits.js'
import { solveTopology } from '../../sim/analytic/network/solve.js'
import type { ComponentId, Topology } from '../../topology/types.js'
import type { Operation } from '../operation.js'
import { predict } from '../prediction.js'

export interface Asked {
  readonly topology: Topology
  /** Default: the hosts that the topology declares. */
  readonly placement?: Placement
  readonly ratePerSecond: number
  /** Components that do not answer. */
  readonly gone?: ReadonlyMap<ComponentId, unknown>
}

export const solveAt = ({ topology, placement, ratePerSecond, gone }: Asked): Operation => {
  const open: Topology = { ...topology, traffic: { mode: 'open', ratePerSecond } }
  const place = placement ?? topologyPlacement(topology)
  return { topology: open, placement: place, ratePerSecond, ...solveTopology(open, place, 'shared', gone) }
}

/** Of the mix, mean. */
export const responseSeconds = (operation: Operation): number =>
  Object.values(operation.topology.requests).reduce(
    (sum, request) =>
      request.share === 0 ? sum : sum + request.share * (predict(operation, request, 'latency.mean') ?? 0),
    0,
  )

export interface Measured {
  readonly limit: RawLimit
  /** Infinite: nothing asks for it. */
  readonly maxPerSecond: number
}

/** `primary`, `replica`, …: of a store whose roles have CPUs of their own; empty: of nothing of the kind. */
export const roleOf = (limit: RawLimit): string => /^(\w+): /.exec(limit.words(1))?.[1] ?? ''

/** What can run out, tightest first; of alike machines the tightest. */
export const limitsOf = (
  operation: Operation,
  gone: ReadonlyMap<ComponentId, unknown> = new Map(),
): readonly Measured[] => {
  const tightest = new Map<string, Measured>()
  for (const limit of operation.solved.limits) {
    if (gone.has(limit.id)) continue
    const maxPerSecond = maxThroughput(operation.topology, limit)
    const key = `${limit.kind} ${limit.id} ${roleOf(limit)}`
    const known = tightest.get(key)
    if (known === undefined || maxPerSecond < known.maxPerSecond) tightest.set(key, { limit, maxPerSecond })
  }
  return [...tightest.values()].toSorted((a, b) => a.maxPerSecond - b.maxPerSecond)
}

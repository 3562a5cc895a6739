/** Priorities of request classes, as levels: 0 is served first. */
import type { RequestId, ServiceComponent, Topology } from './types.js'

const known = new WeakMap<Topology['requests'], readonly number[]>()

/** Distinct priorities, the highest first. */
const ranks = ({ requests }: Topology): readonly number[] => {
  let found = known.get(requests)
  if (found === undefined) {
    found = [...new Set(Object.values(requests).map(({ priority }) => priority))].sort((a, b) => b - a)
    known.set(requests, found)
  }
  return found
}

/** How many levels a service tells apart; 1: priorities change nothing there. */
export const priorityLevels = (topology: Topology, service: ServiceComponent): number =>
  service.priorities === 'none' ? 1 : Math.max(1, ranks(topology).length)

/** Of each class. */
export const levelsOfClasses = (topology: Topology): ReadonlyMap<RequestId, number> => {
  const order = ranks(topology)
  return new Map(Object.values(topology.requests).map(({ id, priority }) => [id, order.indexOf(priority)]))
}

/** Where components are: in a zone, in a region. Instances of one component are all in the same. */
import type { Placement } from '../result/placement.js'
import type { Topology } from '../topology/types.js'
import { type Place, roundTripSeconds } from './network.js'

/**
 * Where the topology says, or the host (of the topology's) that the placement puts it on. A run on other machines, such as a laptop, has no zones:
 * everything is in one place there.
 */
export const places =
  (topology: Topology, placement: Placement) =>
  (id: string): Place => {
    const component = topology.components[id]
    if (component === undefined) return { zone: undefined, region: undefined }
    const placed = placement.instances[`${id}/0`]?.host.split('/')[0] ?? component.host
    const host = placed === undefined ? undefined : topology.hosts[placed]
    if (placement.origin !== 'topology') return { zone: host?.zone, region: host?.region }
    return { zone: component.zone ?? host?.zone, region: component.region ?? host?.region }
  }

/** What a call from one component to another takes there and back, in seconds. */
export const roundTrips = (topology: Topology, placement: Placement): ((from: string, to: string) => number) => {
  const placeOf = places(topology, placement)
  return (from, to) => roundTripSeconds(placeOf(from), placeOf(to), topology.network)
}

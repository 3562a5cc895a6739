/** How many cores a component may use in a run, which is what its utilization is a share of. */
import type { Placement } from '../result/placement.js'

/**
 * Per instance the least of its event loops, its quota, its pinned cores and its host's cores; instances that share a set of
 * cores (a pin, a host) can use no more than that set together.
 */
export const usableCores = (placement: Placement, instances: readonly string[]): number => {
  const sets = new Map<string, { readonly size: number; wanted: number }>()
  for (const id of instances) {
    const placed = placement.instances[id]
    if (placed === undefined) continue
    const host = placement.hosts[placed.host]?.cpu ?? Number.POSITIVE_INFINITY
    const size = Math.min(host, placed.pin?.length ?? Number.POSITIVE_INFINITY)
    const name = `${placed.host} ${placed.pin?.toSorted((a, b) => a - b).join() ?? ''}`
    const shared = sets.get(name) ?? { size, wanted: 0 }
    shared.wanted += Math.min(
      placed.eventLoops ?? Number.POSITIVE_INFINITY,
      placed.quota ?? Number.POSITIVE_INFINITY,
      size,
    )
    sets.set(name, shared)
  }
  let cores = 0
  for (const { size, wanted } of sets.values()) cores += Math.min(size, wanted)
  return cores
}

/** Instances of a component as the placement names them, in order of index. */
export const instancesOf = (placement: Placement, component: string): readonly string[] =>
  Object.keys(placement.instances)
    .filter((id) => id.startsWith(`${component}/`))
    .sort((a, b) => Number(a.slice(component.length + 1)) - Number(b.slice(component.length + 1)))

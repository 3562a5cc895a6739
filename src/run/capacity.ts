/** How many cores a component may use in a run, which is what its utilization is a share of. */
import type { Placement } from '../result/placement.js'

/**
 * Per instance the least of its event loops, its quota, its pinned cores and its host's cores; instances without any limit
 * of their own share their host, which counts once.
 */
export const usableCores = (placement: Placement, instances: readonly string[]): number => {
  let limited = 0
  const shared = new Set<string>()
  for (const id of instances) {
    const placed = placement.instances[id]
    if (placed === undefined) continue
    const host = placement.hosts[placed.host]?.cpu ?? Number.POSITIVE_INFINITY
    const own = Math.min(
      placed.eventLoops ?? Number.POSITIVE_INFINITY,
      placed.quota ?? Number.POSITIVE_INFINITY,
      placed.pin?.length ?? Number.POSITIVE_INFINITY,
    )
    if (own === Number.POSITIVE_INFINITY) shared.add(placed.host)
    else limited += Math.min(own, host)
  }
  return [...shared].reduce((cores, host) => cores + (placement.hosts[host]?.cpu ?? 0), limited)
}

/** Instances of a component as the placement names them, in order of index. */
export const instancesOf = (placement: Placement, component: string): readonly string[] =>
  Object.keys(placement.instances)
    .filter((id) => id.startsWith(`${component}/`))
    .sort((a, b) => Number(a.slice(component.length + 1)) - Number(b.slice(component.length + 1)))

/** The placement that an experiment asks for: which machines there are, and what runs on which of them. */
import type { PlacementRequest } from '../experiment/types.js'
import type { InstancePlacement, Placement } from '../result/placement.js'
import type { Topology } from '../topology/types.js'
import { topologyPlacement } from './placement.js'

/**
 * What the request does not name stays where the topology puts it. `pin` is by component, `generator`, or `stack` (everything
 * but the generator). Undefined: nothing was asked for.
 */
export const requestedPlacement = (
  topology: Topology,
  request: PlacementRequest | undefined,
): Placement | undefined => {
  if (request === undefined) return undefined
  const declared = topologyPlacement(topology)
  const instances: Record<string, InstancePlacement> = {}
  const place = (id: string, component: string, own: InstancePlacement | undefined): void => {
    const host = request.components[component] ?? request.all ?? own?.host
    if (host === undefined) return
    const pin = request.pin[component] ?? (component === 'generator' ? undefined : request.pin.stack)
    instances[id] = {
      host,
      ...(pin === undefined ? {} : { pin }),
      // Quotas are production's; elsewhere nothing enforces them.
      ...(own?.quota === undefined || host !== own.host ? {} : { quota: own.quota }),
      ...(own?.eventLoops === undefined ? {} : { eventLoops: own.eventLoops }),
    }
  }
  for (const [id, own] of Object.entries(declared.instances)) place(id, id.slice(0, id.lastIndexOf('/')), own)
  if (request.all !== undefined || request.components.generator !== undefined)
    place('generator', 'generator', { host: '', eventLoops: 1 })
  const used = new Set(Object.values(instances).map((instance) => instance.host))
  const hosts = Object.fromEntries(
    Object.entries({ ...declared.hosts, ...request.hosts }).filter(([id]) => id in request.hosts || used.has(id)),
  )
  return { hosts, instances, origin: 'experiment' }
}

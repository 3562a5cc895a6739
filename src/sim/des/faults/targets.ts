/** Which instances and processes a target means. */
import { topologyPlacement } from '../../../catalog/placement.js'
import type { FaultTarget } from '../../../experiment/types.js'
import type { Topology } from '../../../topology/types.js'
import { places } from '../../places.js'
import type { Endpoint } from '../endpoint.js'
import type { FaultContext } from './kind.js'

/** Ids of the instances that are there, in order. Hosts and zones are those of the topology, wherever the run happens. */
export const instancesOf = (target: FaultTarget, { system, lifecycle }: FaultContext): readonly string[] => {
  const { topology } = system
  switch (target.kind) {
    case 'component':
      return lifecycle.of(target.component)
    case 'instance':
      return [`${target.component}/${target.index}`]
    case 'host': {
      const hosts = productionHosts(topology, system.placement.instances)
      return everyInstance(topology, lifecycle).filter((id) => isOn(hosts(id), target.host))
    }
    case 'zone': {
      const placeOf = places(topology, topologyPlacement(topology))
      return everyInstance(topology, lifecycle).filter((id) => placeOf(componentOf(id)).zone === target.zone)
    }
    default:
      return []
  }
}

/** The processes of these instances. */
export const endpointsOf = (instances: readonly string[], { system }: FaultContext): readonly Endpoint[] => {
  const ids = new Set(instances)
  return [...system.members.values()].flatMap(({ endpoints }) => endpoints.filter(({ instance }) => ids.has(instance)))
}

export const componentOf = (instance: string): string => instance.slice(0, instance.lastIndexOf('/'))

const everyInstance = (topology: Topology, lifecycle: FaultContext['lifecycle']): readonly string[] =>
  Object.keys(topology.components).flatMap((component) => lifecycle.of(component))

/** Instances that an autoscaler adds are on the host of the others. */
const productionHosts = (topology: Topology, placed: Readonly<Record<string, { readonly host: string }>>) => {
  const { instances } = topologyPlacement(topology)
  return (id: string): string | undefined => instances[id]?.host ?? placed[id]?.host
}

/** `app` means every machine of that host, `app/1` one of them. */
const isOn = (host: string | undefined, target: string): boolean =>
  host !== undefined && (host === target || host.startsWith(`${target}/`))

/** Where the instances would run that an autoscaler may add: the placement of a run with room for them. */
import { topologyPlacement } from '../../catalog/placement.js'
import type { InstancePlacement, Placement } from '../../result/placement.js'
import { instanceCount } from '../../topology/instances.js'
import type { Component, Topology } from '../../topology/types.js'

/** As many instances as there may ever be. */
export const mostInstances = (component: Component): number =>
  component.role === 'service' && component.scaling !== undefined
    ? Math.max(component.replicas, component.scaling.max)
    : instanceCount(component)

export const scaledServices = ({ components }: Topology): ReadonlySet<string> =>
  new Set(Object.values(components).flatMap((each) => (each.role === 'service' && each.scaling ? [each.id] : [])))

/**
 * Instances are added where the topology puts them; in a placement that puts the component elsewhere, beside those that it
 * has, in turn.
 */
export const withRoomToScale = (topology: Topology, placement: Placement): Placement => {
  const grown = Object.values(topology.components).filter((each) => mostInstances(each) > instanceCount(each))
  if (grown.length === 0) return placement
  const components = { ...topology.components }
  for (const component of grown)
    if (component.role === 'service') components[component.id] = { ...component, replicas: mostInstances(component) }
  const declared = topologyPlacement({ ...topology, components })
  const hosts = { ...placement.hosts }
  const instances: Record<string, InstancePlacement> = { ...placement.instances }
  for (const component of grown)
    for (let index = component.replicas; index < mostInstances(component); index++) {
      const id = `${component.id}/${index}`
      const sibling = `${component.id}/${index % component.replicas}`
      const beside = placement.instances[sibling]
      const own = declared.instances[id]
      if (beside === undefined || own === undefined) continue
      const moved = beside.host !== declared.instances[sibling]?.host
      const host = moved ? beside.host : own.host
      const machine = declared.hosts[host]
      if (hosts[host] === undefined && machine !== undefined) hosts[host] = machine
      instances[id] = { ...beside, host }
    }
  return { ...placement, hosts, instances }
}

/** The placement that the topology itself declares: production as it is described, for `plan` and `simulate`. */
import type { InstancePlacement, Placement } from '../result/placement.js'
import { instanceCount } from '../topology/instances.js'
import type { Component, Topology } from '../topology/types.js'
import { modelOf } from './models.js'

/** The instances that a role of a store means, by index: primaries come first. Without copies every instance serves all. */
export const roleInstances = (component: Component, role: string | undefined): readonly number[] => {
  const all = Array.from({ length: instanceCount(component) }, (_, index) => index)
  if (component.role !== 'store') return all
  const { masters, replicasPerMaster, readReplicas } = component
  if (replicasPerMaster + readReplicas === 0) return all
  const replica = role !== undefined && role !== 'primary' && role !== 'master'
  return all.filter((index) => index >= masters === replica)
}

/** Event loops of one instance, each first come, first served; undefined: its work runs in parallel. */
export const eventLoopsOf = (component: Component): number | undefined => {
  if (component.role === 'balancer') return component.workers
  if (component.role === 'service')
    return component.execution.model !== 'event-loop'
      ? undefined
      : // A worker's slots are tasks that proceed side by side.
        component.consumes !== undefined
        ? Math.max(component.execution.processes, component.slots)
        : component.execution.processes
  const loops = modelOf(component.engine).eventLoops
  return loops > 0 ? loops : undefined
}

/** Cores of the machine that an instance without `host:` has for itself: its quota, else one per event loop, else one. */
const ownCores = (component: Component): number => {
  if (component.resources.cpu !== undefined && component.resources.cpu > 0) return component.resources.cpu
  if (component.role === 'service' && component.consumes !== undefined)
    return Math.max(component.slots, eventLoopsOf(component) ?? 1)
  return eventLoopsOf(component) ?? 1
}

/**
 * Instance i of a component with `host: h` runs on machine i modulo `count`, named `h/0`, `h/1`, … (just `h` when there is
 * one); without a host it has a machine of its own, named like the instance.
 */
export const topologyPlacement = (topology: Topology): Placement => {
  const hosts: Record<string, { readonly cpu: number; readonly memoryBytes?: number }> = {}
  const instances: Record<string, InstancePlacement> = {}
  for (const host of Object.values(topology.hosts))
    for (let machine = 0; machine < host.count; machine++)
      hosts[host.count === 1 ? host.id : `${host.id}/${machine}`] = {
        cpu: host.cpu,
        ...(host.memoryBytes === undefined ? {} : { memoryBytes: host.memoryBytes }),
      }
  for (const component of Object.values(topology.components)) {
    const host = component.host === undefined ? undefined : topology.hosts[component.host]
    const eventLoops = eventLoopsOf(component)
    for (let index = 0; index < instanceCount(component); index++) {
      const id = `${component.id}/${index}`
      // A host of the component's name has machines of those names.
      const own = topology.hosts[component.id] === undefined ? id : `own:${id}`
      if (host === undefined) hosts[own] = { cpu: ownCores(component) }
      instances[id] = {
        host: host === undefined ? own : host.count === 1 ? host.id : `${host.id}/${index % host.count}`,
        ...(component.resources.cpu === undefined ? {} : { quota: component.resources.cpu }),
        ...(eventLoops === undefined ? {} : { eventLoops }),
      }
    }
  }
  return { hosts, instances, origin: 'topology' }
}

/** Places of work as stations: how many servers each has, on which machines, and who else is there. */
import { eventLoopsOf, roleInstances } from '../../../catalog/placement.js'
import type { Placement } from '../../../result/placement.js'
import type { Component, Topology } from '../../../topology/types.js'
import type { Place } from './flow-tree.js'

export interface Station {
  readonly id: string
  readonly component: Component
  readonly role: string | undefined
  readonly instances: readonly string[]
  /** Servers in all: event loops, or cores where work runs in parallel; Infinity: it has no CPU of ours. */
  readonly servers: number
  /** Event loops in all; undefined: work runs in parallel on the cores. */
  readonly loops: number | undefined
  /** Cores of all machines it is on. */
  readonly machineCores: number
  readonly machines: readonly string[]
}

export const stationId = ({ component, role }: Place): string =>
  role === undefined ? component : `${component}.${role}`

const least = (...values: readonly (number | undefined)[]): number =>
  Math.min(...values.map((value) => value ?? Number.POSITIVE_INFINITY))

/** The primary is what a store's bare name means: one station for both. */
export const placeOf = (topology: Topology, { component, role }: Place): Place => {
  const target = topology.components[component]
  const copies = target?.role === 'store' && target.replicasPerMaster + target.readReplicas > 0
  return { component, role: copies && role !== undefined && role !== 'primary' && role !== 'master' ? role : undefined }
}

export const stationOf = (topology: Topology, placement: Placement, at: Place): Station => {
  const component = topology.components[at.component]
  if (component === undefined) throw new TypeError(`no component ${at.component}`)
  const instances = roleInstances(component, at.role)
    .map((index) => `${at.component}/${index}`)
    .filter((id) => placement.instances[id] !== undefined)
  const machines = [...new Set(instances.flatMap((id) => placement.instances[id]?.host ?? []))]
  const coresOf = (machine: string): number => placement.hosts[machine]?.cpu ?? Number.POSITIVE_INFINITY
  const declaredLoops = eventLoopsOf(component)
  let servers = 0
  const unconfined = new Set<string>()
  let loops = 0
  for (const id of instances) {
    const placed = placement.instances[id]
    if (placed === undefined) continue
    const eventLoops = placed.eventLoops ?? declaredLoops
    loops += eventLoops ?? 0
    const own = least(eventLoops, placed.quota, placed.pin?.length)
    if (own === Number.POSITIVE_INFINITY) unconfined.add(placed.host)
    else servers += Math.min(own, coresOf(placed.host))
  }
  for (const machine of unconfined) servers += coresOf(machine)
  return {
    id: stationId(at),
    component,
    role: at.role,
    instances,
    servers: instances.length === 0 ? Number.POSITIVE_INFINITY : servers,
    loops: loops > 0 ? loops : undefined,
    machineCores: machines.reduce((sum, machine) => sum + coresOf(machine), 0),
    machines,
  }
}

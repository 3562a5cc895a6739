/** What may be lost at once: an instance, a machine, a zone, a region; and the system that is left then. */
import type { Placement } from '../result/placement.js'
import { places } from '../sim/places.js'
import { instanceCount } from '../topology/instances.js'
import type { Component, ComponentId, Policy, Topology } from '../topology/types.js'
import { remainderOf } from './redundancy.js'

export type LossKind = 'instance' | 'host' | 'zone' | 'region'

export interface Loss {
  readonly kind: LossKind
  /** `app/0`, `host:db/1`, `zone a`. */
  readonly id: string
  readonly instances: readonly string[]
  readonly machines: readonly string[]
}

/** Which kinds a policy asks to survive: the wider includes the narrower. */
export const demandedKinds: Readonly<Record<Policy['survive'], readonly LossKind[]>> = {
  nothing: [],
  'one-node': ['instance'],
  'one-host': ['instance', 'host'],
  'one-zone': ['instance', 'host', 'zone'],
  'one-region': ['instance', 'host', 'zone', 'region'],
}

const watched = (topology: Topology): readonly Component[] =>
  Object.values(topology.components).filter(({ role }) => role !== 'external' && role !== 'monitor')

/** Instances of a component that are alike are lost one for all: the first primary, the first copy. */
const instanceLosses = (topology: Topology): readonly Loss[] =>
  watched(topology).flatMap((component) => {
    const copies = component.role === 'store' ? component.masters : instanceCount(component)
    const indices = instanceCount(component) > copies ? [0, copies] : [0]
    return indices.map((index): Loss => {
      const id = `${component.id}/${index}`
      return { kind: 'instance', id, instances: [id], machines: [] }
    })
  })

const instancesOn = (placement: Placement, machines: readonly string[]): readonly string[] =>
  Object.entries(placement.instances)
    .filter(([id, { host }]) => id !== 'generator' && machines.includes(host))
    .map(([id]) => id)

/** Machines of one host that carry the same number of the same components are alike. */
const hostLosses = (topology: Topology, placement: Placement): readonly Loss[] =>
  Object.values(topology.hosts).flatMap((host) => {
    const seen = new Set<string>()
    return Object.keys(placement.hosts)
      .filter((machine) => machine === host.id || machine.startsWith(`${host.id}/`))
      .flatMap((machine): readonly Loss[] => {
        const instances = instancesOn(placement, [machine])
        const shape = instances
          .map((id) => {
            const [name = '', index = '0'] = id.split('/')
            const component = topology.components[name]
            return `${name}${component?.role === 'store' && Number(index) < component.masters ? ' primary' : ''}`
          })
          .sort()
          .join()
        if (instances.length === 0 || seen.has(shape)) return []
        seen.add(shape)
        return [{ kind: 'host', id: `host:${machine}`, instances, machines: [machine] }]
      })
  })

/** Zones or regions in which something is said to be; what is nowhere stays. */
const areaLosses = (topology: Topology, placement: Placement, kind: 'zone' | 'region'): readonly Loss[] => {
  const placeOf = places(topology, placement)
  const areas = new Map<string, string[]>()
  for (const component of watched(topology)) {
    const area = placeOf(component.id)[kind]
    if (area !== undefined) areas.set(area, [...(areas.get(area) ?? []), component.id])
  }
  return [...areas].map(([area, components]): Loss => {
    const instances = Object.keys(placement.instances).filter((id) => components.includes(id.split('/')[0] ?? ''))
    const machines = Object.keys(placement.hosts).filter((machine) => {
      const there = instancesOn(placement, [machine])
      return there.length > 0 && there.every((id) => instances.includes(id))
    })
    return { kind, id: `${kind} ${area}`, instances, machines }
  })
}

export const lossesOf = (topology: Topology, placement: Placement): readonly Loss[] => [
  ...instanceLosses(topology),
  ...hostLosses(topology, placement),
  ...areaLosses(topology, placement, 'zone'),
  ...areaLosses(topology, placement, 'region'),
]

export interface Survivors {
  readonly topology: Topology
  readonly placement: Placement
  /** Components that do not answer any more, and why. */
  readonly gone: ReadonlyMap<ComponentId, string>
}

/** What is left keeps its place; primaries are those that take over. A component that is gone keeps its description: it is asked, and errs. */
export const survivorsOf = (topology: Topology, placement: Placement, loss: Loss): Survivors => {
  const lost = new Map<ComponentId, Set<number>>()
  for (const id of loss.instances) {
    const [component = '', index = '0'] = id.split('/')
    lost.set(component, (lost.get(component) ?? new Set()).add(Number(index)))
  }
  const gone = new Map<ComponentId, string>()
  const components: Record<ComponentId, Component> = { ...topology.components }
  const instances = { ...placement.instances }
  for (const [id, indices] of lost) {
    const component = topology.components[id]
    if (component === undefined) continue
    const left = remainderOf(component, indices)
    if (!left.serves) {
      gone.set(id, left.why)
      continue
    }
    components[id] = left.component
    for (let index = 0; index < instanceCount(component); index++) delete instances[`${id}/${index}`]
    for (const [index, from] of left.instances.entries()) {
      const placed = placement.instances[`${id}/${from}`]
      if (placed !== undefined) instances[`${id}/${index}`] = placed
    }
  }
  const hosts = Object.fromEntries(Object.entries(placement.hosts).filter(([id]) => !loss.machines.includes(id)))
  return { topology: { ...topology, components }, placement: { ...placement, instances, hosts }, gone }
}

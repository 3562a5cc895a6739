/** Where components run, as the rules ask for it. */
import type { Patch } from '../../contract/finding.js'
import type { Component, ServiceComponent, StoreComponent } from '../../topology/types.js'
import type { Review } from './review.js'

/** Machines on which instances of a component run, each with how many. */
export const machinesOf = (review: Review, component: Component): ReadonlyMap<string, number> => {
  const machines = new Map<string, number>()
  for (const [id, { host }] of Object.entries(review.placement.instances))
    if (id.slice(0, id.lastIndexOf('/')) === component.id) machines.set(host, (machines.get(host) ?? 0) + 1)
  return machines
}

/** What a host must have so that instances can be on so many machines; empty: it has, or the component has machines of its own. */
export const machinesPatch = (review: Review, component: Component, machines: number): readonly Patch[] => {
  const host = component.host === undefined ? undefined : review.topology.hosts[component.host]
  return host === undefined || host.count >= machines ? [] : [{ path: ['hosts', host.id, 'count'], value: machines }]
}

/** Cores that one replica may use: its quota, else its part of its host's machines, else a machine of its own. */
export const coresPerReplica = (review: Review, service: ServiceComponent): number => {
  if (service.resources.cpu !== undefined) return service.resources.cpu
  const host = service.host === undefined ? undefined : review.topology.hosts[service.host]
  if (host !== undefined) return Math.min(host.cpu, (host.cpu * host.count) / service.replicas)
  const [machine] = machinesOf(review, service).keys()
  return (machine === undefined ? undefined : review.placement.hosts[machine]?.cpu) ?? 1
}

/** Members that hold (or vote on) the same: copies of one shard, voters of one quorum. */
export const isCopied = (store: StoreComponent): boolean => store.readReplicas + store.replicasPerMaster > 0

/** The zone of a component: its own, else its host's. */
export const zoneOf = (review: Review, component: Component): string | undefined =>
  component.zone ?? (component.host === undefined ? undefined : review.topology.hosts[component.host]?.zone)

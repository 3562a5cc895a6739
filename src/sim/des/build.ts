/** From a topology and a placement to processes that take calls. */

import { modelOf } from '../../catalog/models.js'
import { roleInstances } from '../../catalog/placement.js'
import { cacheEntryBytes } from '../../catalog/redis/model.js'
import type { InstancePlacement } from '../../result/placement.js'
import type { RunEvent } from '../../result/run-event.js'
import type { Component, Pool, ServiceComponent, StoreComponent } from '../../topology/types.js'
import { Cache } from '../cache/cache.js'
import type { Agenda } from './agenda.js'
import { ConnectionPool } from './connection-pool.js'
import { Endpoint, type Gone, type Station } from './endpoint.js'
import { Gauge } from './gauge.js'
import type { Machines, Turns } from './machines.js'
import type { Priorities } from './priorities.js'
import { isReplicated, Replication } from './replication.js'
import { mostInstances } from './room-to-scale.js'
import { Shedding } from './shedding.js'
import { BalancerStation, type Peer } from './stations/balancer.js'
import { clientStation, externalStation, serviceStation, storeStation } from './stations/plain.js'
import type { Member, System } from './system.js'

export const buildMembers = (system: System, machines: Machines): void => {
  const { topology } = system
  const balancers: BalancerStation[] = []
  // Stores first: the pools of services limit themselves by what their stores take.
  const order = { store: 0, external: 1, monitor: 2, service: 3, balancer: 4 } as const
  const components = Object.values(topology.components).sort((a, b) => order[a.role] - order[b.role])
  for (const component of components) {
    const station = stationOf(system, component)
    if (station instanceof BalancerStation) balancers.push(station)
    system.members.set(component.id, buildMember(system, machines, component, station))
  }
  // A run reports components in the order in which the file names them.
  const built = new Map(system.members)
  system.members.clear()
  for (const id of Object.keys(topology.components)) system.members.set(id, built.get(id) as Member)
  for (const balancer of balancers) balancer.connect(peersOf(system, balancer.component))
}

export const buildGenerator = (system: System, machines: Machines): Endpoint => {
  const placed = system.placement.instances.generator
  const processor = machines.processorOf('generator', placed?.eventLoops ?? 1)
  const generator = new Endpoint(clientStation(system), 'generator', 0, processor, new Gauge(system.kernel.queue))
  system.kernel.addEndpoint(generator)
  return generator
}

const stationOf = (system: System, component: Component): Station => {
  switch (component.role) {
    case 'balancer':
      return new BalancerStation(system, component, longestClientTimeout(system))
    case 'service':
      return serviceStation(system, component.id, component.onAbort, (endpoint) =>
        openPools(system, component, endpoint),
      )
    case 'external':
      return externalStation(system, component.id)
    default:
      return storeStation(system, component.id, modelOf(component.engine).onStop, storeHooks(system, component))
  }
}

/** What goes when the process of a store goes, and what it comes back with. */
const storeHooks = (system: System, component: Component): Required<Pick<Station, 'lost' | 'back'>> => {
  const gone = new Map<Endpoint, { readonly at: number; readonly how: Gone }>()
  const shardOf = (endpoint: Endpoint): number => system.member(component.id).roles.primary?.indexOf(endpoint) ?? -1
  return {
    lost: (endpoint, how) => {
      const replication = system.replications.get(component.id)
      if (replication !== undefined) {
        replication.lost(endpoint, how)
        system.messaging?.gone(endpoint, how)
        return
      }
      system.messaging?.gone(endpoint, how)
      gone.set(endpoint, { at: system.kernel.now, how })
      if (how !== 'unheard') system.state.primaryGone(component.id, shardOf(endpoint))
    },
    back: (endpoint) => {
      const replication = system.replications.get(component.id)
      if (replication !== undefined) {
        replication.back(endpoint)
        system.messaging?.back(endpoint)
        return
      }
      system.messaging?.back(endpoint)
      const how = gone.get(endpoint)
      if (how === undefined || how.how === 'unheard') return
      const shard = shardOf(endpoint)
      system.state.primaryBack(component.id, shard, how)
      // A cache that does not persist comes back empty.
      if (component.role === 'store' && component.persistence === 'none')
        system.member(component.id).contents[shard]?.flush()
    },
  }
}

/** Stores whose members take over from each other. */
export const buildReplication = (system: System, agenda: Agenda, emit: (event: RunEvent) => void): void => {
  for (const member of system.members.values())
    if (member.component.role === 'store' && isReplicated(member.component))
      system.replications.set(member.component.id, new Replication(system, member, member.component, agenda, emit))
}

const longestClientTimeout = ({ topology }: System): number =>
  Math.max(
    0,
    ...Object.values(topology.requests).map(({ client }) => client.timeoutSeconds ?? Number.POSITIVE_INFINITY),
  )

const buildMember = (system: System, machines: Machines, component: Component, station: Station): Member => {
  const endpoints: Endpoint[] = []
  const total = new Gauge(system.kernel.queue)
  const roles: Record<string, Endpoint[]> = {}
  // Externals have no inside; one endpoint counts their visits.
  const instances = component.role === 'external' ? 1 : mostInstances(component)
  const turns = turnsOf(system, component)
  for (let index = 0; index < instances; index++) {
    const instance = `${component.id}/${index}`
    const placed = system.placement.instances[instance]
    for (const [process, loops] of processesOf(component, placed).entries()) {
      const processor = machines.processorOf(instance, loops, turns)
      const endpoint = new Endpoint(station, instance, process, processor, total)
      system.kernel.addEndpoint(endpoint)
      endpoints.push(endpoint)
    }
  }
  if (component.role === 'store')
    for (const role of ['primary', 'replica', 'master']) {
      const serving = new Set(roleInstances(component, role).map((index) => `${component.id}/${index}`))
      roles[role] = endpoints.filter((endpoint) => serving.has(endpoint.instance))
    }
  const contents = component.role === 'store' ? cacheContents(system, component, roles.primary?.length ?? 0) : []
  const scales = component.role === 'service' && component.scaling !== undefined
  const member: Member = {
    component,
    endpoints,
    active: [...endpoints],
    cores: scales ? new Gauge(system.kernel.queue) : undefined,
    total,
    roles,
    replicasOf: [],
    contents,
    lookups: { hits: 0, misses: 0 },
  }
  for (const endpoint of endpoints) limit(system, component, endpoint, system.placement.instances[endpoint.instance])
  return member
}

/** Undefined: requests have no priorities there. */
const prioritiesAt = (system: System, component: Component): Priorities | undefined =>
  component.role === 'service' && component.priorities !== 'none' ? system.priorities : undefined

/** How a process chooses among its bursts; undefined: first come, first served. */
const turnsOf = (system: System, component: Component): Turns | undefined => {
  const priorities = prioritiesAt(system, component)
  if (priorities === undefined || component.role !== 'service') return undefined
  return { priorities, preemptive: component.priorities === 'preemptive' }
}

/** Event loops of each process of an instance; 0: its work runs at once. Processes of a service take calls separately. */
const processesOf = (component: Component, placed: InstancePlacement | undefined): readonly number[] => {
  const loops = placed?.eventLoops ?? 0
  return component.role === 'service' && loops > 0 ? new Array<number>(loops).fill(1) : [loops]
}

const limit = (
  system: System,
  component: Component,
  endpoint: Endpoint,
  placed: InstancePlacement | undefined,
): void => {
  if (component.role === 'store' && component.maxConnections !== undefined)
    endpoint.maxConnections = component.maxConnections - component.reservedConnections
  if (component.role !== 'service') return
  const processes = placed?.eventLoops ?? 1
  if (component.maxInFlight !== undefined)
    endpoint.maxInFlight = Math.max(1, Math.ceil(component.maxInFlight / processes))
  if (component.execution.model === 'threads' && placed?.eventLoops === undefined)
    endpoint.threads = component.execution.threads
  const priorities = prioritiesAt(system, component)
  if (priorities !== undefined) {
    endpoint.threadLine = priorities.line()
    if (component.shed === 'lowest-priority' && component.maxInFlight !== undefined)
      endpoint.shedding = new Shedding(system.kernel.frames, priorities)
  }
  openPools(system, component, endpoint)
}

/** Pools of a process: the instance's size divided among its processes, rounded up. */
const openPools = (system: System, component: ServiceComponent, endpoint: Endpoint): void => {
  const { kernel } = system
  const processes = system.placement.instances[endpoint.instance]?.eventLoops ?? 1
  const priorities = prioritiesAt(system, component)
  endpoint.pools = Object.values(component.pools).map(
    (pool: Pool, i) =>
      new ConnectionPool(
        kernel,
        Math.ceil(pool.size / processes),
        onlyProcess(system, pool),
        endpoint.pools[i],
        priorities?.line(),
      ),
  )
}

/** The process that takes the pool's connections, if it is one; who that is may change with a failover. */
const onlyProcess = (system: System, pool: Pool): (() => Endpoint | undefined) => {
  const serving = system.members.get(pool.to.component)?.roles[pool.to.role ?? 'primary'] ?? []
  return () => (serving.length === 1 ? serving[0] : undefined)
}

/** Of a cache that some lookup asks, what each primary holds. */
const cacheContents = (system: System, store: StoreComponent, shards: number): readonly Cache[] => {
  if (!system.caches.has(store.id)) return []
  return Array.from(
    { length: shards },
    (_, shard) =>
      new Cache({
        capacityBytes: store.memoryBytes ?? Number.POSITIVE_INFINITY,
        eviction: store.eviction,
        overheadBytes: cacheEntryBytes,
        stream: system.stream(`${store.id}/evict/${shard}`),
      }),
  )
}

/** Processes behind a balancer with nginx's integer weights, as `upstreamServers` of its configuration gives them. */
const peersOf = (system: System, balancerId: string): readonly Peer[] => {
  const { component } = system.member(balancerId)
  if (component.role !== 'balancer') return []
  // Who is ranked needs no weight: a stand-by has none.
  const ranked = component.balance === 'failover' || component.balance === 'geo'
  return component.upstreams
    .map((upstream, index) => ({ ...upstream, index }))
    .filter(({ weight }) => ranked || weight > 0)
    .flatMap(({ component: upstream, weight, index }) => {
      const { endpoints, component: target } = system.member(upstream)
      // Shares are divided among the instances that there are at first.
      const atFirst = (endpoints.length * target.replicas) / mostInstances(target)
      const each = ranked || component.upstreams.length === 1 ? 1 : Math.max(1, Math.round((weight * 10_000) / atFirst))
      return endpoints.map((endpoint): Peer => ({ endpoint, weight: each, upstream: index }))
    })
}

/** A sized topology as the settings that make it of the file: what `--set` takes, and what is simulated. */
import type { Component, ServiceComponent, StoreComponent, Topology } from '../../topology/types.js'

const changed = (
  path: string,
  from: number | string | undefined,
  to: number | string | undefined,
): readonly string[] => (from === to || to === undefined ? [] : [`${path}=${to}`])

const serviceSettings = (at: string, from: ServiceComponent, to: ServiceComponent): readonly string[] => [
  ...changed(`${at}.replicas`, from.replicas, to.replicas),
  ...changed(`${at}.scaling.min`, from.scaling?.min, to.scaling?.min),
  ...changed(`${at}.scaling.max`, from.scaling?.max, to.scaling?.max),
  ...changed(`${at}.slots`, from.slots, to.slots),
  ...changed(`${at}.maxInFlight`, from.maxInFlight, to.maxInFlight),
  ...Object.entries(to.pools).flatMap(([id, { size }]) =>
    changed(`${at}.pools.${id}.size`, from.pools[id]?.size, size),
  ),
]

const mib = 1024 ** 2

const storeSettings = (at: string, from: StoreComponent, to: StoreComponent): readonly string[] => {
  const isRedis = to.engine === 'redis'
  const isDatabase = ['postgres', 'mysql', 'mongodb'].includes(to.engine)
  const copiesOf = (store: StoreComponent): number =>
    store.masters > 1 ? store.replicasPerMaster : store.readReplicas + store.replicasPerMaster
  return [
    ...(isRedis
      ? [
          ...changed(`${at}.mode`, from.mode, to.mode),
          ...(to.mode === 'cluster' ? changed(`${at}.masters`, from.masters, to.masters) : []),
          ...changed(`${at}.replicasPerMaster`, from.replicasPerMaster, to.replicasPerMaster),
        ]
      : []),
    ...changed(`${at}.shards.count`, from.shards?.count, to.shards?.count),
    ...(isDatabase ? changed(`${at}.readReplicas`, copiesOf(from), copiesOf(to)) : []),
    ...changed(`${at}.replicas`, from.replicas, to.replicas),
    ...changed(`${at}.replicationFactor`, from.replicationFactor, to.replicationFactor),
    ...(to.failover !== undefined && from.failover === undefined
      ? [`${at}.failover={ detect: ${to.failover.detectSeconds}s, promote: ${to.failover.promoteSeconds}s }`]
      : []),
    ...changed(`${at}.maxConnections`, from.maxConnections, to.maxConnections),
    ...(from.memoryBytes === to.memoryBytes || to.memoryBytes === undefined
      ? []
      : [`${at}.memory=${Math.round(to.memoryBytes / mib)}MiB`]),
  ]
}

const componentSettings = (from: Component, to: Component): readonly string[] => {
  const at = `components.${to.id}`
  if (from.role === 'service' && to.role === 'service') return serviceSettings(at, from, to)
  if (from.role === 'store' && to.role === 'store') return storeSettings(at, from, to)
  return changed(`${at}.replicas`, from.replicas, to.replicas)
}

/** What differs, in the order of the file. */
export const settingsBetween = (from: Topology, to: Topology): readonly string[] => [
  ...Object.values(to.hosts).flatMap(({ id, count }) => changed(`hosts.${id}.count`, from.hosts[id]?.count, count)),
  ...Object.values(to.components).flatMap((component) => {
    const before = from.components[component.id]
    return before === undefined ? [] : componentSettings(before, component)
  }),
]

import type { Address, ConfigContext } from '../../src/contract/engine.js'
import type { BalancerComponent, Component, StoreComponent, Topology } from '../../src/topology/types.js'

const base = {
  host: undefined,
  zone: undefined,
  region: undefined,
  replicas: 1,
  resources: { cpu: undefined, memoryBaseBytes: undefined, memoryPerRequestBytes: undefined },
  startupSeconds: 0,
  restartAfterSeconds: undefined,
  demand: undefined,
} as const

export const balancer = (over: Partial<BalancerComponent> = {}): BalancerComponent => ({
  ...base,
  id: 'edge',
  engine: 'nginx',
  role: 'balancer',
  upstreams: [{ component: 'app', weight: 1 }],
  cache: undefined,
  balance: 'least_conn',
  workers: 1,
  health: { maxFails: 3, failTimeoutSeconds: 10 },
  activeHealth: undefined,
  nextUpstream: { for: ['error', 'timeout'], tries: 2, timeoutSeconds: undefined },
  connectTimeoutSeconds: 1,
  readTimeoutSeconds: 30,
  keepalive: 32,
  rateLimit: undefined,
  ...over,
})

export const store = (over: Partial<StoreComponent> = {}): StoreComponent => ({
  ...base,
  id: 'cache',
  engine: 'redis',
  role: 'store',
  mode: 'single',
  masters: 1,
  replicasPerMaster: 0,
  readReplicas: 0,
  memoryBytes: 64 * 1024 * 1024,
  eviction: 'allkeys-lru',
  persistence: 'none',
  maxConnections: undefined,
  reservedConnections: 3,
  replication: undefined,
  failover: undefined,
  shards: undefined,
  replicationFactor: undefined,
  queues: {},
  topics: {},
  ...over,
})

/** A topology that holds one component, for tests of what is derived from that component alone. */
export const topologyOf = (component: Component): Topology => ({
  name: 'under-test',
  currency: 'USD',
  hosts: {},
  data: {},
  components: { [component.id]: component },
  requests: {},
  traffic: undefined,
  dailyLow: undefined,
  origins: [],
  clients: undefined,
  growth: undefined,
  prices: undefined,
  policy: { headroom: 0.25, survive: 'nothing' },
  network: { crossZoneSeconds: 0, crossRegionSeconds: 0 },
  generate: {},
  calibration: undefined,
  digest: '0'.repeat(64),
  uncertain: [],
  source: { file: 'under-test.yaml', text: '', locate: () => ({ file: 'under-test.yaml', line: 1, column: 1 }) },
})

export const contextOf = (
  component: Component,
  over: Partial<ConfigContext> & { readonly upstream?: Readonly<Record<string, readonly Address[]>> } = {},
): ConfigContext => {
  const { upstream = {}, ...rest } = over
  return {
    topology: topologyOf(component),
    component,
    index: 0,
    listen: { host: '127.0.0.1', port: 18080 },
    addresses: (id) => upstream[id] ?? [{ instance: `${id}/0`, host: '127.0.0.1', port: 18081 }],
    folder: '/tmp',
    ...rest,
  }
}

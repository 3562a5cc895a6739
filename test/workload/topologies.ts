/** Topologies made by hand, with what a test does not speak of filled in. */
import type { Step } from '../../src/topology/flow.js'
import type {
  Component,
  DataSet,
  ExternalComponent,
  Pool,
  RequestClass,
  ServiceComponent,
  StoreComponent,
  Topology,
} from '../../src/topology/types.js'

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

export const service = (id: string, more: Partial<ServiceComponent> = {}): ServiceComponent => ({
  ...base,
  id,
  engine: 'service',
  role: 'service',
  execution: { model: 'event-loop', processes: 1 },
  image: undefined,
  command: undefined,
  maxInFlight: undefined,
  shed: 'lowest-priority',
  priorities: 'non-preemptive',
  onAbort: 'continue',
  pools: {},
  scaling: undefined,
  consumes: undefined,
  slots: 1,
  acknowledge: 'after-work',
  flow: [],
  operations: {},
  ...more,
})

export const store = (id: string, engine: string, more: Partial<StoreComponent> = {}): StoreComponent => ({
  ...base,
  id,
  engine,
  role: 'store',
  mode: 'single',
  masters: 1,
  replicasPerMaster: 0,
  readReplicas: 0,
  memoryBytes: undefined,
  eviction: 'noeviction',
  persistence: 'none',
  maxConnections: undefined,
  reservedConnections: 0,
  replication: undefined,
  failover: undefined,
  shards: undefined,
  replicationFactor: undefined,
  queues: {},
  topics: {},
  ...more,
})

export const external = (id: string, more: Partial<ExternalComponent> = {}): ExternalComponent => ({
  ...base,
  id,
  engine: 'external',
  role: 'external',
  latency: { shape: 'constant', seconds: 0.01 },
  errors: 0,
  rateLimit: undefined,
  ...more,
})

export const pool = (id: string, component: string, size: number, acquireTimeoutSeconds?: number): Pool => ({
  id,
  to: { component },
  size,
  acquireTimeoutSeconds,
})

export const data = (id: string, more: Partial<DataSet> = {}): DataSet => ({
  id,
  keys: 100,
  popularity: { law: 'uniform' },
  bytes: 200,
  counters: {},
  ...more,
})

export const request = (
  id: string,
  route: string,
  flow: readonly Step[],
  more: Partial<RequestClass> = {},
): RequestClass => {
  const [method = '', path = ''] = route.split(' ')
  return {
    id,
    share: 1,
    derivedFrom: undefined,
    enter: [],
    serve: 'app',
    route: { method, path, parameters: [...path.matchAll(/\{(.+?)\}/g)].map((match) => match[1] ?? '') },
    idempotent: method === 'GET',
    client: { timeoutSeconds: undefined, retry: undefined },
    bytes: { in: 0, out: 300 },
    priority: 0,
    slo: [],
    flow,
    everySeconds: undefined,
    ...more,
  }
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): Readonly<Record<string, T>> =>
  Object.fromEntries(items.map((item) => [item.id, item]))

export const topology = (parts: {
  readonly components: readonly Component[]
  readonly requests?: readonly RequestClass[]
  readonly data?: readonly DataSet[]
}): Topology => ({
  name: 'test',
  currency: 'USD',
  hosts: {},
  data: byId(parts.data ?? []),
  components: byId(parts.components),
  requests: byId(parts.requests ?? []),
  traffic: undefined,
  dailyLow: undefined,
  origins: [],
  clients: undefined,
  growth: undefined,
  prices: undefined,
  policy: { headroom: 0, survive: 'nothing' },
  network: { crossZoneSeconds: 0, crossRegionSeconds: 0 },
  generate: {},
  calibration: undefined,
  digest: '0',
  uncertain: [],
  source: { file: 'test.yaml', text: '', locate: () => ({ file: 'test.yaml', line: 1, column: 1 }) },
})

type Of<K extends Step['kind']> = Extract<Step, { kind: K }>
type Sql = Extract<Step, { kind: 'query' | 'write' }>

/** A step with an id; everything that its kind needs and `fields` does not say has a neutral value. */
export const step = {
  compute: (id: string, seconds: number, more: Partial<Of<'compute'>> = {}): Step => ({
    id,
    path: [],
    kind: 'compute',
    cpu: { shape: 'constant', seconds },
    ...more,
  }),
  wait: (id: string, seconds: number, more: Partial<Of<'wait'>> = {}): Step => ({
    id,
    path: [],
    kind: 'wait',
    wait: { shape: 'constant', seconds },
    ...more,
  }),
  lookup: (
    id: string,
    component: string,
    key: string,
    miss: readonly Step[],
    more: Partial<Of<'lookup'>> = {},
  ): Step => ({
    id,
    path: [],
    kind: 'lookup',
    target: { component },
    key,
    ttlSeconds: undefined,
    renew: false,
    hitRatio: undefined,
    staleForSeconds: undefined,
    miss,
    writes: 'aside',
    flushAfterSeconds: 1,
    ...more,
  }),
  query: (id: string, component: string, more: Partial<Sql> = {}): Step => ({
    id,
    path: [],
    kind: 'query',
    target: { component },
    key: undefined,
    table: undefined,
    time: {},
    invalidates: undefined,
    ...more,
  }),
  write: (id: string, component: string, more: Partial<Sql> = {}): Step => ({
    id,
    path: [],
    kind: 'write',
    target: { component },
    key: undefined,
    table: undefined,
    time: {},
    invalidates: undefined,
    ...more,
  }),
  transaction: (id: string, target: Of<'transaction'>['target'], inner: readonly Step[]): Step => ({
    id,
    path: [],
    kind: 'transaction',
    target,
    do: inner,
  }),
  call: (id: string, component: string, more: Partial<Of<'call'>> = {}): Step => ({
    id,
    path: [],
    kind: 'call',
    target: { component },
    ...more,
  }),
  repeat: (id: string, times: number, inner: readonly Step[], more: Partial<Of<'repeat'>> = {}): Step => ({
    id,
    path: [],
    kind: 'repeat',
    times,
    do: inner,
    ...more,
  }),
  parallel: (id: string, join: 'all' | 'any', branches: readonly (readonly Step[])[]): Step => ({
    id,
    path: [],
    kind: 'parallel',
    join,
    branches,
  }),
  choose: (id: string, options: Of<'choose'>['options']): Step => ({ id, path: [], kind: 'choose', options }),
} as const

/** The numbers that a plan decides: how each is read, set in a topology that is not parsed again, and lowered by one decrement. */
import { walk } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { Component, Host, ServiceComponent, StoreComponent, Topology } from '../../topology/types.js'

export type KnobKind =
  | 'hosts'
  | 'replicas'
  | 'brokers'
  | 'masters'
  | 'shards'
  | 'copies'
  | 'slots'
  | 'pool'
  | 'memory'
  | 'in-flight'

export interface Knob {
  /** `app.replicas`, `app.primary`, `host:db`. */
  readonly id: string
  readonly kind: KnobKind
  /** The component, or the host. */
  readonly of: string
  /** Of a pool. */
  readonly part?: string
  readonly least: number
  readonly most: number
  readonly get: (topology: Topology) => number
  readonly set: (topology: Topology, value: number) => Topology
  /** One step down; undefined: there is none (it only grows: a guard, not a resource). */
  readonly less: (value: number) => number | undefined
}

const mib = 1024 ** 2

const one = (value: number): number => value - 1
/** A tenth, at least one. */
const tenth = (value: number): number => value - Math.max(1, Math.round(value / 10))

const withHost = (topology: Topology, id: string, change: (host: Host) => Host): Topology => {
  const host = topology.hosts[id]
  return host === undefined ? topology : { ...topology, hosts: { ...topology.hosts, [id]: change(host) } }
}

const withComponent = <C extends Component>(topology: Topology, id: string, change: (component: C) => C): Topology => {
  const component = topology.components[id] as C | undefined
  return component === undefined
    ? topology
    : { ...topology, components: { ...topology.components, [id]: change(component) } }
}

const hostKnob = (host: Host): Knob => ({
  id: `host:${host.id}`,
  kind: 'hosts',
  of: host.id,
  least: 1,
  most: 1000,
  get: ({ hosts }) => hosts[host.id]?.count ?? 0,
  set: (topology, count) => withHost(topology, host.id, (old) => ({ ...old, count })),
  less: one,
})

type Numbers<C> = { readonly [K in keyof C]: C[K] extends number | undefined ? K : never }[keyof C]

/** A number of a component that is set by itself; what follows from it is settled afterwards. */
const numberKnob = <C extends Component>(
  component: C,
  key: Numbers<C> & string,
  knob: Pick<Knob, 'id' | 'kind' | 'least' | 'most' | 'less'>,
  unit = 1,
): Knob => ({
  ...knob,
  of: component.id,
  get: (topology) => Number((topology.components[component.id] as C | undefined)?.[key] ?? 0) / unit,
  set: (topology, value) =>
    withComponent<C>(topology, component.id, (old) => settled({ ...old, [key]: value * unit } as C) as C),
})

/** The total of a store's instances, and its mode, follow from its parts; an autoscaler's bounds from its replicas. */
const settled = (component: Component): Component => {
  if (component.role === 'service') {
    const { scaling, replicas } = component
    return scaling === undefined
      ? component
      : { ...component, scaling: { ...scaling, min: replicas, max: Math.max(scaling.max, replicas) } }
  }
  if (component.role !== 'store') return component
  if (isBroker(component))
    return {
      ...component,
      masters: component.replicas,
      mode: component.replicas > 1 ? 'cluster' : 'single',
      ...(component.replicationFactor === undefined
        ? {}
        : { replicationFactor: Math.min(component.replicationFactor, component.replicas) }),
    }
  const { masters, replicasPerMaster, readReplicas, shards, engine } = component
  const replicas = masters * (1 + replicasPerMaster) + readReplicas
  const mode = engine === 'redis' ? component.mode : replicas > masters ? 'replicated' : 'single'
  return { ...component, replicas, mode, ...(shards === undefined ? {} : { shards: { ...shards, count: masters } }) }
}

export const isBroker = ({ engine }: Component): boolean => engine === 'kafka' || engine === 'rabbitmq'

/** The unquoted slots of a worker without a machine that is described make its cores: more of them are no cheaper than replicas. */
const slotsMakeCores = ({ host, resources }: ServiceComponent): boolean =>
  host === undefined && resources.cpu === undefined

const serviceKnobs = (service: ServiceComponent): readonly Knob[] => {
  const { id, pools, consumes, maxInFlight } = service
  return [
    numberKnob(service, 'replicas', { id: `${id}.replicas`, kind: 'replicas', least: 1, most: 1000, less: one }),
    ...(consumes === undefined || slotsMakeCores(service)
      ? []
      : [numberKnob(service, 'slots', { id: `${id}.slots`, kind: 'slots', least: 1, most: 10_000, less: one })]),
    ...Object.values(pools).map(
      (pool): Knob => ({
        id: `${id}.${pool.id}`,
        kind: 'pool',
        of: id,
        part: pool.id,
        least: 1,
        most: 100_000,
        get: ({ components }) => (components[id] as ServiceComponent | undefined)?.pools[pool.id]?.size ?? 0,
        set: (topology, size) =>
          withComponent<ServiceComponent>(topology, id, (old) => ({
            ...old,
            pools: { ...old.pools, [pool.id]: { ...pool, size } },
          })),
        less: tenth,
      }),
    ),
    ...(maxInFlight === undefined
      ? []
      : [
          numberKnob(service, 'maxInFlight', {
            id: `${id}.maxInFlight`,
            kind: 'in-flight',
            least: maxInFlight,
            most: 1_000_000,
            less: () => undefined,
          }),
        ]),
  ]
}

/** Stores that lookups ask. */
export const caches = (topology: Topology): ReadonlySet<string> =>
  new Set(
    flowsOf(topology).flatMap((flow) =>
      [...walk(flow)].flatMap((step) => (step.kind === 'lookup' ? [step.target.component] : [])),
    ),
  )

/** A Redis Cluster of fewer is not made: of two, one is no majority. */
const clusterMasters = 3

const storeKnobs = (store: StoreComponent, isCache: boolean, readsCopies: boolean): readonly Knob[] => {
  const { id } = store
  const fewest = readsCopies ? 1 : 0
  const knob = (
    key: Numbers<StoreComponent> & string,
    kind: KnobKind,
    least: number,
    most: number,
    name: string = key,
  ) => numberKnob(store, key, { id: `${id}.${name}`, kind, least, most, less: one })
  const memory =
    isCache && store.memoryBytes !== undefined
      ? [
          numberKnob(
            store,
            'memoryBytes',
            { id: `${id}.memory`, kind: 'memory', least: 1, most: 1024 * 1024, less: tenth },
            mib,
          ),
        ]
      : []
  if (isBroker(store)) return [knob('replicas', 'brokers', 1, 1000)]
  if (store.engine === 'redis')
    return [
      ...(store.mode === 'cluster' ? [knob('masters', 'masters', clusterMasters, 1000)] : []),
      ...(store.mode === 'single' ? [] : [knob('replicasPerMaster', 'copies', store.mode === 'cluster' ? 0 : 1, 10)]),
      ...memory,
    ]
  if (store.shards !== undefined)
    return [
      knob('masters', 'shards', 1, 1000, 'shards'),
      store.masters > 1
        ? knob('replicasPerMaster', 'copies', fewest, 100, 'readReplicas')
        : knob('readReplicas', 'copies', fewest, 100),
    ]
  return ['postgres', 'mysql', 'mongodb'].includes(store.engine)
    ? [knob('readReplicas', 'copies', fewest, 100)]
    : memory
}

/** Stores that somebody reads the copies of. */
const readCopies = (topology: Topology): ReadonlySet<string> =>
  new Set([
    ...Object.values(topology.components).flatMap((component) =>
      component.role === 'service'
        ? Object.values(component.pools).flatMap(({ to }) => (to.role === 'replica' ? [to.component] : []))
        : [],
    ),
    ...flowsOf(topology).flatMap((flow) =>
      [...walk(flow)].flatMap((step) =>
        'target' in step && step.target.role === 'replica' ? [step.target.component] : [],
      ),
    ),
  ])

/** Dearest first: what saves most is lowered before what saves less. */
export const knobsOf = (topology: Topology, priceOf: (host: Host) => number): readonly Knob[] => {
  const asked = caches(topology)
  const copied = readCopies(topology)
  const components = Object.values(topology.components)
  return [
    ...Object.values(topology.hosts)
      .filter(({ id }) => components.some(({ host }) => host === id))
      .toSorted((a, b) => priceOf(b) - priceOf(a))
      .map(hostKnob),
    ...components.flatMap((component) =>
      component.role === 'store' ? storeKnobs(component, asked.has(component.id), copied.has(component.id)) : [],
    ),
    ...components.flatMap((component) =>
      component.role === 'balancer'
        ? [
            numberKnob(component, 'replicas', {
              id: `${component.id}.replicas`,
              kind: 'replicas',
              least: 1,
              most: 1000,
              less: one,
            }),
          ]
        : component.role === 'service'
          ? serviceKnobs(component)
          : [],
    ),
  ]
}

/** Connections of the pools to each role of a store with every autoscaler at its maximum, and what a server must accept then. */
export const connectionsOf = (topology: Topology, store: StoreComponent): number => {
  const roles = new Map<string, number>()
  for (const service of Object.values(topology.components)) {
    if (service.role !== 'service') continue
    const processes = service.execution.model === 'event-loop' ? service.execution.processes : 1
    const replicas = Math.max(service.replicas, service.scaling?.max ?? 0)
    for (const { to, size } of Object.values(service.pools)) {
      if (to.component !== store.id) continue
      const role = to.role ?? 'primary'
      roles.set(role, (roles.get(role) ?? 0) + Math.ceil(size / processes) * processes * replicas)
    }
  }
  const copies = Math.max(1, store.readReplicas)
  return Math.max(0, ...[...roles].map(([role, count]) => (role === 'primary' ? count : Math.ceil(count / copies))))
}

/** `maxConnections` follows from the pools, where it is declared. */
export const withConnections = (topology: Topology): Topology => {
  const components = Object.fromEntries(
    Object.entries(topology.components).map(([id, component]) => {
      if (component.role !== 'store' || component.maxConnections === undefined) return [id, component]
      const needed = connectionsOf(topology, component)
      return [id, needed === 0 ? component : { ...component, maxConnections: needed + component.reservedConnections }]
    }),
  )
  return { ...topology, components }
}

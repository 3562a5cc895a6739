/** Everything that can run out: servers of which each request of the mix occupies one for some time. */
import { demandDependsOnLoad } from '../../../catalog/demand.js'
import { groupBy } from '../../../lib/group.js'
import { counted, percent, perSecond, seconds } from '../../../lib/words.js'
import type { Placement } from '../../../result/placement.js'
import type { Pool, RateLimit, ServiceComponent, Topology } from '../../../topology/types.js'
import { zipfGroups } from '../cache.js'
import { exclusionId, keyGroups } from './exclusion.js'
import type { Holder } from './flow-tree.js'
import { alone, timeOf } from './timing.js'
import { stationDemands, type Usage } from './usage.js'

export type LimitKind =
  | 'cpu'
  | 'host'
  | 'pool'
  | 'slots'
  | 'threads'
  | 'in-flight'
  | 'connections'
  | 'lock'
  | 'rate-limit'

export interface RawLimit {
  readonly id: string
  readonly kind: LimitKind
  readonly servers: number
  /** Time for which a request of the mix occupies a server, when the mix arrives at `throughput`. */
  readonly demandSeconds: (throughput: number) => number
  readonly words: (demandSeconds: number) => string
}

interface Context {
  readonly topology: Topology
  readonly placement: Placement
  readonly usage: Usage
}

/** What is held: `hold app.main`, `message worker`, `serve app`. */
const holderKey = (node: Holder): string =>
  `${node.kind} ${node.kind === 'hold' ? node.pool : node.kind === 'message' ? node.consumer : node.component}`

const groupedHolders = new WeakMap<Usage, ReadonlyMap<string, Usage['holders']>>()

const holdersOf = (usage: Usage, key: string): Usage['holders'] => {
  let groups = groupedHolders.get(usage)
  if (groups === undefined) {
    groups = groupBy(usage.holders, ({ node }) => holderKey(node))
    groupedHolders.set(usage, groups)
  }
  return groups.get(key) ?? []
}

/** Time alone on the system, summed over what is held by one of these names. */
const held =
  (usage: Usage, ...keys: readonly string[]) =>
  (throughput: number): number => {
    const idle = alone((work) => usage.price(work, throughput))
    return keys.reduce(
      (total, key) =>
        holdersOf(usage, key).reduce((sum, { node, count }) => sum + count * timeOf(node.body, idle), total),
      0,
    )
  }

const services = (topology: Topology): readonly ServiceComponent[] =>
  Object.values(topology.components).filter((component) => component.role === 'service')

/** Connections of a pool in all: each process of an event-loop service has its part, rounded up. */
export const poolConnections = (service: ServiceComponent, pool: Pool): number => {
  const processes = service.execution.model === 'event-loop' ? service.execution.processes : 1
  return Math.ceil(pool.size / processes) * processes * service.replicas
}

const slotLimits = ({ topology, usage }: Context): readonly RawLimit[] =>
  services(topology)
    .filter((service) => service.consumes !== undefined)
    .map((service) => ({
      id: service.id,
      kind: 'slots',
      servers: service.slots * service.replicas,
      demandSeconds: held(usage, `message ${service.id}`),
      words: (demand) =>
        `${counted(service.replicas, 'replica')} × ${counted(service.slots, 'slot')}, each held ${seconds(demand)} per request`,
    }))

const threadLimits = ({ topology, usage }: Context): readonly RawLimit[] =>
  services(topology).flatMap((service): readonly RawLimit[] => {
    const { execution } = service
    if (execution.model !== 'threads') return []
    return [
      {
        id: service.id,
        kind: 'threads',
        servers: execution.threads * service.replicas,
        demandSeconds: held(usage, `serve ${service.id}`),
        words: (demand) =>
          `${counted(service.replicas, 'replica')} × ${counted(execution.threads, 'thread')}, each held ${seconds(demand)} per request`,
      },
    ]
  })

const inFlightLimits = ({ topology, usage }: Context): readonly RawLimit[] =>
  services(topology).flatMap((service): readonly RawLimit[] =>
    service.maxInFlight === undefined
      ? []
      : [
          {
            id: service.id,
            kind: 'in-flight',
            servers: service.maxInFlight * service.replicas,
            demandSeconds: held(usage, `serve ${service.id}`),
            words: (demand) =>
              `${counted(service.replicas, 'replica')} × ${service.maxInFlight} requests in flight, ${seconds(demand)} each`,
          },
        ],
  )

const cpuLimits = ({ usage }: Context): readonly RawLimit[] =>
  [...usage.stations.values()]
    .filter((station) => station.servers !== Number.POSITIVE_INFINITY)
    .map((station) => ({
      id: station.component.id,
      kind: 'cpu',
      servers: station.servers,
      demandSeconds: (throughput) => stationDemands(usage, throughput).get(station.id)?.cpuSeconds ?? 0,
      words: (demand) =>
        `${station.role === undefined ? '' : `${station.role}: `}${counted(station.servers, station.loops === undefined ? 'core' : 'event loop')}, ${seconds(demand)} of CPU per request`,
    }))

const poolLimits = ({ topology, usage }: Context): readonly RawLimit[] =>
  services(topology).flatMap((service) =>
    Object.values(service.pools).map((pool): RawLimit => {
      const id = `${service.id}.${pool.id}`
      const servers = poolConnections(service, pool)
      return {
        id,
        kind: 'pool',
        servers,
        demandSeconds: held(usage, `hold ${id}`),
        words: (demand) =>
          `${counted(servers, 'connection')} to ${pool.to.component}, each held ${seconds(demand)} per request`,
      }
    }),
  )

/** Connections of a server to which pools lead: what they hold together cannot exceed what it accepts. */
const connectionLimits = ({ topology, usage }: Context): readonly RawLimit[] => {
  const pooled = groupBy(
    services(topology).flatMap((service) =>
      Object.values(service.pools)
        .filter((pool) => (pool.to.role ?? 'primary') === 'primary')
        .map((pool) => ({ to: pool.to.component, id: `${service.id}.${pool.id}` })),
    ),
    ({ to }) => to,
  )
  return Object.values(topology.components).flatMap((store): readonly RawLimit[] => {
    if (store.role !== 'store' || store.maxConnections === undefined) return []
    const pools = new Set((pooled.get(store.id) ?? []).map(({ id }) => id))
    const servers = store.maxConnections - store.reservedConnections
    return pools.size === 0 || servers <= 0
      ? []
      : [
          {
            id: store.id,
            kind: 'connections',
            servers,
            demandSeconds: held(usage, ...[...pools].map((id) => `hold ${id}`)),
            words: (demand) => `${counted(servers, 'connection')} accepted, each held ${seconds(demand)} per request`,
          },
        ]
  })
}

/** What one may do at a time with each key: the hottest key is the first that is always locked. */
const lockLimits = ({ topology, usage }: Context): readonly RawLimit[] =>
  [...groupBy(usage.exclusions, ({ node }) => exclusionId(node.exclusive))].map(([id, members]): RawLimit => {
    const exclusive = members[0]?.node.exclusive
    const data = exclusive?.data
    const [hottest] = keyGroups(topology, data)
    const share = hottest?.probability ?? 1
    const what = exclusive?.by === 'lock' ? 'lock' : 'row'
    const keys = data === undefined ? 1 : (topology.data[data]?.keys ?? 1)
    return {
      id,
      kind: 'lock',
      servers: 1,
      demandSeconds: (throughput) => {
        const idle = alone((work) => usage.price(work, throughput))
        return members.reduce((sum, { node, count }) => sum + count * share * timeOf(node, idle), 0)
      },
      words: (demand) =>
        `one at a time holds the ${what} of ${keys === 1 ? 'all' : `the hottest of ${keys} keys of ${data}, which ${percent(share)} want`}, ${seconds(demand)} per request`,
    }
  })

/** All requests per second at which the first client reaches its limit; undefined: nobody says how many clients there are. */
const beforeRefusal = ({ clients }: Topology, { per, ratePerSecond }: RateLimit): number | undefined => {
  if (per === 'all') return ratePerSecond
  if (clients === undefined) return undefined
  const { popularity, count } = clients
  const [most] = zipfGroups(count, popularity.law === 'zipf' ? popularity.exponent : 0)
  return ratePerSecond / (most?.probability ?? 1)
}

const rateLimits = ({ topology, usage }: Context): readonly RawLimit[] =>
  Object.values(topology.components).flatMap((component): readonly RawLimit[] => {
    const rate =
      component.role === 'external'
        ? component.rateLimit?.ratePerSecond
        : component.role === 'balancer' && component.rateLimit !== undefined
          ? beforeRefusal(topology, component.rateLimit)
          : undefined
    return rate === undefined
      ? []
      : [
          {
            id: component.id,
            kind: 'rate-limit',
            servers: rate,
            demandSeconds: () => usage.visits.get(component.id) ?? 0,
            words: (visits) => `a limit of ${perSecond(rate)}, ${counted(visits, 'visit')} per request`,
          },
        ]
  })

/** The declared host of a machine; a placement of a run names its machines itself. */
export const hostOf = (topology: Topology, placement: Placement, machine: string): string =>
  placement.origin === 'topology'
    ? (Object.keys(topology.hosts).find((id) => machine === id || machine.startsWith(`${id}/`)) ?? machine)
    : machine

/** The last answer for each usage: every machine is asked about at the same throughput. */
const rememberedMachines = new WeakMap<
  Usage,
  { readonly placement: Placement; readonly throughput: number; readonly demands: ReadonlyMap<string, number> }
>()

/** CPU-seconds per request of the mix by machine: an equal part of each station for each of its instances there. */
const machineDemands = ({ placement, usage }: Context, throughput: number): ReadonlyMap<string, number> => {
  const last = rememberedMachines.get(usage)
  if (last?.throughput === throughput && last.placement === placement) return last.demands
  const demands = new Map<string, number>()
  const add = (machine: string, seconds: number): void => {
    demands.set(machine, (demands.get(machine) ?? 0) + seconds)
  }
  const generator = placement.instances.generator?.host
  if (generator !== undefined) add(generator, usage.generatorSeconds(throughput))
  const stations = stationDemands(usage, throughput)
  for (const station of usage.stations.values()) {
    const each = (stations.get(station.id)?.cpuSeconds ?? 0) / Math.max(1, station.instances.length)
    for (const id of station.instances) add(placement.instances[id]?.host ?? '', each)
  }
  rememberedMachines.set(usage, { placement, throughput, demands })
  return demands
}

export const machineDemand = (context: Context, machine: string, throughput: number): number =>
  machineDemands(context, throughput).get(machine) ?? 0

/** Machines that instances share; one that belongs to a single instance is that instance's own CPU limit. */
const hostLimits = (context: Context): readonly RawLimit[] =>
  Object.entries(context.placement.hosts).flatMap(([machine, { cpu }]): readonly RawLimit[] => {
    const host = hostOf(context.topology, context.placement, machine)
    if (context.placement.origin === 'topology' && context.topology.hosts[host] === undefined) return []
    return [
      {
        id: `host:${host}`,
        kind: 'host',
        servers: cpu,
        demandSeconds: (throughput) => machineDemand(context, machine, throughput),
        words: (demand) =>
          `${counted(cpu, 'core')}${machine === host ? '' : ` of ${machine}`}, ${seconds(demand)} of CPU per request`,
      },
    ]
  })

/** Where two are equally tight, the one that comes first here names the cause more exactly. */
export const rawLimits = (context: Context): readonly RawLimit[] =>
  [
    slotLimits,
    threadLimits,
    cpuLimits,
    poolLimits,
    connectionLimits,
    lockLimits,
    hostLimits,
    inFlightLimits,
    rateLimits,
  ].flatMap((limits) => limits(context))

/** Beyond these requests are refused at once instead of waiting: users who wait for answers are not held up by them. */
export const refuses = ({ kind }: RawLimit): boolean => kind === 'rate-limit' || kind === 'in-flight'

/**
 * The throughput at which X·D(X) reaches the number of servers: servers/D where demand is constant, else the root, which
 * is sought as far as 10⁹/s (X·D(X) grows with X for every law that calibration writes). Infinity: no demand.
 */
export const maxThroughput = (topology: Topology, limit: RawLimit): number => {
  if (!demandDependsOnLoad(topology)) {
    const demand = limit.demandSeconds(1)
    return demand > 0 ? limit.servers / demand : Number.POSITIVE_INFINITY
  }
  const busy = (throughput: number): number => throughput * limit.demandSeconds(throughput)
  const highest = 1e9
  if (busy(highest) <= limit.servers) return Number.POSITIVE_INFINITY
  let low = 0
  let high = highest
  for (let i = 0; i < 200 && high - low > 1e-9 * high; i++) {
    const middle = low === 0 ? high / 2 : Math.sqrt(low * high)
    if (busy(middle) > limit.servers) high = middle
    else low = middle
  }
  return (low + high) / 2
}

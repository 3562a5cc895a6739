/** What can be done about a limit: changes of one thing that a file says, as `--set` takes them. Decisions that are no number are named instead. */
import type { Host, ServiceComponent, StoreComponent, Topology } from '../topology/types.js'
import type { Limit } from './types.js'

export interface Move {
  /** `app: 3 replicas instead of 2`. */
  readonly words: string
  readonly settings: readonly string[]
}

export interface Remedies {
  readonly moves: readonly Move[]
  /** What only people can decide. */
  readonly decision: string | undefined
}

const none = (decision: string): Remedies => ({ moves: [], decision })

/** So many instead of `from`, that `factor` times as much is carried; at least one more. */
const more = (from: number, factor: number): number => Math.max(from + 1, Math.ceil(from * factor - 1e-9))

const move = (what: string, path: string, from: number, to: number): Move => ({
  words: `${what} ${to} instead of ${from}`,
  settings: [`${path}=${to}`],
})

/** Twice the cores for twice the price: machines of a family cost in proportion. */
const larger = (host: Host): Move => ({
  words: `host ${host.id}: ${host.cpu * 2} cores instead of ${host.cpu}`,
  settings: [
    `hosts.${host.id}.cpu=${host.cpu * 2}`,
    ...(host.pricePerHour === undefined ? [] : [`hosts.${host.id}.price=${host.pricePerHour * 2}/h`]),
  ],
})

const hostMoves = (topology: Topology, id: string, factor: number): readonly Move[] => {
  const host = topology.hosts[id]
  if (host === undefined) return []
  return [move(`host ${id}: machines`, `hosts.${id}.count`, host.count, more(host.count, factor)), larger(host)]
}

/** One machine for each replica, where there was one for each. */
const withMachines = (
  topology: Topology,
  component: ServiceComponent | StoreComponent,
  to: number,
): readonly string[] => {
  const host = component.host === undefined ? undefined : topology.hosts[component.host]
  if (host === undefined || host.count < component.replicas) return []
  return to > host.count ? [`hosts.${host.id}.count=${to}`] : []
}

const replicaMove = (topology: Topology, service: ServiceComponent, factor: number): Move => {
  const to = more(service.replicas, factor)
  const { scaling } = service
  return {
    words: `${service.id}: ${to} replicas instead of ${service.replicas}`,
    settings: [
      `components.${service.id}.replicas=${to}`,
      ...(scaling === undefined ? [] : [`components.${service.id}.scaling.min=${to}`]),
      ...(scaling !== undefined && scaling.max < to ? [`components.${service.id}.scaling.max=${to}`] : []),
      ...withMachines(topology, service, to),
    ],
  }
}

const storeMoves = (topology: Topology, store: StoreComponent, limit: Limit, factor: number): Remedies => {
  const at = `components.${store.id}`
  const host = store.host === undefined ? undefined : topology.hosts[store.host]
  const vertical = host === undefined ? [] : [larger(host)]
  if (limit.sentence.startsWith('replica')) {
    const to = more(store.readReplicas, factor)
    const grown = { ...move(`${store.id}: read replicas`, `${at}.readReplicas`, store.readReplicas, to) }
    return {
      moves: [
        { ...grown, settings: [...grown.settings, ...withMachines(topology, store, to + store.masters)] },
        ...vertical,
      ],
      decision: undefined,
    }
  }
  if (store.mode === 'cluster') {
    const to = more(store.masters, factor)
    return {
      moves: [move(`${store.id}: masters`, `${at}.masters`, store.masters, to), ...vertical],
      decision: undefined,
    }
  }
  if (store.shards !== undefined) {
    const to = more(store.shards.count, factor)
    return {
      moves: [move(`${store.id}: shards`, `${at}.shards.count`, store.shards.count, to), ...vertical],
      decision: undefined,
    }
  }
  return {
    moves: vertical,
    decision: vertical.length > 0 ? undefined : `${store.id} is one server: shard it, or spare it work`,
  }
}

/** More of what a replica has, by what is exhausted there. */
const ownMoves = (service: ServiceComponent, limit: Limit, part: string, factor: number): readonly Move[] => {
  const { id, execution, maxInFlight, slots } = service
  const at = `components.${id}`
  const pool = service.pools[part]
  switch (limit.kind) {
    case 'pool':
      return pool === undefined
        ? []
        : [move(`${limit.id}: connections`, `${at}.pools.${part}.size`, pool.size, more(pool.size, factor))]
    case 'slots':
      return [move(`${id}: slots`, `${at}.slots`, slots, more(slots, factor))]
    case 'in-flight':
      return maxInFlight === undefined
        ? []
        : [move(`${id}: in flight`, `${at}.maxInFlight`, maxInFlight, more(maxInFlight, factor))]
    case 'threads':
    case 'cpu': {
      if (execution.model === 'virtual-threads' || (execution.model === 'threads') !== (limit.kind === 'threads'))
        return []
      const [name, from] =
        execution.model === 'threads'
          ? (['threads', execution.threads] as const)
          : (['processes', execution.processes] as const)
      const to = more(from, factor)
      return [
        {
          words: `${id}: ${name} ${to} instead of ${from}`,
          settings: [`${at}.execution={ model: ${execution.model}, ${name}: ${to} }`],
        },
      ]
    }
    default:
      return []
  }
}

/** `factor`: how many times as much is wanted. */
export const remediesOf = (topology: Topology, limit: Limit, factor: number): Remedies => {
  const [id = '', part = ''] = limit.id.startsWith('host:') ? [limit.id] : limit.id.split('.')
  if (limit.kind === 'host') return { moves: hostMoves(topology, limit.id.slice(5), factor), decision: undefined }
  const component = topology.components[id]
  if (component === undefined) return none(`${limit.id}: ${limit.sentence}`)
  if (limit.kind === 'lock')
    return none(
      `${limit.id}: hold it for less time, or divide what it is about: the hottest key is at work one at a time`,
    )
  if (limit.kind === 'rate-limit')
    return component.role === 'balancer' && component.rateLimit !== undefined
      ? {
          moves: [
            {
              words: `${id}: a rate limit of ${Math.ceil(limit.servers * factor)}/s`,
              settings: [`components.${id}.rateLimit.rate=${Math.ceil(limit.servers * factor)}/s`],
            },
          ],
          decision: undefined,
        }
      : none(`${id}: agree on more than ${limit.servers}/s with whoever runs it`)
  if (component.role === 'balancer') {
    const host = component.host === undefined ? undefined : topology.hosts[component.host]
    return {
      moves: [
        move(`${id}: workers`, `components.${id}.workers`, component.workers, more(component.workers, factor)),
        move(`${id}: replicas`, `components.${id}.replicas`, component.replicas, more(component.replicas, factor)),
        ...(host === undefined ? [] : [larger(host)]),
      ],
      decision: undefined,
    }
  }
  if (component.role === 'service')
    return {
      moves: [...ownMoves(component, limit, part, factor), replicaMove(topology, component, factor)],
      decision: undefined,
    }
  if (component.role === 'store') {
    if (limit.kind === 'connections' && component.maxConnections !== undefined)
      return {
        moves: [
          move(
            `${id}: connections accepted`,
            `components.${id}.maxConnections`,
            component.maxConnections,
            more(component.maxConnections, factor),
          ),
        ],
        decision: undefined,
      }
    return storeMoves(topology, component, limit, factor)
  }
  return none(`${limit.id}: ${limit.sentence}`)
}

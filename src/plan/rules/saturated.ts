import type { Patch } from '../../contract/finding.js'
import { number, percent, perSecond } from '../../lib/words.js'
import type { Review } from '../facts/review.js'
import type { Limit } from '../types.js'
import type { Rule } from './rule.js'

/** A resource is asked for more than it has (open), or all there is (closed). */
export const saturated: Rule = {
  severity: 'error',
  explanation: 'A resource is asked for more than it has.',
  formula: 'U = X·D/c ≥ 1',
  check: (review) => {
    const { topology, plan } = review
    const { demand } = plan
    if (demand.traffic === 'none') return []
    const closed = demand.traffic === 'closed'
    const full = plan.limits.filter(({ utilization }) => utilization >= (closed ? 0.995 : 1))
    return full.map((limit) => {
      const max = limit.maxThroughputPerSecond ?? 0
      const patches = enlarged(review, limit)
      const wanted = number(Math.ceil(limit.servers * limit.utilization))
      return {
        subject: limit.id,
        message: closed
          ? `${limit.id} is saturated: ${demand.users} users ask for more than it carries, and wait in its queue`
          : `${limit.id} is saturated: ${perSecond(demand.throughputPerSecond)} are offered, it carries ${perSecond(max)}`,
        arithmetic: `${limit.sentence}: at most ${perSecond(max)}; utilization ${percent(limit.utilization)}`,
        fix: closed
          ? 'fewer users, more think time, less work per request, or more of what is exhausted'
          : `offer at most ${perSecond(max)}, or ${wanted} instead of ${number(limit.servers)} of what is exhausted`,
        ...(patches.length > 0 ? { patches } : { decision: decisionOn(limit, wanted, closed) }),
        position: topology.source.locate(placeOf(limit)),
      }
    })
  },
}

/** A closed loop asks for as much as there is: so much more of a limit lets it find the next one. */
const closedFactor = 2
const openMargin = 1.25

/** Limits that somebody set, as opposed to what machines and others can do: those are simply set higher. */
const enlarged = ({ topology, plan }: Review, limit: Limit): readonly Patch[] => {
  const [id = '', pool] = limit.id.split('.')
  const component = topology.components[id]
  const factor = plan.demand.traffic === 'closed' ? closedFactor : limit.utilization * openMargin
  const perReplica = (component?.replicas ?? 1) * 1
  const each = Math.ceil((limit.servers * factor) / perReplica)
  if (limit.kind === 'pool' && pool !== undefined && component?.role === 'service') {
    const store = topology.components[component.pools[pool]?.to.component ?? '']
    const room =
      store?.role === 'store' && store.maxConnections !== undefined
        ? store.maxConnections - store.reservedConnections
        : Number.POSITIVE_INFINITY
    const replicas = Math.max(component.replicas, component.scaling?.max ?? 0)
    const size: Patch = { path: ['components', id, 'pools', pool, 'size'], value: each }
    return each * replicas <= room || store === undefined || store.role !== 'store'
      ? [size]
      : [size, { path: ['components', store.id, 'maxConnections'], value: each * replicas + store.reservedConnections }]
  }
  if (limit.kind === 'in-flight' && component?.role === 'service')
    return [{ path: ['components', id, 'maxInFlight'], value: each }]
  if (limit.kind === 'threads') return [{ path: ['components', id, 'execution', 'threads'], value: each }]
  if (limit.kind === 'connections' && component?.role === 'store')
    return [
      {
        path: ['components', id, 'maxConnections'],
        value: Math.ceil(limit.servers * factor) + component.reservedConnections,
      },
    ]
  if (limit.kind === 'rate-limit' && component?.role === 'balancer')
    return [{ path: ['components', id, 'rateLimit', 'rate'], value: `${Math.ceil(limit.servers * factor)}/s` }]
  return []
}

const decisionOn = (limit: Limit, wanted: string, closed: boolean): string => {
  if (limit.kind === 'rate-limit')
    return `${limit.id} is not ours: buy a quota beyond ${perSecond(limit.servers)}, call it for fewer requests, or let fewer in`
  if (limit.kind === 'lock')
    return `how ${limit.id} is locked: hold it for less, check before the lock, or split the key; or let fewer in`
  const what = limit.kind === 'slots' ? 'slots' : limit.kind === 'cpu' || limit.kind === 'host' ? 'servers' : limit.kind
  return closed
    ? `how much of ${limit.id} to pay for (now ${number(limit.servers)} ${what}), or how many users to let in`
    : `pay for ${wanted} ${what} instead of ${number(limit.servers)} at ${limit.id}, make a request cheaper there, or turn some away`
}

const placeOf = (limit: Limit): readonly string[] => {
  if (limit.id.startsWith('host:')) return ['hosts', limit.id.slice('host:'.length)]
  const [component = '', pool] = limit.id.split('.')
  return pool === undefined || limit.kind !== 'pool'
    ? ['components', component]
    : ['components', component, 'pools', pool]
}

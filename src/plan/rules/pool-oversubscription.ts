import type { Patch } from '../../contract/finding.js'
import { groupBy } from '../../lib/group.js'
import { counted } from '../../lib/words.js'
import { poolConnections } from '../../sim/analytic/network/limits.js'
import type { Pool, ServiceComponent, StoreComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

interface Member {
  readonly service: ServiceComponent
  readonly pool: Pool
  /** The most that its autoscaler may ask for. */
  readonly replicas: number
  readonly processes: number
}

/** Pools that together demand more connections than their server accepts. Copies of a store accept connections of their own. */
export const poolOversubscription: Rule = {
  severity: 'error',
  explanation: 'The pools that lead to one server demand more connections than it accepts.',
  formula: 'Σ replicas(max) × size > maxConnections − reserved',
  check: (review) =>
    review.stores.flatMap((store) =>
      store.maxConnections === undefined
        ? []
        : [...groupBy(membersOf(review, store), ({ pool }) => pool.to.role ?? 'primary')].flatMap(([role, members]) =>
            judged(review, store, role, members),
          ),
    ),
}

const membersOf = ({ services }: Review, store: StoreComponent): readonly Member[] =>
  services.flatMap((service) =>
    Object.values(service.pools)
      .filter((pool) => pool.to.component === store.id)
      .map((pool) => ({
        service,
        pool,
        replicas: Math.max(service.replicas, service.scaling?.max ?? 0),
        processes: service.execution.model === 'event-loop' ? service.execution.processes : 1,
      })),
  )

const judged = (
  review: Review,
  store: StoreComponent,
  role: string,
  members: readonly Member[],
): readonly RuleFinding[] => {
  const max = store.maxConnections ?? 0
  const copies = Math.max(1, store.readReplicas)
  const room = (max - store.reservedConnections) * (role === 'primary' ? 1 : copies)
  const demanded = members.reduce((sum, member) => sum + connections(member), 0)
  const [first] = members
  if (demanded <= room || first === undefined) return []
  const cut = fitting(members, room)
  const enough = cut !== undefined && members.every((member, i) => carries(review, member, cut[i] ?? 0))
  const needed = Math.ceil(demanded / (role === 'primary' ? 1 : copies)) + store.reservedConnections
  const patches: readonly Patch[] = enough
    ? members.map(({ service, pool }, i) => ({
        path: ['components', service.id, 'pools', pool.id, 'size'],
        value: cut[i] ?? 1,
      }))
    : [{ path: ['components', store.id, 'maxConnections'], value: needed }]
  const sizes = [...new Set(cut ?? [])]
  return [
    {
      subject: store.id,
      ...told(store, role, members, room),
      fix: enough
        ? `pools of ${sizes.join(', ')} connections, or max connections of ${needed} or more`
        : `max connections of ${needed} or more: smaller pools could not carry the declared traffic`,
      patches,
      position: review.locate('components', first.service.id, 'pools', first.pool.id, 'size'),
    },
  ]
}

const connections = ({ service, pool, replicas }: Member): number => poolConnections({ ...service, replicas }, pool)

/** What it comes to before anything scales. */
const connectionsNow = ({ service, pool }: Member): number => poolConnections(service, pool)

/** Message and arithmetic: as it stands first, where that is too much already. */
const told = (store: StoreComponent, role: string, members: readonly Member[], room: number) => {
  const now = members.reduce((sum, member) => sum + connectionsNow(member), 0)
  const most = members.reduce((sum, member) => sum + connections(member), 0)
  const scales = most > now
  const product = (replicas: number, { service, pool }: Member): string =>
    `${service.id}.${pool.id} ${replicas}${replicas > service.replicas ? ' (its maximum)' : ''} × ${poolConnections({ ...service, replicas }, pool) / replicas}`
  const nowText = `${members.map((member) => product(member.service.replicas, member)).join(' + ')} = ${now}`
  const mostText = `${members.map((member) => product(member.replicas, member)).join(' + ')} = ${most}`
  const copies = role === 'primary' ? 1 : Math.max(1, store.readReplicas)
  const bound = `${store.maxConnections} − ${store.reservedConnections} reserved${copies === 1 ? '' : `, × ${copies} copies`} = ${room}`
  const name = `${store.id}${store.readReplicas > 0 ? ` (${role})` : ''}`
  return now > room
    ? {
        message: `pools demand ${counted(now, 'connection')} of ${name}${scales ? `, ${most} when they have scaled` : ''}; it accepts ${room}`,
        arithmetic: `${nowText} > ${bound}${scales ? `; ${mostText}` : ''}`,
      }
    : {
        message: `pools demand ${counted(most, 'connection')} of ${name} when they have scaled; it accepts ${room}`,
        arithmetic: `${mostText} > ${bound}; before they scale ${nowText}`,
      }
}

/** Sizes at which they fit, all being cut alike; undefined: not even one connection each does. */
const fitting = (members: readonly Member[], room: number): readonly number[] | undefined => {
  const demanded = members.reduce((sum, member) => sum + connections(member), 0)
  const sizes = members.map(({ pool, processes }) => {
    const size = Math.floor((pool.size * room) / demanded)
    return Math.max(processes, size - (size % processes))
  })
  const sum = members.reduce((total, { replicas }, i) => total + replicas * (sizes[i] ?? 0), 0)
  return sum <= room ? sizes : undefined
}

/** Would so many connections per replica carry the declared traffic? Little's law: X times how long one is held. */
const carries = ({ plan }: Review, { service, pool }: Member, size: number): boolean => {
  const planned = plan.pools[`${service.id}.${pool.id}`]
  if (planned === undefined || planned.holdSeconds === null) return true
  return planned.arrivalRatePerSecond * planned.holdSeconds <= size * service.replicas
}

import { groupBy } from '../../lib/group.js'
import { counted } from '../../lib/words.js'
import { poolConnections } from '../../sim/analytic/network/limits.js'
import type { Pool, ServiceComponent } from '../../topology/types.js'
import type { Rule } from './rule.js'

/** Pools that together demand more connections than their server accepts. Copies of a store accept connections of their own. */
export const poolOversubscription: Rule = ({ topology }) =>
  Object.values(topology.components).flatMap((store) => {
    if (store.role !== 'store' || store.maxConnections === undefined) return []
    const pools = Object.values(topology.components).flatMap((service) =>
      service.role === 'service'
        ? Object.values(service.pools)
            .filter((pool) => pool.to.component === store.id)
            .map((pool) => ({ service, pool, role: pool.to.role ?? 'primary' }))
        : [],
    )
    const accepted = store.maxConnections - store.reservedConnections
    const copies = Math.max(1, store.readReplicas)
    return [...groupBy(pools, ({ role }) => role)].flatMap(([role, members]) => {
      const room = role === 'primary' ? accepted : accepted * copies
      const demanded = members.reduce((sum, { service, pool }) => sum + poolConnections(service, pool), 0)
      if (demanded <= room) return []
      const [first] = members
      return [
        {
          severity: 'error' as const,
          subject: store.id,
          message: `pools demand ${counted(demanded, 'connection')} of ${store.id}${store.readReplicas > 0 ? ` (${role})` : ''}, which accepts ${room}`,
          arithmetic: `${members.map(part).join(' + ')} = ${demanded} > ${store.maxConnections} − ${store.reservedConnections} reserved${role === 'primary' || copies === 1 ? '' : `, × ${copies} copies`} = ${room}`,
          fix: `pools of at most ${fitting(members, room, demanded)} connections each, or max connections of ${demanded + store.reservedConnections} or more`,
          ...(first === undefined
            ? {}
            : { position: topology.source.locate(['components', first.service.id, 'pools', first.pool.id]) }),
        },
      ]
    })
  })

interface Member {
  readonly service: ServiceComponent
  readonly pool: Pool
}

const part = ({ service, pool }: Member): string => {
  const each = poolConnections(service, pool) / service.replicas
  return `${service.id}.${pool.id} ${service.replicas} × ${each}`
}

/** The size at which the largest of the pools would fit, all being cut alike. */
const fitting = (members: readonly Member[], room: number, demanded: number): number =>
  Math.max(1, Math.floor((Math.max(...members.map(({ pool }) => pool.size)) * room) / demanded))

import { number, percent, perSecond } from '../../lib/words.js'
import type { Rule } from './rule.js'

/** A resource is asked for more than it has (open), or all there is (closed). */
export const saturated: Rule = ({ topology, plan }) => {
  const { demand } = plan
  if (demand.traffic === 'none') return []
  const full = plan.limits.filter(({ utilization }) => utilization >= (demand.traffic === 'closed' ? 0.995 : 1))
  return full.map((limit) => {
    const max = limit.maxThroughputPerSecond ?? 0
    const component = limit.id.startsWith('host:') ? undefined : limit.id.split('.')[0]
    const closed = demand.traffic === 'closed'
    return {
      severity: 'error',
      subject: limit.id,
      message: closed
        ? `${limit.id} is saturated: ${demand.users} users ask for more than it carries, and wait in its queue`
        : `${limit.id} is saturated: ${perSecond(demand.throughputPerSecond)} are offered, it carries ${perSecond(max)}`,
      arithmetic: `${limit.sentence}: at most ${perSecond(max)}; utilization ${percent(limit.utilization)}`,
      fix: closed
        ? 'fewer users, more think time, less work per request, or more of what is exhausted'
        : `offer at most ${perSecond(max)}, or ${number(Math.ceil(limit.servers * limit.utilization))} instead of ${number(limit.servers)} of what is exhausted`,
      position: topology.source.locate(
        component === undefined ? ['hosts', limit.id.slice('host:'.length)] : ['components', component],
      ),
    }
  })
}

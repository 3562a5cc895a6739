/** Utilization and queues of components, pools and shared hosts. */
import { groupBy } from '../../../lib/group.js'
import { usableCores } from '../../../result/capacity.js'
import { holders } from '../network/flow-tree.js'
import { machineDemand } from '../network/limits.js'
import type { Solved } from '../network/solve.js'
import type { Judged, Judgements } from './judge.js'
import { type Context, type Row, together, widthOf } from './rows.js'

export const componentRows = (context: Context): readonly Row[] => {
  const { result, topology, placement, solved, judgements } = context
  const { network, table } = solved.point
  const throughput = table.throughputPerSecond
  return Object.values(topology.components).flatMap((component): readonly Row[] => {
    const found = result.components[component.id]
    const visits = solved.usage.visits.get(component.id) ?? 0
    if (found === undefined || visits === 0 || component.role === 'external' || component.role === 'monitor') return []
    const stations = [...solved.usage.stations.values()].filter((station) => station.component.id === component.id)
    const cpuSeconds = stations.reduce((sum, { id }) => sum + (network.demands.get(id)?.cpuSeconds ?? 0), 0)
    const cores = usableCores(placement, [...new Set(stations.flatMap(({ instances }) => instances))])
    const allCores = usableCores(
      placement,
      Object.keys(placement.instances).filter((id) => id.startsWith(`${component.id}/`)),
    )
    const judged = together([
      ...stations
        .filter(({ id }) => (network.demands.get(id)?.cpuSeconds ?? 0) > 0)
        .map(({ id }) => judgements.station(id)),
      ...(component.role === 'service' || component.role === 'balancer' ? passing(context, component.id) : []),
    ])
    const seconds =
      solved.residences.services.get(component.id) ??
      stations.reduce((sum, { id }) => sum + (solved.residences.stations.get(id) ?? 0), 0)
    const base = { kind: 'component', subject: component.id } as const
    const closedWhy =
      table.traffic === 'closed' ? together(solved.classes.map(({ id }) => judgements.request(id))).why : undefined
    return [
      ...(cpuSeconds > 0 && cores > 0
        ? [
            {
              ...base,
              quantity: 'utilization.cpu',
              unit: 'ratio' as const,
              theory: (throughput * cpuSeconds) / allCores,
              simulated: found.utilization.cpu,
              halfWidth: widthOf(found, 'utilization.cpu'),
              judged: { formula: 'utilization law', why: closedWhy },
            },
          ]
        : []),
      {
        ...base,
        quantity: 'queue.mean',
        unit: 'count',
        theory: seconds === 0 ? 0 : throughput * seconds,
        simulated: found.queue.mean,
        halfWidth: widthOf(found, 'queue.mean'),
        judged: { formula: judged.formula === '' ? 'Little' : judged.formula, why: judged.why },
      },
    ]
  })
}

/** The classes whose answers a service or balancer waits for. */
const passing = ({ solved, judgements }: Context, component: string): readonly Judged[] =>
  solved.classes.flatMap(({ id, tree, perRequest }) =>
    [...holders(tree, perRequest)].some(({ node }) => node.kind === 'serve' && node.component === component)
      ? [judgements.request(id)]
      : [],
  )

export const poolRows = ({ result, topology, solved, judgements }: Context): readonly Row[] => {
  const throughput = solved.point.table.throughputPerSecond
  return Object.values(topology.components).flatMap((component): readonly Row[] => {
    if (component.role !== 'service') return []
    return Object.keys(component.pools).flatMap((pool): readonly Row[] => {
      const subject = `${component.id}.${pool}`
      const taken = solved.residences.pools.get(subject)
      const owner = result.components[component.id]
      const found = owner?.pools[pool]
      if (taken === undefined || found === undefined || taken.count === 0) return []
      const judged = judgements.holder(`pool ${subject}`)
      const rate = throughput * taken.count
      const times = (seconds: number): number => (seconds === 0 ? 0 : rate * seconds)
      const row = (quantity: 'inUse' | 'waiting', seconds: number): Row => ({
        kind: 'pool',
        subject,
        quantity: `pools.${pool}.${quantity}`,
        unit: 'count',
        theory: times(seconds),
        simulated: found[quantity],
        halfWidth: widthOf(owner, `pools.${pool}.${quantity}`),
        judged: quantity === 'inUse' ? inUseJudged(solved, judgements, subject) : judged,
      })
      return [row('inUse', taken.holdSeconds), row('waiting', taken.waitSeconds)]
    })
  })
}

/** Connections in use are λ·h: exact where the time that one is held is. */
const inUseJudged = (solved: Solved, judgements: Judgements, pool: string): Judged => {
  const { level } = solved.point.network.describe(`pool ${pool}`)
  const stations = [...level.cpuSeconds.keys()].map((id) => judgements.station(id))
  const holder = judgements.holder(`pool ${pool}`)
  if (level.cpuSeconds.size === 0 && level.holders.size === 0)
    return { formula: 'Little', why: solved.point.table.traffic === 'closed' ? holder.why : undefined }
  return { formula: 'Little', why: holder.why ?? stations.find(({ why }) => why !== undefined)?.why }
}

export const hostRows = ({ result, topology, placement, solved, judgements }: Context): readonly Row[] => {
  const { table } = solved.point
  const throughput = table.throughputPerSecond
  const there = groupBy(Object.keys(placement.instances), (id) => placement.instances[id]?.host ?? '')
  return Object.entries(placement.hosts).flatMap(([host, { cpu }]): readonly Row[] => {
    const found = result.hosts[host]
    const here = new Set((there.get(host) ?? []).map((id) => id.split('/')[0]))
    if (found === undefined || here.size < 2) return []
    const theory = (throughput * machineDemand({ topology, placement, usage: solved.usage }, host, throughput)) / cpu
    const why =
      table.traffic === 'closed' ? together(solved.classes.map(({ id }) => judgements.request(id))).why : undefined
    return [
      {
        kind: 'host',
        subject: host,
        quantity: 'utilization.cpu',
        unit: 'ratio',
        theory,
        simulated: found.utilization.cpu,
        halfWidth: widthOf(found, 'utilization.cpu'),
        judged: { formula: 'utilization law', why },
      },
    ]
  })
}

/** The throughput that the declared traffic comes to. */
import { demandDependsOnLoad } from '../../../catalog/demand.js'
import { meanSeconds } from '../../../lib/distribution.js'
import type { Topology, Traffic } from '../../../topology/types.js'
import { meanValueAnalysis } from '../closed.js'
import { maxThroughput, type RawLimit } from './limits.js'
import type { KnownWaits } from './queueing.js'
import { stationDemands, type Usage } from './usage.js'

export type ClosedMethod = 'mva' | 'mean-field' | 'bound'

export interface OperatingPoint {
  readonly table: {
    readonly traffic: 'open' | 'closed' | 'none'
    readonly throughputPerSecond: number
    readonly users: number | null
    readonly thinkSeconds: number | null
    readonly method: ClosedMethod | null
    readonly responseSeconds: number | null
  }
  /** Closed traffic: waits per burst by station, from mean value analysis. */
  readonly known: KnownWaits | undefined
}

type Closed = Extract<Traffic, { mode: 'closed' }>

const closedPoint = (
  topology: Topology,
  usage: Usage,
  limits: readonly RawLimit[],
  traffic: Closed,
): OperatingPoint => {
  const thinkSeconds = meanSeconds(traffic.thinkTime)
  const ceiling = limits.reduce(
    (least, limit) => Math.min(least, maxThroughput(topology, limit)),
    Number.POSITIVE_INFINITY,
  )
  // Demand may depend on the throughput that is sought: from the ceiling down, a few rounds settle it.
  let throughput = Number.isFinite(ceiling) ? ceiling : 1
  let answer = meanValueAnalysis({ users: 0, thinkSeconds, stations: [] })
  let queueing: readonly { id: string; servers: number; demandSeconds: number; bursts: number }[] = []
  for (let round = 0; round < 8; round++) {
    const demands = stationDemands(usage, throughput)
    const pureWait = usage.entries.reduce(
      (sum, { node, count, synchronous }) =>
        sum + (synchronous ? count * usage.price(node, throughput).waitSeconds : 0),
      0,
    )
    queueing = [...usage.stations.values()].flatMap((station) => {
      const demand = demands.get(station.id)
      return demand === undefined || demand.synchronousCpuSeconds === 0 || !Number.isFinite(station.servers)
        ? []
        : [
            {
              id: station.id,
              servers: Math.max(1, Math.floor(station.servers)),
              demandSeconds: demand.synchronousCpuSeconds,
              bursts: (demand.bursts * demand.synchronousCpuSeconds) / demand.cpuSeconds,
            },
          ]
    })
    answer = meanValueAnalysis({ users: traffic.users, thinkSeconds: thinkSeconds + pureWait, stations: queueing })
    const next = Math.min(answer.throughputPerSecond, ceiling)
    const settled = Math.abs(next - throughput) <= 1e-9 * throughput
    throughput = next
    if (settled || !demandDependsOnLoad(topology)) break
  }
  if (!Number.isFinite(throughput)) throughput = 0
  const known = new Map(
    queueing.map(({ id, demandSeconds, bursts }, i) => [
      id,
      Math.max(0, (answer.stations[i]?.residenceSeconds ?? 0) - demandSeconds) / bursts,
    ]),
  )
  return {
    table: {
      traffic: 'closed',
      throughputPerSecond: throughput,
      users: traffic.users,
      thinkSeconds,
      method: answer.throughputPerSecond > ceiling ? 'bound' : answer.method === 'exact' ? 'mva' : 'mean-field',
      responseSeconds: throughput > 0 ? traffic.users / throughput - thinkSeconds : null,
    },
    // Where something else than a station holds the throughput down, the stations' queues are not those that it computed.
    known: answer.throughputPerSecond > ceiling ? undefined : known,
  }
}

export const operatingPoint = (topology: Topology, usage: Usage, limits: readonly RawLimit[]): OperatingPoint => {
  const { traffic } = topology
  if (traffic?.mode === 'closed') return closedPoint(topology, usage, limits, traffic)
  return {
    table: {
      traffic: traffic === undefined ? 'none' : 'open',
      throughputPerSecond: traffic?.ratePerSecond ?? 0,
      users: null,
      thinkSeconds: null,
      method: null,
      responseSeconds: null,
    },
    known: undefined,
  }
}

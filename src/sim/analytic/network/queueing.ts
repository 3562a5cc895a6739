/** What work waits for at a given throughput: event loops, cores shared with others, pools, slots of consumers. */
import type { Placement } from '../../../result/placement.js'
import type { Topology } from '../../../topology/types.js'
import { erlangC } from '../erlang.js'
import { mgc, type StationAnswer } from '../mg.js'
import type { Holder } from './flow-tree.js'
import { machineDemand, poolConnections } from './limits.js'
import { placeOf, type Station, stationId } from './stations.js'
import { type Timing, timeOf } from './timing.js'
import { type StationDemand, stationDemands, type Usage } from './usage.js'

export interface Queueing {
  readonly timing: Timing
  readonly demands: ReadonlyMap<string, StationDemand>
  readonly delayAt: (station: string) => { readonly waitSeconds: number; readonly stretch: number }
  /** Of a pool `app.main`: the wait for a connection and what precedes it. */
  readonly pool: (id: string) => { readonly holdSeconds: number; readonly answer: StationAnswer }
  readonly queueSeconds: (consumer: string) => number
}

interface Context {
  readonly topology: Topology
  readonly placement: Placement
  readonly usage: Usage
}

/** Waits at stations that another method (mean value analysis) has found, by station id. */
export type KnownWaits = ReadonlyMap<string, number>

/**
 * Where processes compete for cores, one gets its time stretched as under processor sharing: by 1 + C(c, a)/(c − a), the
 * response of M/M/c over its service time, with c cores and the load a of all on these machines. Event loops have their
 * own queue for their own work, so only the others' part of that stretch counts, and none when each loop has its core.
 */
const stretchOf = (context: Context, station: Station, throughput: number, own: number): number => {
  const load = station.machines.reduce(
    (sum, machine) => sum + throughput * machineDemand(context, machine, throughput),
    0,
  )
  const cores = station.machineCores
  const competitors = [...context.usage.stations.values()].filter((other) =>
    other.machines.some((machine) => station.machines.includes(machine)),
  )
  const loops = competitors.reduce((sum, other) => sum + (other.loops ?? Number.POSITIVE_INFINITY), 0)
  const generatorHere = station.machines.includes(context.placement.instances.generator?.host ?? '')
  if (station.loops !== undefined && loops + (generatorHere ? 1 : 0) <= cores) return 1
  if (load <= 0) return 1
  const others = station.loops === undefined ? 1 : Math.max(0, load - own) / load
  if (others < 1e-9) return 1
  return load >= cores ? Number.POSITIVE_INFINITY : 1 + (others * erlangC(wholeServers(cores), load)) / (cores - load)
}

/** Formulas for several servers want a whole number of them; a quota of 1.5 cores counts as one server there. */
const wholeServers = (cores: number): number => Math.max(1, Math.floor(cores))

const delayOf = (
  context: Context,
  station: Station,
  demand: StationDemand,
  throughput: number,
): { readonly waitSeconds: number; readonly stretch: number } => {
  if (demand.bursts === 0 || station.servers === Number.POSITIVE_INFINITY) return { waitSeconds: 0, stretch: 1 }
  const own = throughput * demand.cpuSeconds
  const stretch = stretchOf(context, station, throughput, own)
  const { component } = station
  const slots =
    component.role === 'service' && component.consumes !== undefined ? component.slots * component.replicas : undefined
  // A task that has its slot has its server, too: it waits in the queue of the broker instead.
  if (slots !== undefined && slots <= station.servers) return { waitSeconds: 0, stretch }
  const confined = station.servers < station.machineCores
  if (station.loops === undefined && !confined) return { waitSeconds: 0, stretch }
  const serviceSeconds = (demand.cpuSeconds / demand.bursts) * stretch
  const servers = wholeServers(station.servers)
  const { waitSeconds } = mgc(
    {
      arrivalRatePerSecond: throughput * demand.bursts,
      serviceSeconds: (serviceSeconds * servers) / station.servers,
      servers,
    },
    station.loops === undefined ? 1 : demand.scv,
  )
  return { waitSeconds, stretch }
}

export const queueing = (context: Context, throughput: number, known?: KnownWaits): Queueing => {
  const { topology, usage } = context
  const demands = stationDemands(usage, throughput)
  const delays = new Map(
    [...usage.stations.values()].map((station) => {
      const demand = demands.get(station.id)
      const wait = known?.get(station.id)
      if (demand === undefined) return [station.id, { waitSeconds: 0, stretch: 1 }] as const
      return [
        station.id,
        wait === undefined ? delayOf(context, station, demand, throughput) : { waitSeconds: wait, stretch: 1 },
      ] as const
    }),
  )
  const delayAt = (station: string) => delays.get(station) ?? { waitSeconds: 0, stretch: 1 }
  const answers = new Map<string, { holdSeconds: number; answer: StationAnswer }>()

  /** A finite number of servers, held by some subtrees; memoized, and 0 for one that is being computed (it nests in itself). */
  const heldServers = (id: string, servers: number, scv: number, choose: (node: Holder) => boolean) => {
    const before = answers.get(id)
    if (before !== undefined) return before
    answers.set(id, { holdSeconds: 0, answer: mgc({ arrivalRatePerSecond: 0, serviceSeconds: 0, servers }, scv) })
    const chosen = usage.holders.filter(({ node }) => choose(node))
    const count = chosen.reduce((sum, entry) => sum + entry.count, 0)
    const total = chosen.reduce((sum, entry) => sum + entry.count * timeOf(entry.node.body, timing, true), 0)
    const holdSeconds = count > 0 ? total / count : 0
    const made = {
      holdSeconds,
      answer: mgc({ arrivalRatePerSecond: throughput * count, serviceSeconds: holdSeconds, servers }, scv),
    }
    answers.set(id, made)
    return made
  }

  const pool = (id: string) => {
    const [component = '', name = ''] = id.split('.')
    const service = topology.components[component]
    const declared = service?.role === 'service' ? service.pools[name] : undefined
    const servers = service?.role === 'service' && declared !== undefined ? poolConnections(service, declared) : 1
    return heldServers(id, servers, 1, (node) => node.kind === 'hold' && node.pool === id)
  }
  const queueSeconds = (consumer: string): number => {
    const worker = topology.components[consumer]
    if (worker?.role !== 'service') return 0
    return heldServers(
      `slots of ${consumer}`,
      worker.slots * worker.replicas,
      demands.get(consumer)?.scv ?? 1,
      (node) => node.kind === 'message' && node.consumer === consumer,
    ).answer.waitSeconds
  }
  const timing: Timing = {
    price: (node) => usage.price(node, throughput),
    delay: (node) => delayAt(stationId(placeOf(topology, node.at))),
    poolWaitSeconds: (id) => pool(id).answer.waitSeconds,
    queueSeconds,
  }
  return { timing, demands, delayAt, pool, queueSeconds }
}

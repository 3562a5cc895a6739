/**
 * What is held while other work goes on (connections, threads, slots) makes a network of levels: at the top stations, delays and
 * holders; inside each holder again stations, delays and holders. A holder with room for L is solved as a flow-equivalent server: its inside as a closed
 * network of 1…L customers, whose throughputs are the holder's pace.
 * Source: K. M. Chandy, U. Herzog, L. Woo, Parametric analysis of queuing networks, IBM J. R&D 19(1), 1975; P. J. Courtois 1977; Lazowska et al., ch. 8–9.
 */
import { type ClosedStation, chainThroughputs } from '../closed.js'
import { type Pace, serversPace } from '../load-dependent.js'
import type { Contention } from './contention.js'
import type { Holder, Node } from './flow-tree.js'
import { coresAt, type Site } from './places.js'
import { alone, momentsOf, type Timing } from './timing.js'

export interface LevelPart {
  readonly node: Node
  /** Times per entry of the level. */
  readonly weight: number
}

export interface Level {
  /** Per entry, each time. */
  readonly delaySeconds: number
  readonly cpuSeconds: ReadonlyMap<string, number>
  readonly bursts: ReadonlyMap<string, number>
  readonly holders: ReadonlyMap<string, { readonly count: number; readonly parts: readonly LevelPart[] }>
}

export interface LevelContext {
  readonly price: Timing['price']
  readonly stationId: (node: Extract<Node, { kind: 'work' }>) => string
  /** Undefined: nothing limits it, or so little that it need not be looked at. */
  readonly holderId: (node: Holder) => string | undefined
}

/** What clients wait for; messages are others' work. */
export const levelOf = (parts: readonly LevelPart[], context: LevelContext): Level => {
  let delaySeconds = 0
  /** Branches of a fork go on at once: what they take less than one after the other. */
  let saved = 0
  const cpuSeconds = new Map<string, number>()
  const bursts = new Map<string, number>()
  const holders = new Map<string, { count: number; parts: LevelPart[] }>()
  const add = (map: Map<string, number>, key: string, value: number): void => {
    map.set(key, (map.get(key) ?? 0) + value)
  }
  const visit = (node: Node, weight: number): void => {
    if (!(weight > 0)) return
    switch (node.kind) {
      case 'work': {
        const price = context.price(node)
        delaySeconds += weight * price.waitSeconds
        if (price.cpuSeconds === 0) return
        const id = context.stationId(node)
        add(cpuSeconds, id, weight * price.cpuSeconds)
        add(bursts, id, weight)
        return
      }
      case 'fork': {
        const idle = alone(context.price)
        const lengths = node.parts.map((part) => momentsOf(part, idle).mean)
        saved += weight * (lengths.reduce((sum, length) => sum + length, 0) - momentsOf(node, idle).mean)
        for (const part of node.parts) visit(part, weight)
        return
      }
      case 'series':
        for (const part of node.parts) visit(part, weight)
        return
      case 'choice':
        for (const part of node.parts) visit(part.body, weight * part.weight)
        return
      case 'weighted':
        visit(node.body, weight * node.weight)
        return
      case 'message':
      case 'later':
        return
      default: {
        const id = context.holderId(node)
        if (id === undefined) {
          visit(node.body, weight)
          return
        }
        const holder = holders.get(id) ?? { count: 0, parts: [] }
        holder.count += weight
        holder.parts.push({ node: node.body, weight })
        holders.set(id, holder)
      }
    }
  }
  for (const { node, weight } of parts) visit(node, weight)
  for (const holder of holders.values())
    holder.parts = holder.parts.map(({ node, weight }) => ({ node, weight: weight / holder.count }))
  return { delaySeconds: Math.max(0, delaySeconds - saved), cpuSeconds, bursts, holders }
}

export interface Surroundings {
  readonly contention: Contention
  /** Requests of the mix per second. */
  readonly throughput: number
  /** Pace of a holder that lies inside, in entries of the holder. */
  readonly paceOf: (holder: string) => Pace | undefined
}

/** A station of a closed network and whom it stands for. */
export interface Member {
  readonly closed: ClosedStation
  /** Stations whose bursts are served there; or the holder. */
  readonly stations: readonly string[]
  readonly holder: string | undefined
  /** Per entry of the level: of stations, without what stretches them. */
  readonly demandSeconds: number
}

/** No capacity at all would make every number infinite; this little makes them as good as. */
const leastCores = 1e-6

/**
 * The stations of a level. Work that runs in parallel on one set of cores is one station, whoever it is; what else runs there and belongs to another level
 * takes its cores away (Sevcik's shadow CPU, 1977).
 */
export const membersOf = (level: Level, entriesPerRequest: number, around: Surroundings): readonly Member[] => {
  const groups = new Map<string, { site: Site; stations: string[]; demand: number }>()
  for (const [id, demand] of level.cpuSeconds) {
    const site = around.contention.sites.get(id)
    if (site === undefined || !Number.isFinite(site.station.servers)) continue
    const key =
      site.loopsEach === undefined ? [...site.domains.keys()].map((domain) => domain.id).join() : `loops of ${id}`
    const group = groups.get(key) ?? { site, stations: [], demand: 0 }
    group.stations.push(id)
    group.demand += demand
    groups.set(key, group)
  }
  const members = [...groups.values()].map(({ site, stations, demand }): Member => {
    const [only = ''] = stations
    const closed =
      site.loopsEach === undefined
        ? sharedCores(site, demand, entriesPerRequest, around)
        : loopStation(only, site, site.loopsEach, demand, entriesPerRequest, around)
    return { closed, stations, holder: undefined, demandSeconds: demand }
  })
  for (const [holder, { count }] of level.holders) {
    const pace = around.paceOf(holder)
    if (pace === undefined) continue
    const scaled = pace.map((seconds) => seconds * count)
    members.push({
      closed: { demandSeconds: scaled[0] ?? 0, servers: pace.length, pace: scaled },
      stations: [],
      holder,
      demandSeconds: 0,
    })
  }
  return members
}

/** What others leave: rounding must not make a load out of nothing. */
const remaining = (all: number, foreign: number): number => (foreign > 1e-9 * all ? all - foreign : all)

const sharedCores = (site: Site, demand: number, entriesPerRequest: number, around: Surroundings): ClosedStation => {
  const copies = site.dispatch === 'shared' ? 1 : Math.max(1, site.domains.size)
  let all = 0
  for (const domain of site.domains.keys()) {
    const { loops, parallel } = around.contention.domainDemands.get(domain) ?? { loops: 0, parallel: 0 }
    all += loops + parallel
  }
  const foreign = around.throughput * Math.max(0, all - entriesPerRequest * demand)
  const servers = Math.max(leastCores, remaining(coresAt(site), foreign) / copies)
  return spreadStation(site, demand, servers, copies, around)
}

const loopStation = (
  id: string,
  site: Site,
  loopsEach: number,
  demand: number,
  entriesPerRequest: number,
  around: Surroundings,
): ClosedStation => {
  const copies = site.dispatch === 'shared' ? 1 : site.endpoints
  const stretch = around.contention.stretchOfLoops(site)
  const all = around.contention.demands.get(id)?.cpuSeconds ?? 0
  const foreign = around.throughput * stretch * Math.max(0, all - entriesPerRequest * demand)
  const servers = Math.max(leastCores, remaining(loopsEach * copies, foreign) / copies)
  return spreadStation(site, demand * (Number.isFinite(stretch) ? stretch : 1 / leastCores), servers, copies, around)
}

/** Beyond so many customers the speed of stations that are chosen at random hardly grows. */
const crowd = 400

/** Stations side by side: separate ones, or, where least connections choose, one whose speed lies between that of one queue and that of separate ones. */
const spreadStation = (
  site: Site,
  demand: number,
  servers: number,
  copies: number,
  around: Surroundings,
): ClosedStation => {
  const separate = { demandSeconds: demand / copies, servers, ...(copies === 1 ? {} : { copies }) }
  if (copies === 1 || site.dispatch !== 'least') return separate
  const share = around.contention.leastShare(site)
  const together = serversPace(demand, servers * copies)
  const apart = chainThroughputs(Math.max(crowd, together.length), 0, [separate])
  if (apart === undefined) return separate
  const pace = apart.map((throughput, i) => {
    const one = together[Math.min(i, together.length - 1)] ?? 0
    return one + share * Math.max(0, 1 / throughput - one)
  })
  return { demandSeconds: demand, servers: servers * copies, pace }
}

/** Time between departures of entries when 1…room are inside; undefined: nothing takes time there. */
export const equivalentPace = (level: Level, members: readonly Member[], room: number): Pace | undefined => {
  const throughputs = chainThroughputs(
    room,
    level.delaySeconds,
    members.map(({ closed }) => closed),
  )
  return throughputs?.map((throughput) => 1 / throughput)
}

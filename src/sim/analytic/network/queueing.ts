/**
 * What work waits for at a given throughput: event loops, cores shared with others, and whatever is held meanwhile: connections, threads,
 * slots of consumers.
 */
import { visitCpu } from '../../../catalog/demand.js'
import type { Placement } from '../../../result/placement.js'
import type { ComponentId, ServiceComponent, Topology } from '../../../topology/types.js'
import { type ClosedAnswer, meanValueAnalysis } from '../closed.js'
import { loadDependent, type Pace } from '../load-dependent.js'
import { constantServiceFactor, mg1WaitVariance } from '../mg.js'
import { sideBySide } from '../spread.js'
import type { Holder, Node } from './flow-tree.js'
import {
  equivalentPace,
  type Level,
  type LevelContext,
  type LevelPart,
  levelOf,
  type Member,
  membersOf,
} from './levels.js'
import { coresAt, domainDemands, type Site, type Spread, sitesOf } from './places.js'
import { placeOf, stationId } from './stations.js'
import { alone, type Delay, momentsOf, noDelay, type Timing } from './timing.js'
import { type ClassLoad, type StationDemand, stationDemands, type Usage } from './usage.js'

export interface HolderAnswer {
  /** Of all processes together. */
  readonly servers: number
  readonly arrivalRatePerSecond: number
  readonly utilization: number
  readonly waitProbability: number
  readonly waitSeconds: number
  readonly waitVariance: number
  readonly holdSeconds: number
  /** Squared coefficient of variation of the time for which one is held. */
  readonly holdScv: number
}

export interface QueueingContext {
  readonly topology: Topology
  readonly placement: Placement
  readonly usage: Usage
  readonly classes: readonly ClassLoad[]
  readonly spread: Spread
}

/** Users who think: what the stations of the top level make them wait for, by mean value analysis. */
export interface ClosedLoad {
  readonly users: number
  readonly thinkSeconds: number
}

/** Rooms larger than this are not solved from the inside: M/G/c with the time that one is held. */
const mostRoom = 20_000

interface Room {
  readonly each: number
  readonly processes: number
}

/** Each process of an instance has its part of the instance's pool, rounded up. */
const poolRoom = (service: ServiceComponent, name: string, placement: Placement): Room => {
  const loops = placement.instances[`${service.id}/0`]?.eventLoops ?? 1
  return { each: Math.ceil((service.pools[name]?.size ?? 1) / loops), processes: loops * service.replicas }
}

const poolHolder = (pool: string): string => `pool ${pool}`
const threadHolder = (component: ComponentId): string => `threads of ${component}`
const slotHolder = (consumer: ComponentId): string => `slots of ${consumer}`

export class Network {
  readonly demands: ReadonlyMap<string, StationDemand>
  private readonly sites: ReadonlyMap<string, Site>
  private readonly domainDemands: ReturnType<typeof domainDemands>
  private readonly levels = new Map<string, { readonly level: Level; readonly count: number }>()
  private readonly paces = new Map<string, Pace | undefined>()
  private readonly delays = new Map<string, Delay>()
  private readonly answers = new Map<string, HolderAnswer & { readonly inside: Timing }>()
  private readonly levelContext: LevelContext

  constructor(
    private readonly context: QueueingContext,
    readonly throughput: number,
  ) {
    const { topology, placement, usage, spread } = context
    this.demands = stationDemands(usage, throughput)
    this.sites = sitesOf(topology, placement, usage.stations, spread)
    this.domainDemands = domainDemands(
      this.sites,
      (id) => this.demands.get(id)?.cpuSeconds ?? 0,
      placement.instances.generator === undefined ? 0 : visitCpu(topology, 'generator', throughput).cpuSeconds,
    )
    this.levelContext = {
      price: (node) => usage.price(node, throughput),
      stationId: (node) => this.stationIdOf(node),
      holderId: (node) => this.solvedInside(node),
    }
  }

  private stationIdOf(node: Extract<Node, { kind: 'work' }>): string {
    return stationId(placeOf(this.context.topology, node.at))
  }

  /** The name of what limits a holder, if anything does. */
  limited(node: Holder): string | undefined {
    if (node.kind === 'hold') return poolHolder(node.pool)
    if (node.kind === 'message') return slotHolder(node.consumer)
    return this.roomOf(threadHolder(node.component)) === undefined ? undefined : threadHolder(node.component)
  }

  /** Its name, if its room is small enough to be solved from the inside. */
  private solvedInside(node: Holder): string | undefined {
    const id = this.limited(node)
    return id === undefined || this.sizeOf(id) > mostRoom ? undefined : id
  }

  private sizeOf(id: string): number {
    const room = this.roomOf(id)
    return room === undefined ? Number.POSITIVE_INFINITY : room.each * room.processes
  }

  private roomOf(id: string): Room | undefined {
    const { topology, placement } = this.context
    const [kind, name = ''] = id.startsWith('pool ') ? ['pool', id.slice(5)] : id.split(' of ')
    const component = topology.components[name.split('.')[0] ?? '']
    if (component?.role !== 'service') return undefined
    if (kind === 'pool') return poolRoom(component, name.slice(component.id.length + 1), placement)
    if (kind === 'slots') return { each: component.slots, processes: component.replicas }
    const { execution } = component
    if (execution.model !== 'threads') return undefined
    // Where a run's placement gives it event loops instead, no thread is needed.
    if (placement.instances[`${component.id}/0`]?.eventLoops !== undefined) return undefined
    return { each: execution.threads, processes: component.replicas }
  }

  /** What happens inside a holder, per entry, and how many entries there are per request of the mix. */
  private levelOf(id: string): { readonly level: Level; readonly count: number } {
    let known = this.levels.get(id)
    if (known === undefined) {
      const entries = this.context.usage.holders.filter(({ node }) => this.limited(node) === id)
      const count = entries.reduce((sum, entry) => sum + entry.count, 0)
      const parts = entries.map((entry): LevelPart => ({ node: entry.node.body, weight: entry.count / count }))
      known = { level: levelOf(count > 0 ? parts : [], this.levelContext), count }
      this.levels.set(id, known)
    }
    return known
  }

  topLevel(): Level {
    return levelOf(
      this.context.classes.map(({ tree, perRequest }) => ({ node: tree, weight: perRequest })),
      this.levelContext,
    )
  }

  members(level: Level, entriesPerRequest: number): readonly Member[] {
    return membersOf(level, entriesPerRequest, {
      sites: this.sites,
      domainDemands: this.domainDemands,
      throughput: this.throughput,
      disturbance: (site) => this.disturbance(site),
      paceOf: (holder) => this.paceOf(holder),
    })
  }

  /** Undefined: there is room for everybody, or it takes no time. */
  paceOf(id: string): Pace | undefined {
    if (!this.paces.has(id)) {
      const size = this.sizeOf(id)
      const { level, count } = this.levelOf(id)
      this.paces.set(
        id,
        size > mostRoom || count === 0 ? undefined : equivalentPace(level, this.members(level, count), size),
      )
    }
    return this.paces.get(id)
  }

  /** Load and size of one of the sets of cores that a station is on, of all together where they count as one. */
  private coresOf(site: Site): { readonly cores: number; readonly load: number; readonly copies: number } {
    let demand = 0
    for (const domain of site.domains.keys()) demand += this.domainDemands.get(domain) ?? 0
    const copies = site.dispatch === 'shared' ? 1 : Math.max(1, site.domains.size)
    return { cores: coresAt(site) / copies, load: this.throughput * demand, copies }
  }

  /** What sharing the cores makes of a second of CPU, beside what a part of a core makes of it anyway. */
  private sharing(site: Site): { readonly idle: number; readonly factor: number } {
    const { cores, load, copies } = this.coresOf(site)
    const idle = 1 / Math.min(1, cores)
    const { waitSeconds } = sideBySide({
      arrivalRatePerSecond: load,
      serviceSeconds: 1,
      servers: cores,
      copies,
      dispatch: site.dispatch,
      scv: 1,
    })
    return { idle, factor: idle + waitSeconds }
  }

  /**
   * Event loops have their own queue for their own work, so that of the stretch by sharing cores only the others' part counts, and none when
   * each loop has its core.
   */
  private disturbance(site: Site): number {
    if (site.undisturbed) return 1
    const { load } = this.coresOf(site)
    const own = this.throughput * (this.demands.get(site.station.id)?.cpuSeconds ?? 0)
    const others = load > 0 ? Math.max(0, load - own) / load : 0
    if (others < 1e-9) return 1
    const { idle, factor } = this.sharing(site)
    return 1 + others * (factor / idle - 1)
  }

  /** Under open traffic. */
  delayAt(id: string): Delay {
    let known = this.delays.get(id)
    if (known === undefined) {
      known = this.openDelay(id)
      this.delays.set(id, known)
    }
    return known
  }

  private openDelay(id: string): Delay {
    const site = this.sites.get(id)
    const demand = this.demands.get(id)
    if (site === undefined || demand === undefined || demand.bursts === 0) return noDelay
    const { station } = site
    if (!Number.isFinite(station.servers)) return noDelay
    if (site.loopsEach === undefined) return this.parallelDelay(site, demand)
    const copies = site.dispatch === 'shared' ? 1 : site.endpoints
    const servers = station.servers / copies
    const stretch = this.disturbance(site) / Math.min(1, servers)
    const { component } = station
    // A task that has its slot has its server, too: it waits in the queue of the broker instead.
    if (component.role === 'service' && component.consumes !== undefined)
      if (component.slots * component.replicas <= station.servers) return { ...noDelay, stretch }
    const serviceSeconds = (demand.cpuSeconds / demand.bursts) * this.disturbance(site)
    const rate = this.throughput * demand.bursts
    const { waitSeconds, waitProbability } = sideBySide({
      arrivalRatePerSecond: rate,
      serviceSeconds,
      servers,
      copies,
      dispatch: site.dispatch,
      scv: demand.scv,
    })
    const single = servers === 1 && (copies === 1 || site.dispatch === 'random')
    return {
      waitSeconds,
      waitVariance: single
        ? mg1WaitVariance(rate / copies, serviceSeconds, demand.scv)
        : exponentialVariance(waitSeconds, waitProbability),
      stretch,
    }
  }

  private parallelDelay(site: Site, demand: StationDemand): Delay {
    const { factor } = this.sharing(site)
    // A quota among neighbours without one bounds what the component gets, if not what it slows down.
    const own = this.throughput * demand.cpuSeconds
    const { servers } = site.station
    return { waitSeconds: 0, waitVariance: 0, stretch: own >= servers && own > 0 ? Number.POSITIVE_INFINITY : factor }
  }

  /** A holder under open traffic: births at the rate of its entries, deaths at the pace of its inside. */
  holder(id: string): HolderAnswer & { readonly inside: Timing } {
    const known = this.answers.get(id)
    if (known !== undefined) return known
    const room = this.roomOf(id) ?? { each: 1, processes: 1 }
    const servers = room.each * room.processes
    const { count } = this.levelOf(id)
    const arrivalRatePerSecond = this.throughput * count
    // What nests in itself is computed as if it did not.
    this.answers.set(id, { ...idleHolder(servers), inside: this.timing })
    const idle = this.bodyMoments(id, alone(this.levelContext.price)).mean
    const busy = this.bodyMoments(id, this.timing)
    const pace = this.paceOf(id)
    let made: HolderAnswer & { readonly inside: Timing }
    if (count === 0) made = { ...idleHolder(servers), inside: this.timing }
    else if (pace === undefined) {
      const holdScv = busy.mean > 0 ? busy.variance / busy.mean ** 2 : 0
      made = {
        ...this.queueFor(room, id, arrivalRatePerSecond, busy.mean, holdScv),
        inside: this.timing,
      }
    } else {
      const { inSystem, beyond, utilization, crowdProbability } = loadDependent(arrivalRatePerSecond, pace)
      const stable = Number.isFinite(inSystem)
      const limit = servers * (pace[pace.length - 1] ?? 0)
      const holdSeconds = !stable
        ? limit
        : arrivalRatePerSecond > 0
          ? (inSystem - beyond) / arrivalRatePerSecond
          : (pace[0] ?? 0)
      const inside = this.within(idle, busy.mean, holdSeconds)
      const moments = this.bodyMoments(id, inside)
      const holdScv = moments.mean > 0 && Number.isFinite(moments.variance) ? moments.variance / moments.mean ** 2 : 1
      const base =
        stable && arrivalRatePerSecond > 0 ? beyond / arrivalRatePerSecond : stable ? 0 : Number.POSITIVE_INFINITY
      const constant = constantServiceFactor(servers, Math.min(1, utilization)) / 2
      const together = base * (holdScv + (1 - holdScv) * constant)
      const apart = stable
        ? this.apart(room, id, arrivalRatePerSecond, holdSeconds, holdScv)
        : { wait: 0, probability: 0 }
      const waitSeconds = together + apart.wait
      const waitProbability = Math.min(1, crowdProbability + apart.probability)
      made = {
        servers,
        arrivalRatePerSecond,
        utilization: stable ? (arrivalRatePerSecond * holdSeconds) / servers : utilization,
        waitProbability,
        waitSeconds,
        waitVariance: exponentialVariance(waitSeconds, waitProbability),
        holdSeconds,
        holdScv,
        inside,
      }
    }
    this.answers.set(id, made)
    return made
  }

  private queueFor(room: Room, id: string, rate: number, holdSeconds: number, holdScv: number): HolderAnswer {
    const servers = room.each * room.processes
    const together = this.together(id)
    const { waitSeconds, waitProbability, utilization } = sideBySide({
      arrivalRatePerSecond: rate,
      serviceSeconds: holdSeconds,
      servers: together ? servers : room.each,
      copies: together ? 1 : room.processes,
      dispatch: together ? 'shared' : this.dispatchInto(id),
      scv: holdScv,
    })
    return {
      servers,
      arrivalRatePerSecond: rate,
      utilization,
      waitProbability,
      waitSeconds,
      waitVariance: exponentialVariance(waitSeconds, waitProbability),
      holdSeconds,
      holdScv,
    }
  }

  /** What a queue per process costs over one for all. */
  private apart(room: Room, id: string, rate: number, holdSeconds: number, holdScv: number) {
    if (room.processes === 1 || this.together(id)) return { wait: 0, probability: 0 }
    const separate = this.queueFor(room, id, rate, holdSeconds, holdScv)
    const one = sideBySide({
      arrivalRatePerSecond: rate,
      serviceSeconds: holdSeconds,
      servers: room.each * room.processes,
      copies: 1,
      dispatch: 'shared',
      scv: holdScv,
    })
    return {
      wait: Math.max(0, separate.waitSeconds - one.waitSeconds),
      probability: Math.max(0, separate.waitProbability - one.waitProbability),
    }
  }

  private dispatchInto(id: string) {
    const component = (id.startsWith('pool ') ? id.slice(5).split('.')[0] : id.split(' of ')[1]) ?? ''
    return this.sites.get(component)?.dispatch ?? (this.context.spread === 'shared' ? 'shared' : 'turn')
  }

  private together(id: string): boolean {
    return this.context.spread === 'shared' || id.startsWith('slots of ') || this.dispatchInto(id) === 'shared'
  }

  private bodyMoments(id: string, timing: Timing) {
    const entries = this.context.usage.holders.filter(({ node }) => this.limited(node) === id)
    const count = entries.reduce((sum, entry) => sum + entry.count, 0)
    let mean = 0
    let square = 0
    for (const entry of entries) {
      const moments = momentsOf(entry.node.body, timing)
      mean += (entry.count / count) * moments.mean
      square += (entry.count / count) * (moments.variance + moments.mean ** 2)
    }
    return { mean, variance: Number.isFinite(square) ? Math.max(0, square - mean ** 2) : Number.POSITIVE_INFINITY }
  }

  /** Times inside a holder: contention as much less (or more) than outside as makes it take `holdSeconds`. */
  private within(idleSeconds: number, busySeconds: number, holdSeconds: number): Timing {
    if (!Number.isFinite(busySeconds) || busySeconds - idleSeconds <= 1e-12 * busySeconds) return this.timing
    return scaledTiming(this.timing, Math.max(0, (holdSeconds - idleSeconds) / (busySeconds - idleSeconds)))
  }

  readonly timing: Timing = {
    price: (node) => this.levelContext.price(node),
    delay: (node) => this.delayAt(this.stationIdOf(node)),
    held: (node) => {
      const id = node.kind === 'message' ? undefined : this.limited(node)
      return id === undefined ? undefined : this.holder(id)
    },
    queue: (consumer) => this.holder(slotHolder(consumer)),
  }

  /** Of closed traffic: the answer for the top level, spread over the stations and holders that it consists of. */
  closedTiming(level: Level, members: readonly Member[], answer: ClosedAnswer): Timing {
    const delays = new Map<string, Delay>()
    const held = new Map<string, ReturnType<Timing['held']>>()
    const timing: Timing = {
      ...this.timing,
      delay: (node) => delays.get(this.stationIdOf(node)) ?? this.delayAt(this.stationIdOf(node)),
      held: (node) => {
        const id = node.kind === 'message' ? undefined : this.limited(node)
        // What is too large to be solved from the inside is part of the level around it.
        return id === undefined ? undefined : held.get(id)
      },
    }
    for (const [i, member] of members.entries()) {
      const found = answer.stations[i]
      if (found === undefined) continue
      if (member.holder !== undefined) {
        const { count } = level.holders.get(member.holder) ?? { count: 1 }
        const rate = answer.throughputPerSecond * count
        const waitSeconds = rate > 0 ? found.waiting / rate : 0
        const inUse = found.inSystem - found.waiting
        const inside = this.closedInside(member.holder, inUse, rate > 0 ? inUse / rate : undefined)
        held.set(member.holder, {
          waitSeconds,
          waitVariance: exponentialVariance(waitSeconds, found.crowd),
          waitProbability: found.crowd,
          inside,
        })
        continue
      }
      for (const id of member.stations) delays.set(id, this.closedDelay(id, member, level, found.residenceSeconds))
    }
    return timing
  }

  /** Time of one in the queue of a consumer. */
  queueSeconds(consumer: ComponentId): number {
    return this.timing.queue(consumer).waitSeconds
  }

  private closedDelay(id: string, member: Member, level: Level, residenceSeconds: number): Delay {
    const site = this.sites.get(id)
    if (site?.loopsEach === undefined)
      return { waitSeconds: 0, waitVariance: 0, stretch: residenceSeconds / member.demandSeconds }
    const stretch = this.disturbance(site) / Math.min(1, member.closed.servers)
    const waitSeconds = Math.max(0, residenceSeconds - member.demandSeconds * stretch) / (level.bursts.get(id) ?? 1)
    return { waitSeconds, waitVariance: waitSeconds ** 2, stretch }
  }

  /** Inside a holder with so many entries in it on average: its own closed network, scaled to the time that one is held. */
  private closedInside(id: string, inUse: number, holdSeconds: number | undefined): Timing {
    const { level, count } = this.levelOf(id)
    const members = this.members(level, count)
    const room = this.roomOf(id)
    const users = Math.min(room === undefined ? 2 : room.each * room.processes, Math.max(2, Math.ceil(inUse)))
    const answer = meanValueAnalysis({
      users,
      thinkSeconds: level.delaySeconds,
      stations: members.map(({ closed }) => closed),
    })
    const timing = this.closedTiming(level, members, answer)
    if (holdSeconds === undefined) return timing
    const idle = this.bodyMoments(id, alone(this.levelContext.price)).mean
    const busy = this.bodyMoments(id, timing).mean
    if (!Number.isFinite(busy) || busy - idle <= 1e-12 * busy) return timing
    return scaledTiming(timing, Math.max(0, (holdSeconds - idle) / (busy - idle)))
  }
}

/** A wait that is exponential if there is one: E[W²] = 2·E[W]²/P(wait). */
const exponentialVariance = (waitSeconds: number, waitProbability: number): number =>
  waitSeconds === 0 ? 0 : waitSeconds ** 2 * (2 / Math.min(1, Math.max(1e-12, waitProbability)) - 1)

const idleHolder = (servers: number): HolderAnswer => ({
  servers,
  arrivalRatePerSecond: 0,
  utilization: 0,
  waitProbability: 0,
  waitSeconds: 0,
  waitVariance: 0,
  holdSeconds: 0,
  holdScv: 0,
})

/** The same, all that is contention times `factor`. */
const scaledTiming = (timing: Timing, factor: number): Timing => {
  if (factor === 1) return timing
  const times = (value: number): number => (value === 0 ? 0 : value * factor)
  const scaledDelay = ({ waitSeconds, waitVariance, stretch }: Delay): Delay => ({
    waitSeconds: times(waitSeconds),
    waitVariance: waitVariance === 0 ? 0 : waitVariance * factor ** 2,
    stretch: 1 + times(stretch - 1),
  })
  return {
    ...timing,
    delay: (node) => scaledDelay(timing.delay(node)),
    held: (node) => {
      const held = timing.held(node)
      return held === undefined
        ? undefined
        : {
            waitSeconds: times(held.waitSeconds),
            waitVariance: held.waitVariance === 0 ? 0 : held.waitVariance * factor ** 2,
            waitProbability: held.waitProbability,
            inside: scaledTiming(held.inside, factor),
          }
    },
  }
}

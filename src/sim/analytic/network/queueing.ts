/**
 * What work waits for at a given throughput: event loops, cores shared with others, and whatever is held meanwhile: connections, threads,
 * slots of consumers.
 */

import { groupBy } from '../../../lib/group.js'
import type { Placement } from '../../../result/placement.js'
import type { ComponentId, Topology } from '../../../topology/types.js'
import { type ClosedAnswer, meanValueAnalysis } from '../closed.js'
import { loadDependent, type Pace } from '../load-dependent.js'
import { constantServiceFactor } from '../mg.js'
import { type Dispatch, sideBySide } from '../spread.js'
import { Contention, exponentialVariance } from './contention.js'
import { exclusionId, exclusionWait, keyGroups } from './exclusion.js'
import { type Exclusive, forks, type Holder, type Node, occurrences } from './flow-tree.js'
import {
  equivalentPace,
  type Level,
  type LevelContext,
  type LevelPart,
  levelOf,
  type Member,
  membersOf,
} from './levels.js'
import type { Site, Spread } from './places.js'
import { Ranks, ranksAt } from './priorities.js'
import { componentOfHolder, type Room, type Rooms, slotHolder } from './rooms.js'
import type { Station } from './stations.js'
import { alone, type Delay, momentsOf, type Timing, type Wait } from './timing.js'
import type { ClassLoad, Kept, StationDemand, Usage } from './usage.js'

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
  readonly siteOf: (station: Station) => Site
  readonly rooms: Rooms
  readonly kept: Kept
}

/** Rooms larger than this are not solved from the inside: M/G/c with the time that one is held. */
const mostRoom = 20_000

export class Network {
  readonly demands: ReadonlyMap<string, StationDemand>
  readonly contention: Contention
  private readonly levels = new Map<string, { readonly level: Level; readonly count: number }>()
  private readonly paces = new Map<string, Pace | undefined>()
  private readonly answers = new Map<string, HolderAnswer & { readonly inside: Timing }>()
  private readonly levelContext: LevelContext
  private foundRanks: Ranks | undefined
  /** By station and holder, what each priority asks of it. */
  private readonly loads = new Map<string, ReturnType<Ranks['loads']>>()

  constructor(
    private readonly context: QueueingContext,
    readonly throughput: number,
  ) {
    const { usage } = context
    this.contention = new Contention(context, throughput)
    this.demands = this.contention.demands
    this.levelContext = {
      price: (node) => usage.price(node, throughput),
      stationId: (node) => this.stationIdOf(node),
      holderId: (node) => this.solvedInside(node),
    }
  }

  /** Only services that know priorities ask for them. */
  private get ranks(): Ranks {
    this.foundRanks ??= new Ranks(this.context.topology, this.context.classes)
    return this.foundRanks
  }

  site(station: string): Site | undefined {
    return this.contention.sites.get(station)
  }

  /** What a holder (`pool app.main`, `threads of app`, `slots of worker`) consists of. */
  describe(id: string): { readonly processes: number; readonly level: Level; readonly dispatch: Dispatch } {
    return {
      processes: this.together(id) && this.context.spread === 'shared' ? 1 : (this.roomOf(id)?.processes ?? 1),
      level: this.levelOf(id).level,
      dispatch: this.dispatchInto(id),
    }
  }

  private stationIdOf(node: Extract<Node, { kind: 'work' }>): string {
    return this.context.kept.stationIdOf(node)
  }

  /** The name of what limits a holder, if anything does. */
  limited(node: Holder): string | undefined {
    return this.context.rooms.limited(node)
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
    return this.context.rooms.roomOf(id)
  }

  private byHolder: ReadonlyMap<string | undefined, readonly Usage['holders'][number][]> | undefined

  /** The entries of a holder, of all classes. */
  private entriesOf(id: string): readonly Usage['holders'][number][] {
    this.byHolder ??= groupBy(this.context.usage.holders, ({ node }) => this.limited(node))
    return this.byHolder.get(id) ?? []
  }

  /** What happens inside a holder, per entry, and how many entries there are per request of the mix. */
  private levelOf(id: string): { readonly level: Level; readonly count: number } {
    let known = this.levels.get(id)
    if (known === undefined) {
      const entries = this.entriesOf(id)
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
      contention: this.contention,
      throughput: this.throughput,
      paceOf: (holder) => this.paceOf(holder),
    })
  }

  /** Undefined: there is room for everybody, or it takes no time. */
  paceOf(id: string): Pace | undefined {
    if (!this.paces.has(id)) {
      const size = this.sizeOf(id)
      const { level, count } = this.levelOf(id)
      // What nests in itself is computed as if it did not.
      this.paces.set(id, undefined)
      this.paces.set(
        id,
        size > mostRoom || count === 0 ? undefined : equivalentPace(level, this.members(level, count), size),
      )
    }
    return this.paces.get(id)
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
    const idle = this.bodyMoments(id, alone(this.levelContext.price))
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
      const inside = this.within(idle.mean, busy.mean, holdSeconds)
      // What sharing inside adds to the variance does not count: its pace knows that, and processor sharing is insensitive.
      const holdScv = idle.mean > 0 ? idle.variance / idle.mean ** 2 : 1
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

  private dispatchInto(id: string): Dispatch {
    return (
      this.contention.sites.get(componentOfHolder(id))?.dispatch ??
      (this.context.spread === 'shared' ? 'shared' : 'turn')
    )
  }

  private together(id: string): boolean {
    return this.context.spread === 'shared' || id.startsWith('slots of ') || this.dispatchInto(id) === 'shared'
  }

  private bodyMoments(id: string, timing: Timing) {
    const entries = this.entriesOf(id)
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
    delay: (node) => this.rankedDelay(node, this.contention.delayAt(this.stationIdOf(node))),
    held: (node) => {
      const id = node.kind === 'message' ? undefined : this.limited(node)
      return id === undefined ? undefined : this.rankedHolder(node, id, this.holder(id))
    },
    locked: (node) => this.lockWait(node),
    queue: (consumer) => this.holder(slotHolder(consumer)),
    forkShare: (node) => this.forkShares().get(node) ?? 0,
  }

  /** What this piece of work meets, by the priority of its request. */
  private rankedDelay(node: Extract<Node, { kind: 'work' }>, all: Delay): Delay {
    const id = this.stationIdOf(node)
    const site = this.site(id)
    if (site === undefined || !ranksAt(this.context.topology, site.station.component.id)) return all
    let loads = this.loads.get(id)
    if (loads === undefined) {
      const stretch = this.contention.stretchOfLoops(site)
      const pieces = this.context.usage.entries.flatMap(({ node: each, count, station }) => {
        const { cpuSeconds, variance } = this.levelContext.price(each)
        if (station.id !== id || !(cpuSeconds > 0)) return []
        const mean = cpuSeconds * (site.loopsEach === undefined ? 1 : stretch)
        return [{ node: each, rate: count * this.throughput, mean, square: variance + mean ** 2 }]
      })
      loads = this.ranks.loads(pieces)
      this.loads.set(id, loads)
    }
    return this.ranks.delay(node, site, all, loads, this.levelContext.price(node))
  }

  /** What this entry waits for, by the priority of its request. */
  private rankedHolder<W extends Wait>(node: Holder, id: string, all: W): W {
    if (!ranksAt(this.context.topology, componentOfHolder(id)) || id.startsWith('slots of ')) return all
    let loads = this.loads.get(id)
    if (loads === undefined) {
      // While these are found, what nests in it is computed as if all were alike.
      this.loads.set(id, this.ranks.loads([]))
      const inside = this.answers.get(id)?.inside ?? this.timing
      const pieces = this.entriesOf(id).flatMap(({ node: each, count }) => {
        if (!(count > 0)) return []
        const { mean } = momentsOf(each.body, inside)
        return Number.isFinite(mean) ? [{ node: each, rate: count * this.throughput, mean, square: 0 }] : []
      })
      loads = this.ranks.loads(pieces)
      this.loads.set(id, loads)
    }
    return this.ranks.held(node, all, loads, this.sizeOf(id))
  }

  private readonly lockWaits = new Map<string, Wait>()

  private lockWait({ exclusive }: Exclusive): Wait {
    const id = exclusionId(exclusive)
    const known = this.lockWaits.get(id)
    if (known !== undefined) return known
    // What nests in itself is computed as if it did not wait, and so is the time for which it is held.
    this.lockWaits.set(id, { waitSeconds: 0, waitVariance: 0, waitProbability: 0 })
    const members = this.context.usage.exclusions.filter(({ node }) => exclusionId(node.exclusive) === id)
    const count = members.reduce((sum, member) => sum + member.count, 0)
    let mean = 0
    let square = 0
    for (const member of members) {
      const moments = momentsOf(member.node, this.timing)
      mean += (member.count / count) * moments.mean
      square += (member.count / count) * (moments.variance + moments.mean ** 2)
    }
    const wait = exclusionWait(keyGroups(this.context.topology, exclusive.data), this.throughput * count, {
      mean,
      variance: Number.isFinite(square) ? square - mean ** 2 : Number.POSITIVE_INFINITY,
    })
    // One that nests in another about the same keys is not among the members: nobody else is there.
    const found = count > 0 ? wait : { waitSeconds: 0, waitVariance: 0, waitProbability: 0 }
    this.lockWaits.set(id, found)
    return found
  }

  private shares: ReadonlyMap<Node, number> | undefined

  /** By fork, which part of the load at its branches' stations it makes itself: of the branch that makes least. */
  private forkShares(): ReadonlyMap<Node, number> {
    if (this.shares !== undefined) return this.shares
    const shares = new Map<Node, number>()
    const { usage, classes } = this.context
    for (const { tree, perRequest } of classes)
      for (const { node, count } of forks(tree, perRequest)) {
        const parts = node.parts.map((part) => {
          let own = 0
          let square = 0
          for (const { node: work, count: times } of occurrences(part, count)) {
            const { cpuSeconds } = usage.price(work, this.throughput)
            const all = this.demands.get(this.stationIdOf(work))?.cpuSeconds ?? 0
            if (cpuSeconds === 0 || all === 0) continue
            own += times * cpuSeconds
            square += (times * cpuSeconds) ** 2 / all
          }
          return own > 0 ? square / own : 0
        })
        shares.set(node, Math.min(1, ...parts))
      }
    this.shares = shares
    return shares
  }

  /** Of closed traffic: the answer for the top level, spread over the stations and holders that it consists of. */
  closedTiming(level: Level, members: readonly Member[], answer: ClosedAnswer): Timing {
    const delays = new Map<string, Delay>()
    const held = new Map<string, ReturnType<Timing['held']>>()
    const timing: Timing = {
      ...this.timing,
      delay: (node) => {
        const id = this.stationIdOf(node)
        return this.rankedDelay(node, delays.get(id) ?? this.contention.delayAt(id))
      },
      held: (node) => {
        const id = node.kind === 'message' ? undefined : this.limited(node)
        // What is too large to be solved from the inside is part of the level around it.
        const found = id === undefined ? undefined : held.get(id)
        return id === undefined || found === undefined ? undefined : this.rankedHolder(node, id, found)
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
      for (const id of member.stations)
        delays.set(id, this.contention.closedDelay(id, member, level, found.residenceSeconds))
    }
    return timing
  }

  /** Time of one in the queue of a consumer. */
  queueSeconds(consumer: ComponentId): number {
    return this.timing.queue(consumer).waitSeconds
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

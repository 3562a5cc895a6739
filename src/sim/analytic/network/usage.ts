/** Adds up what the classes ask of each station, step and pool, and prices it. */
import { type Demand, demandDependsOnLoad, stepCpu, visitCpu, visitsDiffer } from '../../../catalog/demand.js'
import { type Distribution, meanSeconds, scv } from '../../../lib/distribution.js'
import type { Placement } from '../../../result/placement.js'
import type { ComponentId, Topology } from '../../../topology/types.js'
import {
  type Exclusive,
  exclusions,
  type Holder,
  holders,
  type Node,
  type Occurrence,
  occurrences,
} from './flow-tree.js'
import { placeOf, type Station, stationId, stationOf } from './stations.js'

export interface ClassLoad {
  readonly id: string
  readonly tree: Node
  /** Requests of this class per request of the mix. */
  readonly perRequest: number
}

type WorkNode = Extract<Node, { kind: 'work' }>

/** A piece of work and how often it happens per request of the mix. */
interface Entry {
  readonly node: WorkNode
  readonly count: number
  readonly synchronous: boolean
  readonly consumer: ComponentId | undefined
  readonly station: Station
}

/** CPU of one occurrence of a piece of work: one burst. */
export interface Price {
  readonly cpuSeconds: number
  /** Variance in seconds², of independent parts. */
  readonly variance: number
  readonly waitSeconds: number
  readonly waitVariance: number
  readonly origin: Demand['origin']
}

export interface Usage {
  readonly entries: readonly Entry[]
  readonly stations: ReadonlyMap<string, Station>
  readonly holders: readonly { readonly node: Holder; readonly count: number }[]
  /** What is done by one at a time for each key, and how often per request of the mix. */
  readonly exclusions: readonly { readonly node: Exclusive; readonly count: number }[]
  /** Visits of a component (all roles) per request of the mix. */
  readonly visits: ReadonlyMap<ComponentId, number>
  /** Do prices? */
  readonly dependsOnLoad: boolean
  /** The price of a piece of work when the mix arrives at `throughput` per second. */
  readonly price: (node: WorkNode, throughput: number) => Price
  /** CPU-seconds of the load generator per request of the mix. */
  readonly generatorSeconds: (throughput: number) => number
}

const cpuOf = (demand: Demand): { readonly mean: number; readonly variance: number } => ({
  mean: demand.cpuSeconds,
  variance: demand.cpu === undefined ? 0 : scv(demand.cpu) * demand.cpuSeconds ** 2,
})

const varianceOf = (time: Distribution | undefined): number =>
  time === undefined ? 0 : scv(time) * meanSeconds(time) ** 2

/** Origins from the most to the least trusted; the largest part of a burst gives its name. */
const originOf = (visit: Demand, visits: number, step: Demand | undefined): Demand['origin'] =>
  step !== undefined && (visits === 0 || step.cpuSeconds >= visits * visit.cpuSeconds) ? step.origin : visit.origin

/** What one request of a class consists of, each with how often. */
interface Pieces {
  readonly occurrences: readonly Occurrence[]
  readonly holders: Usage['holders']
  readonly exclusions: Usage['exclusions']
}

/** What is the same at every load: found once for all usages of a topology on a placement. */
export class Kept {
  readonly dependsOnLoad: boolean
  private readonly pieces: Map<Node, Pieces>
  private readonly ids = new Map<WorkNode, string>()
  private readonly stations = new Map<string, Station>()
  private readonly prices: Map<WorkNode, Price>

  /** `alike`: of the same trees on other instances, whose pieces and prices are the same. */
  constructor(
    readonly topology: Topology,
    readonly placement: Placement,
    private readonly alike?: Kept,
  ) {
    this.dependsOnLoad = demandDependsOnLoad(topology)
    this.pieces = alike?.pieces ?? new Map()
    this.prices = alike?.prices ?? new Map()
  }

  piecesOf(tree: Node): Pieces {
    let found = this.pieces.get(tree)
    if (found === undefined) {
      found = { occurrences: [...occurrences(tree)], holders: [...holders(tree)], exclusions: [...exclusions(tree)] }
      this.pieces.set(tree, found)
    }
    return found
  }

  stationIdOf(node: WorkNode): string {
    let id = this.ids.get(node)
    if (id === undefined) {
      id = stationId(placeOf(this.topology, node.at))
      this.ids.set(node, id)
    }
    return id
  }

  stationOf(node: WorkNode): Station {
    const id = this.stationIdOf(node)
    let station = this.stations.get(id)
    if (station === undefined) {
      station = this.sameStation(id) ?? stationOf(this.topology, this.placement, placeOf(this.topology, node.at))
      this.stations.set(id, station)
    }
    return station
  }

  /** That of `alike`, if its component is the same, and each of its instances is where it is there. */
  private sameStation(id: string): Station | undefined {
    const station = this.alike?.stations.get(id)
    if (station === undefined || this.topology.components[station.component.id] !== station.component) return undefined
    const { instances, hosts } = this.placement
    const before = this.alike?.placement
    const stays =
      station.instances.every((instance) => instances[instance] === before?.instances[instance]) &&
      station.machines.every((machine) => hosts[machine] === before?.hosts[machine])
    return stays ? station : undefined
  }

  /** `make` prices a piece of work under some load; where demands do not depend on it, once is enough. */
  priceOf(node: WorkNode, make: () => Price): Price {
    if (this.dependsOnLoad) return make()
    let price = this.prices.get(node)
    if (price === undefined) {
      price = make()
      this.prices.set(node, price)
    }
    return price
  }
}

export const usageOf = (kept: Kept, classes: readonly ClassLoad[]): Usage => {
  const { topology, dependsOnLoad } = kept
  const stations = new Map<string, Station>()
  const visits = new Map<ComponentId, number>()
  const entries: Entry[] = []
  const held: { node: Holder; count: number }[] = []
  const exclusive: Usage['exclusions'][number][] = []
  for (const { tree, perRequest } of classes) {
    const pieces = kept.piecesOf(tree)
    for (const { node, count: each, synchronous, consumer } of pieces.occurrences) {
      const count = perRequest * each
      const station = kept.stationOf(node)
      stations.set(station.id, station)
      visits.set(node.at.component, (visits.get(node.at.component) ?? 0) + count * node.visits)
      entries.push({ node, count, synchronous, consumer, station })
    }
    for (const { node, count } of pieces.holders) held.push({ node, count: perRequest * count })
    for (const { node, count } of pieces.exclusions) exclusive.push({ node, count: perRequest * count })
  }
  // Demand that depends on load has no value without any: it is then told for one request per second.
  const rate = (component: ComponentId, throughput: number): number =>
    (throughput > 0 ? throughput : 1) * (visits.get(component) ?? 0)
  const price = (node: WorkNode, throughput: number): Price =>
    kept.priceOf(node, () => priceAt(topology, node, rate(node.at.component, throughput)))
  const generatorSeconds = (throughput: number): number => {
    const requests = classes.reduce((sum, { perRequest }) => sum + perRequest, 0)
    const seconds = (id?: string): number => visitCpu(topology, 'generator', throughput, id).cpuSeconds
    if (!visitsDiffer(topology, 'generator') || !(requests > 0)) return seconds()
    return classes.reduce((sum, { id, perRequest }) => sum + (perRequest / requests) * seconds(id), 0)
  }
  return { entries, stations, holders: held, exclusions: exclusive, visits, dependsOnLoad, price, generatorSeconds }
}

const priceAt = (topology: Topology, node: WorkNode, ratePerSecond: number): Price => {
  const perVisit = visitCpu(topology, node.at.component, ratePerSecond, node.serves ?? node.step?.id)
  const ofStep = node.step === undefined ? undefined : stepCpu(topology, node.step.id, node.work, ratePerSecond)
  const visitPart = cpuOf(perVisit)
  const stepPart = ofStep === undefined ? { mean: 0, variance: 0 } : cpuOf(ofStep)
  const wait = ofStep === undefined ? node.work.wait : ofStep.wait
  return {
    cpuSeconds: node.visits * visitPart.mean + stepPart.mean,
    variance: node.visits * visitPart.variance + stepPart.variance,
    waitSeconds:
      (wait === undefined ? 0 : meanSeconds(wait)) +
      (perVisit.wait === undefined ? 0 : node.visits * meanSeconds(perVisit.wait)),
    waitVariance: varianceOf(wait) + node.visits * varianceOf(perVisit.wait),
    origin: originOf(perVisit, node.visits, ofStep),
  }
}

/** What a station gets per request of the mix. */
export interface StationDemand {
  readonly bursts: number
  readonly cpuSeconds: number
  /** Of these, what clients wait for. */
  readonly synchronousCpuSeconds: number
  readonly waitSeconds: number
  /** Squared coefficient of variation of one burst's CPU. */
  readonly scv: number
  readonly origin: Demand['origin']
}

/** The last answer for each usage: limits and machines ask for the same throughput again and again. */
const remembered = new WeakMap<
  Usage,
  { readonly throughput: number; readonly demands: ReadonlyMap<string, StationDemand> }
>()

export const stationDemands = (usage: Usage, throughput: number): ReadonlyMap<string, StationDemand> => {
  const last = remembered.get(usage)
  if (last !== undefined && (!usage.dependsOnLoad || last.throughput === throughput)) return last.demands
  const demands = addUp(usage, throughput)
  remembered.set(usage, { throughput, demands })
  return demands
}

const addUp = (usage: Usage, throughput: number): ReadonlyMap<string, StationDemand> => {
  const sums = new Map<
    string,
    {
      bursts: number
      cpu: number
      sync: number
      wait: number
      square: number
      largest: number
      origin: Demand['origin']
    }
  >()
  for (const { node, count, synchronous, station } of usage.entries) {
    const { cpuSeconds, variance, waitSeconds, origin } = usage.price(node, throughput)
    const sum = sums.get(station.id) ?? {
      bursts: 0,
      cpu: 0,
      sync: 0,
      wait: 0,
      square: 0,
      largest: -1,
      origin: 'declared',
    }
    if (cpuSeconds > 0) {
      sum.bursts += count
      sum.cpu += count * cpuSeconds
      if (synchronous) sum.sync += count * cpuSeconds
      sum.square += count * (variance + cpuSeconds ** 2)
    }
    sum.wait += count * waitSeconds
    if (count * cpuSeconds > sum.largest) {
      sum.largest = count * cpuSeconds
      sum.origin = origin
    }
    sums.set(station.id, sum)
  }
  return new Map(
    [...sums].map(([id, { bursts, cpu, sync, wait, square, origin }]) => [
      id,
      {
        bursts,
        cpuSeconds: cpu,
        synchronousCpuSeconds: sync,
        waitSeconds: wait,
        scv: cpu > 0 ? Math.max(0, (square * bursts) / cpu ** 2 - 1) : 0,
        origin,
      },
    ]),
  )
}

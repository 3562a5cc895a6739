/** Adds up what the classes ask of each station, step and pool, and prices it. */
import { type Demand, stepCpu, visitCpu } from '../../../catalog/demand.js'
import { type Distribution, meanSeconds, scv } from '../../../lib/distribution.js'
import type { Placement } from '../../../result/placement.js'
import type { Step } from '../../../topology/flow.js'
import type { ComponentId, Topology } from '../../../topology/types.js'
import { type Exclusive, exclusions, type Holder, holders, type Node, occurrences } from './flow-tree.js'
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
  /** The price of a piece of work when the mix arrives at `throughput` per second. */
  readonly price: (node: WorkNode, throughput: number) => Price
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

export const usageOf = (topology: Topology, placement: Placement, classes: readonly ClassLoad[]): Usage => {
  const stations = new Map<string, Station>()
  const visits = new Map<ComponentId, number>()
  const entries: Entry[] = []
  const held: { node: Holder; count: number }[] = []
  const exclusive: Usage['exclusions'][number][] = []
  for (const { tree, perRequest } of classes) {
    for (const { node, count, synchronous, consumer } of occurrences(tree, perRequest)) {
      const at = placeOf(topology, node.at)
      const id = stationId(at)
      let station = stations.get(id)
      if (station === undefined) {
        station = stationOf(topology, placement, at)
        stations.set(id, station)
      }
      visits.set(at.component, (visits.get(at.component) ?? 0) + count * node.visits)
      entries.push({ node, count, synchronous, consumer, station })
    }
    held.push(...holders(tree, perRequest))
    exclusive.push(...exclusions(tree, perRequest))
  }
  // Demand that depends on load has no value without any: it is then told for one request per second.
  const rate = (component: ComponentId, throughput: number): number =>
    (throughput > 0 ? throughput : 1) * (visits.get(component) ?? 0)
  const price = (node: WorkNode, throughput: number): Price => {
    const { component } = node.at
    const perVisit = visitCpu(topology, component, rate(component, throughput))
    const ofStep =
      node.step === undefined ? undefined : stepDemand(topology, node.step, node, rate(component, throughput))
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
  return { entries, stations, holders: held, exclusions: exclusive, visits, price }
}

const stepDemand = (topology: Topology, step: Step, node: WorkNode, ratePerSecond: number): Demand =>
  stepCpu(topology, step.id, node.work, ratePerSecond)

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
  if (last?.throughput === throughput) return last.demands
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

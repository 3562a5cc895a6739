/**
 * What priorities make of the waits in a line. Those that do not interrupt: the wait of first come, first served times
 * (1 − ρ)/((1 − σ(k−1))(1 − σ(k))), which is Cobham's formula for M/G/1 and Kella and Yechiali's for M/M/c, and an approximation
 * elsewhere. Those that interrupt: the formulas of `../priority.js` for each queue by itself.
 */
import { levelsOfClasses, priorityLevels } from '../../../topology/priorities.js'
import type { Topology } from '../../../topology/types.js'
import { mmcPreemptiveResponses, preemptiveResponses } from '../priority.js'
import { type Holder, holders, type Node, occurrences } from './flow-tree.js'
import { coresAt, type Site } from './places.js'
import type { Delay, Wait } from './timing.js'
import type { ClassLoad, Price } from './usage.js'

type Work = Extract<Node, { kind: 'work' }>

/** Work of one level at a station, or entries into what is held. */
interface Load {
  readonly ratePerSecond: number
  /** Servers that it keeps busy. */
  readonly busy: number
  /** E[S²] per piece, in seconds². */
  readonly square: number
}

const idle: Load = { ratePerSecond: 0, busy: 0, square: 0 }

const plus = (load: Load, rate: number, mean: number, square: number): Load => {
  const ratePerSecond = load.ratePerSecond + rate
  return {
    ratePerSecond,
    busy: load.busy + rate * mean,
    square: ratePerSecond > 0 ? (load.square * load.ratePerSecond + square * rate) / ratePerSecond : 0,
  }
}

/** (1 − ρ)/((1 − σ(k−1))(1 − σ(k))); 1 where the line grows without end anyway. */
const factor = (loads: readonly Load[], servers: number, level: number): number => {
  const upTo = (count: number): number => loads.slice(0, count).reduce((sum, { busy }) => sum + busy, 0) / servers
  const all = upTo(loads.length)
  return all < 1 ? (1 - all) / ((1 - upTo(level)) * (1 - upTo(level + 1))) : 1
}

const scaled = <W extends { readonly waitSeconds: number; readonly waitVariance: number }>(wait: W, by: number): W => ({
  ...wait,
  waitSeconds: wait.waitSeconds === 0 ? 0 : wait.waitSeconds * by,
  waitVariance: wait.waitVariance === 0 ? 0 : wait.waitVariance * by ** 2,
})

export const preemptiveAt = (topology: Topology, { station }: Site): boolean =>
  ranksAt(topology, station.component.id) &&
  station.component.role === 'service' &&
  station.component.priorities === 'preemptive'

/** Do requests have priorities at this service? */
export const ranksAt = (topology: Topology, component: string): boolean => {
  const service = topology.components[component]
  return service?.role === 'service' && priorityLevels(topology, service) > 1
}

export class Ranks {
  private readonly levelOf = new Map<Node, number>()
  private readonly levels: number

  constructor(
    private readonly topology: Topology,
    classes: readonly ClassLoad[],
  ) {
    const levels = levelsOfClasses(topology)
    this.levels = Math.max(0, ...levels.values()) + 1
    for (const { id, tree } of classes) {
      const level = levels.get(id) ?? 0
      for (const { node } of occurrences(tree, 1)) this.levelOf.set(node, level)
      for (const { node } of holders(tree)) this.levelOf.set(node, level)
    }
  }

  /** Loads by level of pieces of work, each with how many there are per second and how long one takes. */
  loads(
    pieces: Iterable<{ readonly node: Node; readonly rate: number; readonly mean: number; readonly square: number }>,
  ): readonly Load[] {
    const loads = new Array<Load>(this.levels).fill(idle)
    for (const { node, rate, mean, square } of pieces) {
      const level = this.levelOf.get(node) ?? 0
      loads[level] = plus(loads[level] ?? idle, rate, mean, square)
    }
    return loads
  }

  /** What the piece of work meets, from what all together would meet first come, first served. */
  delay(node: Work, site: Site, all: Delay, loads: readonly Load[], price: Price): Delay {
    if (!ranksAt(this.topology, site.station.component.id)) return all
    const level = this.levelOf.get(node) ?? 0
    const { loopsEach, endpoints } = site
    if (!preemptiveAt(this.topology, site))
      return loopsEach === undefined ? all : scaled(all, factor(loads, loopsEach * endpoints, level))
    const queues = loopsEach === undefined ? Math.max(1, site.domains.size) : endpoints
    const servers = loopsEach ?? Math.max(1, Math.ceil(coresAt(site) / queues))
    const rates = loads.map(({ ratePerSecond }) => ratePerSecond / queues)
    const means = loads.map(({ ratePerSecond, busy }) => (ratePerSecond > 0 ? busy / ratePerSecond : 0))
    if (servers === 1) {
      const responses = preemptiveResponses(
        loads.map(({ square }, i) => {
          const mean = means[i] ?? 0
          return {
            arrivalRatePerSecond: rates[i] ?? 0,
            serviceSeconds: mean,
            scv: mean > 0 ? Math.max(0, square / mean ** 2 - 1) : 0,
          }
        }),
      )
      const above = loads.slice(0, level).reduce((sum, { busy }) => sum + busy / queues, 0)
      const response = responses[level] ?? Number.POSITIVE_INFINITY
      const stretch = above < 1 ? 1 / (1 - above) : Number.POSITIVE_INFINITY
      return waiting(response, (means[level] ?? price.cpuSeconds) * stretch, stretch)
    }
    const count = rates.reduce((sum, rate) => sum + rate, 0)
    const mean = count > 0 ? rates.reduce((sum, rate, i) => sum + rate * (means[i] ?? 0), 0) / count : 0
    const responses = mmcPreemptiveResponses(rates, mean, servers)
    return waiting(responses[level] ?? Number.POSITIVE_INFINITY, mean, 1)
  }

  /** The same for what is held meanwhile, where nobody interrupts. */
  held<W extends Wait>(node: Holder, all: W, loads: readonly Load[], servers: number): W {
    return scaled(all, factor(loads, servers, this.levelOf.get(node) ?? 0))
  }
}

const waiting = (response: number, served: number, stretch: number): Delay => {
  if (!Number.isFinite(response)) return { waitSeconds: response, waitVariance: response, stretch }
  const waitSeconds = Math.max(0, response - served)
  return { waitSeconds, waitVariance: waitSeconds ** 2, stretch }
}

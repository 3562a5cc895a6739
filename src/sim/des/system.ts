/** What stations and compiled flows know of the system that they are part of. */
import type { Distribution } from '../../lib/distribution.js'
import { cumulative, search } from '../../lib/popularity.js'
import { type RandomStream, randomStream } from '../../lib/random.js'
import type { Placement } from '../../result/placement.js'
import type { Component, DataId, Topology } from '../../topology/types.js'
import type { CacheContent } from './cache-content.js'
import type { Endpoint } from './endpoint.js'
import type { Gauge } from './gauge.js'
import type { Kernel } from './kernel.js'
import type { Request } from './request.js'
import { StepMeter } from './step-meter.js'

/** One component at run time. */
export interface Member {
  readonly component: Component
  readonly endpoints: readonly Endpoint[]
  /** Calls in hand at all of them. */
  readonly total: Gauge
  /** Endpoints of stores by role: `primary` takes writes. */
  readonly roles: Readonly<Record<string, readonly Endpoint[]>>
  /** What caches hold, one per primary; empty for what keeps no cache. */
  readonly contents: readonly CacheContent[]
  /** Lookups, counted where they were answered. */
  readonly lookups: { hits: number; misses: number }
}

/** A work time that may change with the load: steps and visits draw from it. */
export interface WorkSource {
  draw(): number
}

export class System {
  readonly members = new Map<string, Member>()
  readonly meters = new Map<string, StepMeter>()
  readonly dataIds: readonly DataId[]
  private readonly streams = new Map<string, RandomStream>()
  private readonly keyDraws: (() => number)[]
  private slots = 0
  private readonly refreshers: ((rates: ReadonlyMap<string, number>) => void)[] = []

  constructor(
    readonly topology: Topology,
    readonly placement: Placement,
    readonly seed: number,
    readonly kernel: Kernel,
    /** Visits per second and component that the load means at the start. */
    private readonly plannedRates: ReadonlyMap<string, number>,
  ) {
    this.dataIds = Object.keys(topology.data)
    this.keyDraws = this.dataIds.map((id) => {
      const data = topology.data[id]
      const cdf = data === undefined ? undefined : cumulative(data.popularity, data.keys)
      const stream = this.stream(`key/${id}`)
      return () => (cdf === undefined ? 0 : search(cdf, stream.uniform()))
    })
  }

  /** The stream of that name; one for each purpose, so that a change in one place reshuffles no other. */
  stream(name: string): RandomStream {
    let stream = this.streams.get(name)
    if (stream === undefined) {
      stream = randomStream(this.seed, name)
      this.streams.set(name, stream)
    }
    return stream
  }

  member(id: string): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new Error(`no component ${id}`)
    return member
  }

  meter(step: string): StepMeter {
    let meter = this.meters.get(step)
    if (meter === undefined) {
      meter = new StepMeter(step)
      this.meters.set(step, meter)
    }
    return meter
  }

  /** Of what processes keep per step: retry budgets, breakers, memories. */
  nextSlot(): number {
    return this.slots++
  }

  dataIndex(data: DataId | undefined): number {
    return data === undefined ? -1 : this.dataIds.indexOf(data)
  }

  /** The key of the data set that the request is about; drawn once per request. Data −1: no key, 0. */
  keyOf(request: Request, data: number): number {
    if (data < 0) return 0
    const known = request.keys[data] as number
    if (known >= 0) return known
    const key = (this.keyDraws[data] as () => number)()
    request.keys[data] = key
    return key
  }

  /**
   * Draws from `stream` what `demandAtRate` gives for the present arrival rate of `component`; undefined: it never costs
   * anything.
   */
  work(
    stream: string,
    component: string,
    demandAtRate: (ratePerSecond: number) => Distribution | undefined,
  ): WorkSource | undefined {
    let distribution = demandAtRate(this.plannedRates.get(component) ?? 1)
    if (distribution === undefined) return undefined
    const random = this.stream(stream)
    this.refreshers.push((rates) => {
      const rate = rates.get(component)
      if (rate !== undefined && rate > 0) distribution = demandAtRate(rate) ?? distribution
    })
    return { draw: () => random.sample(distribution as Distribution) }
  }

  /** Demand follows the load: called every second with the visits per second of each component. */
  refreshDemand(rates: ReadonlyMap<string, number>): void {
    for (const refresh of this.refreshers) refresh(rates)
  }
}

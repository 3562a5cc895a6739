/** What stations and compiled flows know of the system that they are part of. */
import type { Distribution } from '../../lib/distribution.js'
import { keyTable } from '../../lib/popularity.js'
import { type RandomStream, randomStream } from '../../lib/random.js'
import type { Placement } from '../../result/placement.js'
import type { StepId } from '../../topology/flow.js'
import type { Component, DataId, Topology } from '../../topology/types.js'
import type { Cache } from '../cache/cache.js'
import { places } from '../places.js'
import { askedCaches } from './cached-data.js'
import type { Endpoint } from './endpoint.js'
import type { Gauge } from './gauge.js'
import type { Kernel } from './kernel.js'
import type { Messaging } from './messaging/messaging.js'
import { Priorities } from './priorities.js'
import type { Replication } from './replication.js'
import { SharedState } from './state-ledger.js'
import { Work } from './work.js'

/** Of a call and its answer. */
export interface Bytes {
  readonly in: number
  readonly out: number
}

/** One component at run time. */
export interface Member {
  readonly component: Component
  readonly endpoints: readonly Endpoint[]
  /** Those that callers may choose from: all but what an autoscaler has not started, or is taking away. */
  readonly active: Endpoint[]
  /** Cores that the instances there are may use; undefined: always the same. */
  readonly cores: Gauge | undefined
  /** Calls in hand at all of them. */
  readonly total: Gauge
  /** Endpoints of stores by role: `primary` (one for each shard) takes writes. A failover changes these lists. */
  readonly roles: Readonly<Record<string, Endpoint[]>>
  /** Of stores, the replicas of each shard. A failover changes these lists, too. */
  readonly replicasOf: Endpoint[][]
  /** What caches hold, one per primary; empty for what no lookup asks. */
  readonly contents: readonly Cache[]
  /** Lookups, counted where they were answered. */
  readonly lookups: { hits: number; misses: number }
}

export class System {
  readonly members = new Map<string, Member>()
  /** Of stores whose members take over from each other. */
  readonly replications = new Map<string, Replication>()
  readonly dataIds: readonly DataId[]
  readonly state: SharedState
  /** Undefined: all requests are alike. */
  readonly priorities: Priorities | undefined
  /** Brokers and workers; undefined: there are none. */
  messaging: Messaging | undefined = undefined
  /** Stores that some lookup asks. */
  readonly caches: ReadonlySet<string>
  /** Messages that wait, by `broker.queue`. */
  readonly queueLengths = new Map<string, () => number>()
  /** Told of endpoints that come into their group, or leave it. */
  readonly groupListeners: ((endpoint: Endpoint, on: boolean) => void)[] = []
  private readonly streams = new Map<string, RandomStream>()
  private readonly keyDraws: (() => number)[]
  /** Partitions of hosts and zones so far. */
  partitions = 0
  private slots = 0
  /** Lookups without a key. */
  private readonly keyless: StepId[] = []
  private readonly goals: ((component: string) => number)[] = []
  private readonly postponed: (() => void)[] = []
  private readonly refreshers: ((rates: ReadonlyMap<string, number>) => void)[] = []

  constructor(
    readonly topology: Topology,
    readonly placement: Placement,
    readonly seed: number,
    readonly kernel: Kernel,
    /** Visits per second and component that the load means at the start. */
    private readonly plannedRates: ReadonlyMap<string, number>,
    /** Kinds that will strike. */
    readonly faults: ReadonlySet<string>,
  ) {
    this.dataIds = Object.keys(topology.data)
    this.caches = askedCaches(topology)
    const priorities = new Priorities(kernel, topology)
    this.priorities = priorities.levels > 1 ? priorities : undefined
    this.state = new SharedState(kernel, topology, (request, data) => this.keyOf(request, data))
    kernel.transit.connect(this.stream('network'), topology.network, places(topology, placement))
    this.keyDraws = this.dataIds.map((id) => {
      const data = topology.data[id]
      const table = data === undefined ? undefined : keyTable(data.popularity, data.keys)
      const stream = this.stream(`key/${id}`)
      return () => (table === undefined ? 0 : table.draw(stream.uniform()))
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

  /** These may be chosen from now on, or no longer. */
  inGroup({ endpoints, active }: Member, changed: readonly Endpoint[], on: boolean): void {
    const chosen = new Set(active)
    for (const endpoint of changed)
      if (on) chosen.add(endpoint)
      else chosen.delete(endpoint)
    active.length = 0
    for (const endpoint of endpoints) if (chosen.has(endpoint)) active.push(endpoint)
    for (const listener of this.groupListeners) for (const endpoint of changed) listener(endpoint, on)
  }

  /** Something that a call of this size wants done: compiled where it first arrives. Returns the number by which calls name it. */
  goal(compile: (component: string) => number, bytes?: Bytes): number {
    this.goals.push(compile)
    const goal = this.goals.length - 1
    if (bytes !== undefined) this.kernel.transit.setBytes(goal, bytes.in, bytes.out)
    return goal
  }

  /** Where the program for `goal` on processes of `component` begins. */
  compile(goal: number, component: string): number {
    const compile = this.goals[goal]
    if (compile === undefined) throw new Error(`no goal ${goal}`)
    return compile(component)
  }

  /** Does it when the program that is being compiled is complete: programs must not be mixed. */
  later(action: () => void): void {
    this.postponed.push(action)
  }

  runPostponed(): void {
    for (let action = this.postponed.shift(); action !== undefined; action = this.postponed.shift()) action()
  }

  /** Of what processes keep per step: retry budgets, breakers, memories. */
  nextSlot(): number {
    return this.slots++
  }

  dataIndex(data: DataId | undefined): number {
    return data === undefined ? -1 : this.dataIds.indexOf(data)
  }

  /** The kind of value that a lookup keeps: that of its data set, or one of its own. */
  content(lookup: { readonly id: StepId; readonly key: DataId | undefined }): number {
    if (lookup.key !== undefined) return this.dataIndex(lookup.key)
    const known = this.keyless.indexOf(lookup.id)
    if (known < 0) this.keyless.push(lookup.id)
    return this.dataIds.length + (known < 0 ? this.keyless.length - 1 : known)
  }

  /** The key of the data set that the request is about; drawn once per request. Data −1: no key, 0. */
  keyOf(request: number, data: number): number {
    if (data < 0 || request < 0) return 0
    const { requests } = this.kernel
    const place = requests.keyPlace(request, data)
    const known = requests.keys[place] as number
    if (known >= 0) return known
    const key = (this.keyDraws[data] as () => number)()
    requests.keys[place] = key
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
  ): Work | undefined {
    const distribution = demandAtRate(this.plannedRates.get(component) ?? 1)
    if (distribution === undefined) return undefined
    const work = new Work(this.stream(stream), distribution)
    this.refreshers.push((rates) => {
      const rate = rates.get(component)
      const demand = rate !== undefined && rate > 0 ? demandAtRate(rate) : undefined
      if (demand !== undefined) work.become(demand)
    })
    return work
  }

  /** Demand follows the load: called every second with the visits per second of each component. */
  refreshDemand(rates: ReadonlyMap<string, number>): void {
    for (const refresh of this.refreshers) refresh(rates)
  }
}

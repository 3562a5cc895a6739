/**
 * Calls and answers that take time on their way, or do not arrive: between zones and regions, and where faults have struck (hot path
 * for the ways concerned; all others pass it by). What a way does is in `../network.ts`.
 *
 * A call that is cut off waits for its retransmissions, until the cut is over or TCP gives up; a balancer that could not connect gives up
 * after its own limit. An answer on its way still holds the caller's connection.
 */
import type { Topology } from '../../topology/types.js'
import {
  blocked,
  giveUpSeconds,
  type Impairment,
  type Place,
  passesAt,
  roundTripSeconds,
  type Uniform,
  Way,
} from '../network.js'
import { connectTimeout, ok, reset, timeout, unavailable } from './codes.js'
import { grownInts, initialRows } from './columns.js'
import { Delays } from './delays.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel } from './kernel.js'
import { Lane } from './lane.js'
import { isBranch, none, remoteBit } from './tasks.js'

/** A message that does not pass as things are. */
interface Stuck {
  readonly caller: number
  readonly epoch: number
  readonly sentAt: number
  readonly back: boolean
  readonly endpoint: Endpoint
}

interface Struck {
  /** Undefined: calls from anywhere. */
  readonly from: string | undefined
  readonly to: string
  readonly impairment: Impairment
}

/** How long a caller takes to learn that it was turned away, beside the way. */
const refusalSeconds = 100e-6

export class Transit {
  /** By the number of the edge. */
  private readonly ways: { readonly way: Way; readonly from: string; readonly to: string }[] = []
  private readonly struck: Struck[] = []
  private stuck: Stuck[] = []
  private readonly going: Delays
  private readonly coming: Delays
  /** By the row of the caller: whom it calls, what for, and whether the message is stuck. */
  private endpoint = new Int32Array(initialRows)
  private goal = new Int32Array(initialRows)
  private isStuck = new Int32Array(initialRows)
  private readonly impatience = new Map<number, Lane>()
  /** By goal: sizes of request and answer. */
  private readonly bytesThere: number[] = []
  private readonly bytesBack: number[] = []
  /** Balancers give up a connection that is not made after so long, by component. */
  readonly connectSeconds = new Map<string, number>()
  private random: Uniform = { uniform: () => 0 }
  private placeOf: (component: string) => Place = () => nowhere
  private network: Topology['network'] = { crossZoneSeconds: 0, crossRegionSeconds: 0 }
  /** Whose call is being delivered. */
  private delivering = none
  /** Partitions of hosts and zones in force. */
  private islands = 0

  constructor(private readonly kernel: Kernel) {
    const { queue, tasks, edges } = kernel
    this.going = new Delays(queue, tasks, (caller) => this.arrived(caller))
    this.coming = new Delays(queue, tasks, (caller) => kernel.hear(caller))
    edges.onNew = (edge, from, to) => this.addWay(edge, from, to)
  }

  /** Before any way is asked for. */
  connect(random: Uniform, network: Topology['network'], placeOf: (component: string) => Place): void {
    this.random = random
    this.network = network
    this.placeOf = placeOf
  }

  /** Sizes of what a call for this goal sends and gets back. */
  setBytes(goal: number, there: number, back: number): void {
    while (this.bytesThere.length <= goal) {
      this.bytesThere.push(0)
      this.bytesBack.push(0)
    }
    this.bytesThere[goal] = there
    this.bytesBack[goal] = back
  }

  /** True: the call is under way (or will never arrive), and the caller waits. False: it is there at once. */
  takes(caller: number, endpoint: Endpoint, goal: number, edge: number): boolean {
    if (this.delivering === caller) return false
    const { kernel } = this
    const { tasks } = kernel
    const { way } = this.wayOf(edge)
    tasks.edge[caller] = edge
    tasks.callee[caller] = none
    if (way.resets(this.random)) return this.failAtOnce(caller, edge, reset)
    // An external is asked, and answers so after its usual time.
    if (!endpoint.station.external && way.errs(this.random)) return this.failAtOnce(caller, edge, unavailable)
    const row = this.rowFor(caller)
    this.endpoint[row] = endpoint.id
    this.goal[row] = goal
    const seconds = this.isCut(caller, endpoint)
      ? blocked
      : way.thereSeconds(this.bytesThere[goal] ?? 0, kernel.queue.now, this.random)
    if (seconds === 0) return false
    this.going.seconds[0] = seconds
    if (seconds === blocked) this.hold(caller, endpoint, false)
    else this.going.add(caller)
    return true
  }

  /** True: the task's answer is on its way, and the task is over. False: its caller hears it at once. */
  answers(task: number, code: number): boolean {
    const { kernel } = this
    const { tasks } = kernel
    const caller = tasks.parent[task] as number
    if (caller === none || isBranch(tasks, task) || tasks.epoch[caller] !== tasks.parentEpoch[task]) return false
    const edge = tasks.edge[caller] as number
    const { way } = this.wayOf(edge)
    const endpoint = kernel.endpointOf(task)
    const answer = code === ok && endpoint.station.external && way.errs(this.random) ? unavailable : code
    const bytes = this.bytesBack[tasks.goal[task] as number] ?? 0
    const seconds = this.backSeconds(caller, endpoint, bytes)
    if (seconds === 0 && answer === code) return false
    kernel.endUnheard(task, answer)
    this.send(caller, endpoint, seconds)
    return true
  }

  /** An answer of the endpoint to a caller whose `answer` is set. True: it is on its way. False: it is there. */
  comesBack(caller: number, endpoint: Endpoint, bytes: number, extraSeconds: number): boolean {
    const seconds = this.backSeconds(caller, endpoint, bytes) + extraSeconds
    if (seconds === 0) return false
    this.send(caller, endpoint, seconds)
    return true
  }

  /** The endpoint turns the caller away. */
  refuses(caller: number, endpoint: Endpoint, code: number): boolean {
    const { tasks } = this.kernel
    tasks.answer[caller] = code
    tasks.callee[caller] = none
    return this.comesBack(caller, endpoint, 0, refusalSeconds)
  }

  /** A fault strikes the ways to a component (from one other, or all). */
  strike(from: string | undefined, to: string, impairment: Impairment): void {
    this.struck.push({ from, to, impairment })
    for (const [edge, way] of this.ways.entries())
      if (way.to === to && (from === undefined || way.from === from)) {
        way.way.strike(impairment)
        this.reckon(edge)
        this.markUnderWay((each) => each === edge)
        if (impairment.resetShare !== undefined) this.resetUnderWay(edge, impairment.resetShare)
      }
  }

  relieve(impairment: Impairment): void {
    const index = this.struck.findIndex((each) => each.impairment === impairment)
    if (index >= 0) this.struck.splice(index, 1)
    for (const [edge, { way }] of this.ways.entries()) {
      way.relieve(impairment)
      this.reckon(edge)
    }
    this.retry()
  }

  /** Partitions these endpoints from all others; `bit` is the partition's own. */
  isolate(endpoints: readonly Endpoint[], bit: number): void {
    this.islands += 1
    for (const endpoint of endpoints) endpoint.island |= bit
    this.kernel.edges.slow.fill(1)
    this.markUnderWay(() => true)
  }

  rejoin(endpoints: readonly Endpoint[], bit: number): void {
    this.islands -= 1
    for (const endpoint of endpoints) endpoint.island &= ~bit
    for (const edge of this.ways.keys()) this.reckon(edge)
    this.retry()
  }

  /** Does nothing pass between them? */
  isSevered(from: Endpoint, to: Endpoint): boolean {
    if (this.islands > 0 && from.island !== to.island) return true
    const edge = this.kernel.edges.between(from.station.component, to.station.component)
    return this.wayOf(edge).way.partitioned
  }

  /** Is anything wrong with the way, so that a timeout tells of more than load? */
  isImpaired(edge: number): boolean {
    return this.islands > 0 || (this.ways[edge]?.way.isImpaired ?? false)
  }

  private addWay(edge: number, from: string, to: string): void {
    const way = new Way()
    way.roundTripSeconds = roundTripSeconds(this.placeOf(from), this.placeOf(to), this.network)
    for (const struck of this.struck)
      if (struck.to === to && (struck.from === undefined || struck.from === from)) way.strike(struck.impairment)
    this.ways[edge] = { way, from, to }
    this.reckon(edge)
  }

  private reckon(edge: number): void {
    this.kernel.edges.slow[edge] = this.islands > 0 || !this.wayOf(edge).way.isPlain ? 1 : 0
  }

  private wayOf(edge: number): { readonly way: Way; readonly from: string; readonly to: string } {
    return this.ways[edge] as (typeof this.ways)[number]
  }

  private isCut(caller: number, endpoint: Endpoint): boolean {
    return this.islands > 0 && this.kernel.endpointOf(caller).island !== endpoint.island
  }

  private backSeconds(caller: number, endpoint: Endpoint, bytes: number): number {
    if (this.isCut(caller, endpoint)) return blocked
    const { way } = this.wayOf(this.kernel.tasks.edge[caller] as number)
    return way.backSeconds(bytes, this.kernel.queue.now)
  }

  private send(caller: number, endpoint: Endpoint, seconds: number): void {
    if (seconds === blocked) this.hold(caller, endpoint, true)
    else {
      this.coming.seconds[0] = seconds
      this.coming.add(caller)
    }
  }

  /** The call is where it was sent to. */
  private arrived(caller: number): void {
    const { kernel } = this
    const { tasks } = kernel
    const row = tasks.row(caller)
    const endpoint = kernel.endpoints[this.endpoint[row] as number] as Endpoint
    const edge = tasks.edge[caller] as number
    if (this.isCut(caller, endpoint) || this.wayOf(edge).way.partitioned) {
      this.hold(caller, endpoint, false)
      return
    }
    this.delivering = caller
    const pc = kernel.call(caller, endpoint, this.goal[row] as number, edge)
    this.delivering = none
    kernel.goOn(pc)
  }

  private hold(caller: number, endpoint: Endpoint, back: boolean): void {
    const { tasks, queue } = this.kernel
    const epoch = tasks.epoch[caller] as number
    this.stuck.push({ caller, epoch, sentAt: queue.now, back, endpoint })
    this.isStuck[this.rowFor(caller)] = 1
    const { from } = this.wayOf(tasks.edge[caller] as number)
    const patience = back ? giveUpSeconds : Math.min(giveUpSeconds, this.connectSeconds.get(from) ?? giveUpSeconds)
    this.laneOf(patience).add(caller)
  }

  /** Something has healed: what passes now is sent again when its retransmission is due. */
  private retry(): void {
    const { tasks, queue } = this.kernel
    const stuck = this.stuck
    this.stuck = []
    for (const message of stuck) {
      const { caller, epoch, sentAt, back, endpoint } = message
      if (tasks.epoch[caller] !== epoch) continue
      const { way } = this.wayOf(tasks.edge[caller] as number)
      const at = passesAt(sentAt, queue.now)
      if (way.partitioned || this.isCut(caller, endpoint) || at === blocked) {
        this.stuck.push(message)
        continue
      }
      this.isStuck[tasks.row(caller)] = 0
      const under = back ? this.coming : this.going
      under.seconds[0] = at - queue.now + way.roundTripSeconds / 2
      under.add(caller)
    }
  }

  private giveUp(caller: number, code: number): void {
    const { kernel } = this
    const { tasks } = kernel
    if (this.isStuck[tasks.row(caller)] !== 1) return
    this.isStuck[tasks.row(caller)] = 0
    kernel.countError(tasks.edge[caller] as number)
    tasks.answer[caller] = code
    kernel.hear(caller)
  }

  private failAtOnce(caller: number, edge: number, code: number): boolean {
    const { kernel } = this
    const { edges, tasks } = kernel
    edges.count[edge] = (edges.count[edge] as number) + 1
    kernel.countError(edge)
    tasks.answer[caller] = code
    this.coming.seconds[0] = this.wayOf(edge).way.roundTripSeconds + refusalSeconds
    this.coming.add(caller)
    return true
  }

  /** Answers to calls that are in hand must take the way as it is now. */
  private markUnderWay(concerns: (edge: number) => boolean): void {
    for (const [task, edge] of this.underWay()) if (concerns(edge)) this.mark(task)
  }

  private mark(task: number): void {
    const { tasks } = this.kernel
    tasks.flags[task] = (tasks.flags[task] as number) | remoteBit
  }

  private resetUnderWay(edge: number, share: number): void {
    const { kernel } = this
    const { tasks } = kernel
    for (const [task, way] of this.underWay()) {
      const caller = tasks.parent[task] as number
      if (way !== edge || tasks.callee[caller] !== task || this.random.uniform() >= share) continue
      kernel.countError(edge)
      const connection = tasks.connection[task] as number
      tasks.connection[task] = none
      tasks.callee[caller] = none
      tasks.answer[caller] = reset
      tasks.granted[caller] = connection
      kernel.endpointOf(task).station.abandoned(task)
      kernel.hear(caller)
    }
  }

  /** Tasks that were called by somebody elsewhere who still waits, with the numbers of their ways. */
  private underWay(): readonly (readonly [task: number, edge: number])[] {
    const { tasks } = this.kernel
    return this.kernel.endpoints.flatMap((endpoint) =>
      this.kernel.tasksAt(endpoint).flatMap((task): (readonly [number, number])[] => {
        const caller = tasks.parent[task] as number
        const waits = caller !== none && !isBranch(tasks, task) && tasks.epoch[caller] === tasks.parentEpoch[task]
        return waits ? [[task, tasks.edge[caller] as number]] : []
      }),
    )
  }

  private rowFor(caller: number): number {
    const row = this.kernel.tasks.row(caller)
    if (row >= this.endpoint.length) {
      const length = Math.max(2 * this.endpoint.length, row + 1)
      this.endpoint = grownInts(this.endpoint, length)
      this.goal = grownInts(this.goal, length)
      this.isStuck = grownInts(this.isStuck, length)
    }
    return row
  }

  private laneOf(seconds: number): Lane {
    let lane = this.impatience.get(seconds)
    if (lane === undefined) {
      const { queue, tasks } = this.kernel
      const code = seconds < giveUpSeconds ? connectTimeout : timeout
      lane = new Lane(queue, seconds, tasks, (caller) => this.giveUp(caller, code))
      this.impatience.set(seconds, lane)
    }
    return lane
  }
}

const nowhere: Place = { zone: undefined, region: undefined }

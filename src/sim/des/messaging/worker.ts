/**
 * Workers: services that consume. A message in hand is a task at one of the worker's processes that nobody calls: it visits the broker to be
 * handed over, runs the flow, and visits the broker again to be acknowledged, before or after the work. If the flow fails the message is given
 * back. Hot path: what a task has in hand is in columns by its row.
 */
import { visitCpu } from '../../../catalog/demand.js'
import type { ServiceComponent } from '../../../topology/types.js'
import { ok } from '../codes.js'
import { grownInts, initialRows } from '../columns.js'
import type { Endpoint } from '../endpoint.js'
import { emitFlow, outermost } from '../flow/compile.js'
import { Label, Program } from '../flow/program.js'
import { storeVisit } from '../flow/store-visits.js'
import { emitBurst, emitPause } from '../flow/work-steps.js'
import { blocked } from '../kernel.js'
import type { System } from '../system.js'
import { none } from '../tasks.js'
import type { MessageAccount } from './account.js'
import { consumedBytes } from './message-bytes.js'

/** A request handle that no request has: a message of nobody, and one that nobody can handle. */
export const untracked = -1
export const poison = -2

/** How long a client waits before it tries again to commit to a broker that does not answer (Kafka's `retry.backoff.ms`). */
const retrySeconds = 0.1

/** Where messages come from. Whoever answers for a message that is not its own any more is not heard. */
export interface Inbox {
  readonly store: string
  /** The broker's process to visit for it. */
  endpoint(row: number): Endpoint
  /** It was handed over. */
  taken(row: number): void
  /** False: it is not its own any more. */
  acknowledge(row: number): boolean
  giveBack(row: number): void
  /** The place of a message at the process is free. */
  release(hand: Hand, row: number): void
  /** Kafka: an acknowledgement is repeated until it is heard, and giving back needs no visit. */
  readonly isLog: boolean
}

/** Places for messages at one process. */
export interface Hand {
  readonly endpoint: Endpoint
  readonly slots: number
  /** Taken. */
  busy: number
  /** At a queue: its consumer; at a topic: members of the group, one for each place. −1, empty: it takes nothing. */
  consumer: number
  members: readonly number[]
}

const poisonedBit = 1
const acknowledgedBit = 2
const finishedBit = 4

export class Worker {
  readonly hands: readonly Hand[]
  /** By row of a task: the message or the member, its tag or partition, the request. */
  item = new Int32Array(initialRows)
  tag = new Int32Array(initialRows)
  private hand = new Int32Array(initialRows)
  private state = new Int32Array(initialRows)
  private request = new Int32Array(initialRows)
  private readonly program: number
  private readonly ender: number

  constructor(
    private readonly system: System,
    readonly component: ServiceComponent,
    private readonly inbox: Inbox,
    private readonly account: MessageAccount,
    /** Told of a message that was acknowledged and not worked off. */
    private readonly lost: () => void,
  ) {
    this.hands = handsOf(system, component)
    this.ender = system.kernel.addEnder((task) => this.over(task))
    this.program = this.compile()
    system.runPostponed()
  }

  handOf(endpoint: Endpoint): Hand | undefined {
    return this.hands.find((hand) => hand.endpoint === endpoint)
  }

  /** A request, `untracked` or `poison`. */
  requestOf(row: number): number {
    return this.request[row] as number
  }

  /** A message for one of its places. Returns the row of the task that has it. */
  take(hand: Hand, item: number, tag: number, request: number): number {
    const { kernel } = this.system
    const { endpoint } = hand
    hand.busy += 1
    endpoint.visits += 1
    const task = kernel.start(endpoint, this.program, Math.max(request, none), this.ender)
    const row = kernel.tasks.row(task)
    if (row >= this.item.length) this.grow(row)
    this.item[row] = item
    this.tag[row] = tag
    this.hand[row] = this.hands.indexOf(hand)
    this.state[row] = request === poison ? poisonedBit : 0
    this.request[row] = request
    return row
  }

  /** The task is over, or its process is gone. */
  private over(task: number): void {
    const row = this.system.kernel.tasks.row(task)
    const state = this.state[row] as number
    const hand = this.hands[this.hand[row] as number] as Hand
    const halfDone = (state & acknowledgedBit) !== 0 && (state & finishedBit) === 0
    if (halfDone) this.forfeit(row)
    hand.busy -= 1
    if (hand.endpoint.state !== 'down') this.inbox.release(hand, row)
  }

  /** It was acknowledged, and will not be worked off. */
  private forfeit(row: number): void {
    const request = this.request[row] as number
    if (request === poison) return
    this.lost()
    if (request >= 0) this.account.lost(request)
  }

  private done(row: number): void {
    const request = this.request[row] as number
    if (request >= 0) this.account.done(request)
  }

  private compile(): number {
    const { system, component, inbox } = this
    const program = new Program(system, component.id)
    const { kernel } = program
    const { tasks, timers } = kernel
    const edge = kernel.edges.between(component.id, inbox.store)
    const visit = storeVisit(system, inbox.store, { bytes: { in: 0, out: consumedBytes(system.topology, component) } })
    const ofVisit = (task: number): number => tasks.row(tasks.parent[task] as number)
    const early = component.acknowledge === 'before-work'
    const acknowledging = storeVisit(system, inbox.store, {
      commit: (task) => {
        const row = ofVisit(task)
        const own = inbox.acknowledge(row)
        if (early) this.state[row] = (this.state[row] as number) | acknowledgedBit
        else if (own) this.done(row)
        return ok
      },
    })
    const givingBack = storeVisit(system, inbox.store, {
      commit: (task) => {
        inbox.giveBack(ofVisit(task))
        return ok
      },
    })
    const call = (task: number, goal: number, then: number): number => {
      tasks.pc[task] = then
      return kernel.call(task, inbox.endpoint(tasks.row(task)), goal, edge)
    }
    const finish = (task: number): number => {
      const row = tasks.row(task)
      this.state[row] = (this.state[row] as number) | finishedBit
      return kernel.end(task, ok)
    }
    const work = new Label()
    const failed = new Label()

    const handed = program.here + 1
    program.emit((task) => call(task, visit, handed))
    const acknowledgeFirst = program.here + 1
    program.emit((task) => {
      const row = tasks.row(task)
      if (tasks.answer[task] !== ok) {
        inbox.giveBack(row)
        return finish(task)
      }
      inbox.taken(row)
      return early ? acknowledgeFirst : work.pc
    })
    const acknowledgedFirst = program.here + 1
    program.emit((task) => call(task, acknowledging, acknowledgedFirst))
    program.emit((task) => {
      if (tasks.answer[task] === ok) return work.pc
      inbox.giveBack(tasks.row(task))
      return finish(task)
    })

    program.place(work)
    this.emitWork(program, failed)
    if (early)
      program.emit((task) => {
        this.done(tasks.row(task))
        return finish(task)
      })
    else {
      const acknowledge = program.here
      const acknowledged = program.here + 1
      program.emit((task) => call(task, acknowledging, acknowledged))
      program.emit((task) => {
        if (tasks.answer[task] === ok || !inbox.isLog) return finish(task)
        tasks.pc[task] = acknowledge
        timers.seconds[0] = retrySeconds
        timers.sleep(task)
        return blocked
      })
    }

    program.place(failed)
    const givenBack = program.here + 1
    program.emit((task) => {
      const row = tasks.row(task)
      // Acknowledged before: it is nobody's any more, which `over` sees.
      if (early) return kernel.end(task, ok)
      if (!inbox.isLog) return call(task, givingBack, givenBack)
      inbox.giveBack(row)
      return finish(task)
    })
    program.emit((task) => finish(task))
    return program.start
  }

  /** What the message means: a thread if the process needs one, its own cost, the flow. */
  private emitWork(program: Program, failed: Label): void {
    const { system, component } = this
    const { kernel } = program
    const { tasks, frames } = kernel
    const poisoned = program.here + 1
    program.emit((task) => (((this.state[tasks.row(task)] as number) & poisonedBit) === 0 ? poisoned : failed.pc))
    if (this.hands.some(({ endpoint }) => Number.isFinite(endpoint.threads))) {
      const next = program.here + 1
      program.emit((task) => {
        tasks.pc[task] = next
        return kernel.acquireThread(task) ? next : blocked
      })
    }
    const cost = (rate: number) => visitCpu(system.topology, component.id, rate)
    const overhead = system.work(`${component.id}/visit`, component.id, (rate) => cost(rate).cpu)
    const wait = system.work(`${component.id}/visit-wait`, component.id, (rate) => cost(rate).wait)
    if (overhead !== undefined) emitBurst(program, overhead, undefined)
    if (wait !== undefined) emitPause(program, wait, undefined)
    program.enter({
      failed: (task) => {
        frames.pop(task)
        return failed.pc
      },
      dropped: () => undefined,
    })
    emitFlow(program, component.flow, outermost)
    program.leave()
  }

  private grow(row: number): void {
    const length = Math.max(row + 1, this.item.length * 2)
    this.item = grownInts(this.item, length)
    this.tag = grownInts(this.tag, length)
    this.hand = grownInts(this.hand, length)
    this.state = grownInts(this.state, length)
    this.request = grownInts(this.request, length)
  }
}

/** An instance's slots, divided among its processes. */
const handsOf = (system: System, component: ServiceComponent): readonly Hand[] => {
  const { endpoints } = system.member(component.id)
  const processes = new Map<string, number>()
  for (const { instance } of endpoints) processes.set(instance, (processes.get(instance) ?? 0) + 1)
  return endpoints.flatMap((endpoint) => {
    const of = processes.get(endpoint.instance) ?? 1
    const slots = Math.floor(component.slots / of) + (endpoint.index < component.slots % of ? 1 : 0)
    return slots === 0 ? [] : [{ endpoint, slots, busy: 0, consumer: none, members: [] }]
  })
}

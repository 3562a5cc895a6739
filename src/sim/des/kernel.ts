/**
 * Runs tasks: starts calls, wakes who waits, passes errors up, ends what is over. It knows no technology and no kind of step.
 * Hot path: integer handles, a ready stack instead of recursion, no allocation per event. A call and its return go on in the
 * same loop: whoever runs next is `current`.
 */
import { invalidInput } from '../../lib/errors.js'
import { Bursts } from './bursts.js'
import { Codes, refused, reset, timeout, unavailable } from './codes.js'
import { grownInts, initialRows, intCells } from './columns.js'
import { anew, type Core, makeCore } from './core.js'
import { makeCpuOperations } from './cpu-operations.js'
import { Edges } from './edges.js'
import type { Endpoint } from './endpoint.js'
import { EventQueue } from './event-queue.js'
import { type FrameCode, Frames, propagate } from './frames.js'
import { makeLightOperations } from './light-operations.js'
import { lightAt } from './light-way.js'
import { Lights, rowOf } from './lights.js'
import { Operands } from './operands.js'
import { makeOperations } from './operations.js'
import type { Processor, ProcessorContext } from './processor.js'
import { Requests } from './requests.js'
import type { Room } from './room.js'
import { segmentAt } from './segments.js'
import { StepMeters } from './step-meter.js'
import { isBranch, isRemote, Tasks } from './tasks.js'
import { Timers } from './timers.js'
import { Transit } from './transit.js'

// Own constants, which V8 folds; imported ones it reads through a cell each time. A test compares them with their originals.
// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
  ok = 0,
  degradedBit = 1,
  branchBit = 2,
  threadBit = 4,
  answerDegradedBit = 8,
  joinAnyBit = 16,
  remoteBit = 64,
  pcAt = 0,
  epochAt = 1,
  endpointAt = 2,
  requestAt = 4,
  flagsAt = 5,
  parentAt = 6,
  parentEpochAt = 7,
  connectionAt = 8,
  outcomeAt = 9,
  answerAt = 11,
  calleeAt = 12,
  burstAt = 13,
  edgeAt = 15,
  grantedAt = 16,
  answerOutcomeAt = 24,
}

/** What this file repeats of others. */
export const repeated = {
  none: Fixed.none,
  ok: Fixed.ok,
  degradedBit: Fixed.degradedBit,
  branchBit: Fixed.branchBit,
  threadBit: Fixed.threadBit,
  answerDegradedBit: Fixed.answerDegradedBit,
  joinAnyBit: Fixed.joinAnyBit,
  remoteBit: Fixed.remoteBit,
  pc: Fixed.pcAt,
  epoch: Fixed.epochAt,
  endpoint: Fixed.endpointAt,
  request: Fixed.requestAt,
  flags: Fixed.flagsAt,
  parent: Fixed.parentAt,
  parentEpoch: Fixed.parentEpochAt,
  connection: Fixed.connectionAt,
  outcome: Fixed.outcomeAt,
  answer: Fixed.answerAt,
  callee: Fixed.calleeAt,
  burst: Fixed.burstAt,
  edge: Fixed.edgeAt,
  granted: Fixed.grantedAt,
  answerOutcome: Fixed.answerOutcomeAt,
}

/** Does one thing for the task and returns where `kernel.current` goes on, or `blocked` when nobody does. */
export type Op = (task: number) => number

export const blocked = -1

/**
 * Batches of the core (of a thousand events) after which a simulation has its own: short ones share one, which is compiled already, but
 * knows no constants. One that is foreseen to be long has it before V8 compiles the common one, but not before most columns have grown.
 */
const batchesInCommon = 200
const batchesBeforeLong = 3

/** Times that tasks go on at a place before a segment is made for it. */
const visitsBeforeSegment = 500

/** Rows that there is room for at the start, by the requests that are known to be in flight: memory that is not used costs nothing. */
const tasksPerRequest = 4
const framesPerRequest = 8
const mostRoom = 65_536

const roomFor = (inFlight: number): number => {
  let rows = initialRows
  while (rows < inFlight && rows < mostRoom) rows *= 2
  return rows
}

/** Hears of the end of a task that nobody called: 0 or an error code. The task is free once this returns. */
export type Ender = (task: number, code: number) => void

export interface KernelHooks {
  /** A caller found the endpoint gone, or lost its call there. */
  noticed(endpoint: Endpoint, by: string): void
  /** A call at an endpoint that had been noticed missing has succeeded. */
  recovered(endpoint: Endpoint): void
}

export interface KernelOptions {
  /** Every operation is its closure, every source fires: what the core does by itself must come to the same. */
  readonly byClosures?: boolean | undefined
  /** Segments from the start, not only where a simulation is long and a place is often gone on at: so must they. */
  readonly segmentsAtOnce?: boolean | undefined
  /** Requests in flight that there will be at least, as far as is known. */
  readonly inFlight?: number
  /** Many events are foreseen. */
  readonly long?: boolean
}

export class Kernel {
  /** Not 0: columns have been replaced by larger ones, which the core does not know. */
  readonly growth = intCells(1)
  /** The task that goes on first in the next core (−1: none), and where. */
  readonly resume = intCells(2).fill(Fixed.none, 0, 1)
  private core: Core | undefined = undefined
  /** That the core has run. */
  private batches = 0
  private readonly batchesInCommon: number
  private hasOwn = false
  readonly queue: EventQueue
  readonly codes = new Codes()
  readonly bursts: Bursts
  readonly edges = new Edges(this.growth)
  /** Ways that are not as good as none. */
  readonly transit: Transit
  readonly endpoints: Endpoint[] = []
  /** By endpoint: the index of its processor (−1: it has none). */
  processorOf = new Int32Array(initialRows)
  readonly rooms: Room[] = []
  readonly ops: Op[] = []
  readonly tasks: Tasks
  readonly requests: Requests
  readonly frames: Frames
  readonly meters: StepMeters
  /** Requests without tasks. */
  readonly lights: Lights
  readonly timers: Timers
  readonly processors: ProcessorContext
  /** Who goes on next, when an operation returns a place to go on at. */
  current = Fixed.none
  readonly enders: Ender[] = []
  /** Told once that the simulation gets a core of its own: what is evaluated anew for it pays from now on. */
  readonly onOwnCore: (() => void)[] = []
  /** What programs are made of: closures, and what the loop does instead where it knows better (`opCodes`). */
  /** Of each operation four numbers: its code, two arguments, and one that is not used. */
  code = new Int32Array(1024)
  readonly operands = new Operands()
  pausedEndpoints = 0
  private nobodyTask = Fixed.none as number
  /** Who goes on as soon as possible: pairs of a task and its epoch. */
  ready = new Int32Array(256)
  /** How many numbers that are, and how often tasks went on without any progress of the clock. */
  readonly readyState = intCells(2)

  constructor(
    dataSets: number,
    private readonly hooks: KernelHooks,
    private readonly options: KernelOptions = {},
  ) {
    const { byClosures = false, inFlight = 0, long = false } = options
    this.batchesInCommon = long ? batchesBeforeLong : batchesInCommon
    const rows = roomFor(inFlight)
    this.queue = new EventQueue(this.growth, byClosures)
    this.bursts = new Bursts(this.growth, rows)
    this.tasks = new Tasks(this.queue, this.growth, tasksPerRequest * rows)
    this.requests = new Requests(dataSets, this.growth, rows)
    this.frames = new Frames(this.tasks, this.queue, this.growth, framesPerRequest * rows)
    this.meters = new StepMeters(this.queue)
    this.lights = new Lights(this, rows)
    this.frames.lights = this.lights
    const wake = (task: number): void => this.wake(task)
    this.timers = new Timers(this.queue, this.tasks, this.frames, {
      wake,
      expire: (frame) => this.expire(frame),
      giveUp: (task) => this.giveUp(task),
    })
    this.transit = new Transit(this)
    this.processors = { tasks: this.tasks, bursts: this.bursts, processors: [] as Processor[], wake }
  }

  get now(): number {
    return this.queue.now
  }

  /** Whatever pays in long simulations only is done at once: tests compare the ways. */
  get atOnce(): boolean {
    return this.options.segmentsAtOnce === true
  }

  /** For CPU that no task waits for: a handle that is nowhere, taken once. */
  get nobody(): number {
    if (this.nobodyTask === Fixed.none) this.nobodyTask = this.tasks.take(Fixed.none, Fixed.none, Fixed.none)
    return this.nobodyTask
  }

  addEndpoint(endpoint: Endpoint): void {
    endpoint.id = this.endpoints.length
    this.endpoints.push(endpoint)
    if (endpoint.id === this.processorOf.length) {
      this.growth[0] = 1
      this.processorOf = grownInts(this.processorOf, 2 * endpoint.id)
    }
    this.processorOf[endpoint.id] = endpoint.processor?.index ?? Fixed.none
  }

  addEnder(ender: Ender): number {
    this.enders.push(ender)
    return this.enders.length - 1
  }

  addRoom(room: Room): number {
    this.rooms.push(room)
    return this.rooms.length - 1
  }

  endpointOf(task: number): Endpoint {
    return this.endpoints[this.tasks.endpoint[task] as number] as Endpoint
  }

  /** Runs everything that happens until `untilSeconds` (inclusive). */
  run(untilSeconds: number): void {
    this.readyState[1] = 0
    for (;;) {
      const own = this.batches >= this.batchesInCommon || this.atOnce
      if (this.core === undefined || this.growth[0] !== 0 || own !== this.hasOwn) {
        this.growth[0] = 0
        this.hasOwn = own
        this.core = own ? this.ownCore() : this.commonCore()
      }
      if (this.core.run(untilSeconds)) return
      this.batches += 1
    }
  }

  private commonCore(): Core {
    const cpu = makeCpuOperations(this)
    return makeCore(this, cpu, makeOperations(this, cpu), undefined)
  }

  private ownCore(): Core {
    if (this.options.byClosures !== true) for (const tell of this.onOwnCore.splice(0)) tell()
    const cpu = anew(makeCpuOperations)(this)
    const operations = anew(makeOperations)(this, cpu)
    const light = anew(makeLightOperations)(this, cpu, operations)
    if (this.options.byClosures !== true) this.lights.quick = light.begin
    const warm = this.atOnce ? 1 : visitsBeforeSegment
    return anew(makeCore)(this, cpu, operations, {
      warm,
      make: (pc, followed) => segmentAt(this, operations, pc, followed),
      light: (pc) => lightAt(this, light, pc),
    })
  }

  /** As `run`, but only until `done` says so. */
  runUntil(untilSeconds: number, done: () => boolean): void {
    const { queue } = this
    this.run(queue.now)
    while (queue.nextAt <= untilSeconds && !done()) this.run(queue.nextAt)
  }

  /** Appends an operation to the program that is open; `code` is what the loop does in its place. */
  emit(op: Op, code = 0, a = 0, b = 0): void {
    this.ops.push(op)
    const at = 4 * (this.ops.length - 1)
    if (at === this.code.length) {
      this.code = grownInts(this.code, 2 * at)
      this.growth[0] = 1
    }
    this.code[at] = this.options.byClosures === true ? 0 : code
    this.code[at + 1] = a
    this.code[at + 2] = b
  }

  /** A task at `endpoint` that nobody calls; `ender` (of `addEnder`) hears of its end. `request` may be `none`. */
  start(endpoint: Endpoint, pc: number, request: number, ender: number): number {
    const { tasks } = this
    const task = tasks.take(endpoint.id, Fixed.none, request)
    const { memory } = tasks
    memory[task + Fixed.parentAt] = Fixed.none
    memory[task + Fixed.parentEpochAt] = ender
    memory[task + Fixed.pcAt] = pc
    if (request !== Fixed.none) this.requests.retain(request)
    endpoint.calls += 1
    endpoint.total.add()
    this.goOnSoon(task)
    return task
  }

  /**
   * As `start`, at an endpoint that is up and has room, as a call that nobody waits for. Returns the task, which goes on at its
   * `pc`: it is the caller's to say when (`goOnSoon`).
   */
  arrive(endpoint: Endpoint, goal: number, request: number, ender: number, edge: number): number {
    const { tasks } = this
    const { count } = this.edges
    count[edge] = (count[edge] as number) + 1
    endpoint.visits += 1
    const task = tasks.take(endpoint.id, goal, request)
    const { memory } = tasks
    memory[task + Fixed.parentAt] = Fixed.none
    memory[task + Fixed.parentEpochAt] = ender
    const { station } = endpoint
    memory[task + Fixed.pcAt] = station.programs[goal] ?? station.compile(goal)
    this.requests.retain(request)
    endpoint.calls += 1
    endpoint.total.add()
    return task
  }

  /** `caller` calls `endpoint` and goes on at its `pc`, with the answer in `answer`. Returns where `current` goes on. */
  call(caller: number, endpoint: Endpoint, goal: number, edge: number): number {
    const { tasks, edges } = this
    const slow = edges.slow[edge] !== 0
    if (slow && this.transit.takes(caller, endpoint, goal, edge)) return blocked
    let { memory } = tasks
    const connection = memory[caller + Fixed.grantedAt] as number
    if (connection !== Fixed.none) memory[caller + Fixed.grantedAt] = Fixed.none
    edges.count[edge] = (edges.count[edge] as number) + 1
    memory[caller + Fixed.edgeAt] = edge
    if (endpoint.state !== 'up' || (endpoint.calls >= endpoint.maxInFlight && !this.makesRoom(endpoint, caller)))
      return this.refuse(caller, endpoint, connection)
    endpoint.visits += 1
    const request = memory[caller + Fixed.requestAt] as number
    const task = tasks.take(endpoint.id, goal, request)
    memory = tasks.memory
    memory[task + Fixed.parentAt] = caller
    memory[task + Fixed.parentEpochAt] = memory[caller + Fixed.epochAt] as number
    memory[task + Fixed.connectionAt] = connection
    if (slow) memory[task + Fixed.flagsAt] = Fixed.remoteBit
    memory[caller + Fixed.calleeAt] = task
    memory[caller + Fixed.answerAt] = Fixed.ok
    if (request !== Fixed.none) this.requests.retain(request)
    endpoint.calls += 1
    endpoint.total.add()
    const { station } = endpoint
    const pc = station.programs[goal] ?? station.compile(goal)
    if (endpoint.paused) {
      memory[task + Fixed.pcAt] = pc
      endpoint.held.push(task, memory[task + Fixed.epochAt] as number)
      return blocked
    }
    this.current = task
    return pc
  }

  /** A less important call gives way to `caller`'s, where the endpoint sheds load by priority. */
  private makesRoom(endpoint: Endpoint, caller: number): boolean {
    const victim = endpoint.shedding?.victim(caller) ?? Fixed.none
    if (victim === Fixed.none) return false
    const burst = this.tasks.burst[victim] as number
    this.interrupt(victim)
    if (burst !== Fixed.none) endpoint.processor?.cancel(burst)
    this.dropFrames(victim, Fixed.none)
    this.goOn(this.end(victim, unavailable))
    return true
  }

  /** One of several concurrent parts of `parent`; it begins at `pc`. */
  branch(parent: number, pc: number): void {
    const { tasks } = this
    const request = tasks.request[parent] as number
    const task = tasks.take(tasks.endpoint[parent] as number, tasks.goal[parent] as number, request)
    if (request !== Fixed.none) this.requests.retain(request)
    tasks.parent[task] = parent
    tasks.parentEpoch[task] = tasks.epoch[parent] as number
    tasks.flags[task] = Fixed.branchBit
    tasks.nextBranch[task] = tasks.branches[parent] as number
    tasks.branches[parent] = task
    tasks.pending[parent] = (tasks.pending[parent] as number) + 1
    tasks.pc[task] = pc
    this.goOnSoon(task)
  }

  /** The caller is answered after the time of a refusal. */
  answerSoon(caller: number, code: number): number {
    const { tasks } = this
    tasks.answer[caller] = code
    tasks.callee[caller] = Fixed.none
    this.timers.hop(caller)
    return blocked
  }

  /** What the task waited for has come. */
  wake(task: number): void {
    if (task < Fixed.none) {
      if (this.pausedEndpoints > 0) this.wake(this.lights.makeWoken(task))
      else this.pushReady(task, this.lights.generation[rowOf(task)] as number)
      return
    }
    const { memory } = this.tasks
    memory[task + Fixed.epochAt] = ((memory[task + Fixed.epochAt] as number) + 1) | 0
    memory[task + Fixed.burstAt] = Fixed.none
    memory[task + Fixed.calleeAt] = Fixed.none
    this.goOnSoon(task)
  }

  /** An error in the task: the frames are asked, innermost first. Returns where `current` goes on. */
  fail(task: number, code: number): number {
    const { tasks, frames } = this
    tasks.code[task] = code
    this.failLeaf(task)
    for (;;) {
      const frame = tasks.frame[task] as number
      if (frame === Fixed.none) break
      const pc = this.codeOf(frame).failed(task, frame)
      if (pc !== propagate) {
        this.current = task
        return pc
      }
      if (tasks.frame[task] === frame) frames.pop(task)
    }
    const failed = tasks.code[task] as number
    return this.end(task, isBranch(tasks, task) ? failed : this.endpointOf(task).station.status(failed))
  }

  /** The task is over; its caller is told. Returns where `current` goes on. */
  end(task: number, code: number): number {
    const { tasks } = this
    const { memory } = tasks
    const parent = memory[task + Fixed.parentAt] as number
    const flags = memory[task + Fixed.flagsAt] as number
    const endpoint = this.endpoints[memory[task + Fixed.endpointAt] as number] as Endpoint
    if ((flags & Fixed.remoteBit) !== 0 && this.transit.answers(task, code)) return blocked
    this.leave(endpoint, task)
    if (endpoint.noticedBy !== undefined && code === Fixed.ok && endpoint.state === 'up') this.hooks.recovered(endpoint)
    let pc: number = blocked
    if (parent === Fixed.none) this.tell(task, code)
    else if (memory[parent + Fixed.epochAt] === memory[task + Fixed.parentEpochAt]) {
      if ((flags & Fixed.branchBit) !== 0) this.join(parent, task, code)
      else {
        this.setAnswer(parent, task, code)
        memory[parent + Fixed.epochAt] = ((memory[parent + Fixed.epochAt] as number) + 1) | 0
        memory[parent + Fixed.calleeAt] = Fixed.none
        if (this.pausedEndpoints > 0) this.goOnSoon(parent)
        else {
          // The caller goes on in this same loop.
          this.current = parent
          pc = memory[parent + Fixed.pcAt] as number
        }
      }
    }
    const request = memory[task + Fixed.requestAt] as number
    if (request !== Fixed.none) this.requests.release(request)
    tasks.give(task)
    return pc
  }

  /** Something other than a call found that the endpoint is gone. */
  notice(endpoint: Endpoint, by: string): void {
    this.hooks.noticed(endpoint, by)
  }

  /** The task stops where it is: what it held is given back, nobody is told, and its own calls are abandoned. */
  cancel(task: number): void {
    const { tasks } = this
    const burst = tasks.burst[task] as number
    this.interrupt(task)
    if (burst !== Fixed.none) this.endpointOf(task).processor?.cancel(burst)
    this.dropFrames(task, Fixed.none)
    this.leave(this.endpointOf(task), task)
    this.discard(task)
  }

  /** The task's process is gone: its caller, if it lives elsewhere, sees the connection reset. */
  crash(task: number): void {
    const { tasks } = this
    const parent = tasks.parent[task] as number
    const callee = tasks.callee[task] as number
    const endpoint = this.endpointOf(task)
    // What it called goes on without it, except that a proxy or service notices its client's absence.
    tasks.callee[task] = Fixed.none
    // Its branches crash on their own.
    tasks.pending[task] = 0
    tasks.branches[task] = Fixed.none
    this.interrupt(task)
    if (callee !== Fixed.none && tasks.endpoint[callee] !== endpoint.id)
      this.endpointOf(callee).station.abandoned(callee)
    this.frames.clear(task)
    tasks.leaf[task] = Fixed.none
    tasks.peer[task] = Fixed.none
    this.leave(endpoint, task)
    if (
      parent !== Fixed.none &&
      !isBranch(tasks, task) &&
      tasks.epoch[parent] === tasks.parentEpoch[task] &&
      tasks.endpoint[parent] !== endpoint.id
    ) {
      this.setAnswer(parent, task, reset)
      tasks.callee[parent] = Fixed.none
      if (!isRemote(tasks, task) || !this.transit.comesBack(parent, endpoint, 0, 0)) {
        this.hooks.noticed(endpoint, this.endpointOf(parent).station.component)
        this.wake(parent)
      }
    } else if (parent === Fixed.none) this.tell(task, reset)
    this.discard(task)
  }

  /** Tasks that are at the endpoint, the oldest first. */
  tasksAt(endpoint: Endpoint): readonly number[] {
    this.lights.makeAllHeavy()
    return this.tasks.at(endpoint.id)
  }

  /** Everything that the endpoint has in hand is lost. */
  crashAll(endpoint: Endpoint): void {
    const { tasks } = this
    // One that crashes may cancel others of these.
    for (const task of this.tasksAt(endpoint)) if (tasks.endpoint[task] === endpoint.id) this.crash(task)
  }

  /** Ends the task's wait without waking it. Work that it asked for goes on unheard; its call is abandoned. */
  interrupt(task: number): void {
    const { tasks } = this
    const callee = tasks.callee[task] as number
    const room = tasks.room[task] as number
    const granted = tasks.granted[task] as number
    if ((tasks.pending[task] as number) > 0) this.cancelBranches(task)
    tasks.epoch[task] = ((tasks.epoch[task] as number) + 1) | 0
    tasks.burst[task] = Fixed.none
    tasks.callee[task] = Fixed.none
    tasks.room[task] = Fixed.none
    tasks.granted[task] = Fixed.none
    if (room !== Fixed.none) (this.rooms[room] as Room).left(task)
    this.releaseRoom(granted, task)
    if (callee !== Fixed.none) this.endpointOf(callee).station.abandoned(callee)
  }

  /** Takes frames off, innermost first, until `kept` is the innermost (`none`: all of them). */
  dropFrames(task: number, kept: number): void {
    const { tasks, frames } = this
    this.failLeaf(task)
    for (
      let frame = tasks.frame[task] as number;
      frame !== kept && frame !== Fixed.none;
      frame = tasks.frame[task] as number
    ) {
      frames.pop(task)
      this.codeOf(frame).dropped(task, frame)
    }
  }

  cancelBranches(parent: number): void {
    const { tasks } = this
    tasks.pending[parent] = 0
    let branch = tasks.branches[parent] as number
    tasks.branches[parent] = Fixed.none
    while (branch !== Fixed.none) {
      const next = tasks.nextBranch[branch] as number
      this.cancel(branch)
      branch = next
    }
  }

  /** Goes on at `pc`, from outside of the running program: `pc` is what `fail`, `call` or `end` returned. */
  goOn(pc: number): void {
    if (pc < 0) return
    this.tasks.pc[this.current] = pc
    this.goOnSoon(this.current)
  }

  /** A pause begins. */
  hold(endpoint: Endpoint): void {
    if (!endpoint.paused) this.pausedEndpoints += 1
    endpoint.paused = true
  }

  /** A pause is over (or its process): what was held back goes on. */
  releaseHeld(endpoint: Endpoint): void {
    if (endpoint.paused) this.pausedEndpoints -= 1
    endpoint.paused = false
    const { held } = endpoint
    while (held.size > 0) {
      const task = held.shift()
      if (this.tasks.epoch[task] === held.stamp) this.push(task)
    }
  }

  /** True: the task has a thread of its endpoint. False: it waits in line. */
  acquireThread(task: number): boolean {
    const endpoint = this.endpointOf(task)
    const { tasks } = this
    if (endpoint.threadsInUse < endpoint.threads) {
      endpoint.threadsInUse += 1
      tasks.flags[task] = (tasks.flags[task] as number) | Fixed.threadBit
      return true
    }
    endpoint.threadLine.push(task, tasks.epoch[task] as number)
    return false
  }

  private tell(task: number, code: number): void {
    const ender = this.enders[this.tasks.parentEpoch[task] as number] as Ender
    ender(task, code)
  }

  /** A call that is not taken: nobody listens, or there is no room. */
  private refuse(caller: number, endpoint: Endpoint, connection: number): number {
    const edge = this.tasks.edge[caller] as number
    this.countError(edge)
    this.releaseRoom(connection, caller)
    if (endpoint.state === 'up') endpoint.visits += 1
    else this.hooks.noticed(endpoint, this.endpointOf(caller).station.component)
    const code = endpoint.state === 'up' ? unavailable : refused
    if (this.edges.slow[edge] !== 0 && this.transit.refuses(caller, endpoint, code)) return blocked
    return this.answerSoon(caller, code)
  }

  /** As `end`, but the answer is still on its way: the caller keeps the connection, and goes on when `transit` says so. */
  endUnheard(task: number, code: number): void {
    const { tasks } = this
    const parent = tasks.parent[task] as number
    const endpoint = this.endpointOf(task)
    tasks.granted[parent] = tasks.connection[task] as number
    tasks.connection[task] = Fixed.none
    this.leave(endpoint, task)
    if (endpoint.noticedBy !== undefined && code === Fixed.ok && endpoint.state === 'up') this.hooks.recovered(endpoint)
    this.setAnswer(parent, task, code)
    tasks.callee[parent] = Fixed.none
    this.discard(task)
  }

  /** What the call to this task has been given back: the connection that it came over. */
  hear(caller: number): void {
    const { tasks } = this
    const connection = tasks.granted[caller] as number
    tasks.granted[caller] = Fixed.none
    this.releaseRoom(connection, caller)
    this.wake(caller)
  }

  /** The task leaves its endpoint, with all that it held there. */
  private leave(endpoint: Endpoint, task: number): void {
    const { memory } = this.tasks
    const flags = memory[task + Fixed.flagsAt] as number
    if ((flags & Fixed.branchBit) !== 0) return
    endpoint.calls -= 1
    endpoint.total.subtract()
    const connection = memory[task + Fixed.connectionAt] as number
    if (connection !== Fixed.none) (this.rooms[connection] as Room).release(task)
    if ((flags & Fixed.threadBit) !== 0) this.returnThread(endpoint)
    if (endpoint.drained !== undefined && endpoint.calls === 0 && endpoint.state === 'draining') endpoint.drained()
  }

  private discard(task: number): void {
    const request = this.tasks.request[task] as number
    if (request !== Fixed.none) this.requests.release(request)
    this.tasks.give(task)
  }

  private releaseRoom(room: number, task: number): void {
    if (room !== Fixed.none) (this.rooms[room] as Room).release(task)
  }

  /** The task goes on before time does, unless its endpoint is paused. */
  goOnSoon(task: number): void {
    if (this.pausedEndpoints > 0) {
      const endpoint = this.endpointOf(task)
      if (endpoint.paused) {
        endpoint.held.push(task, this.tasks.epoch[task] as number)
        return
      }
    }
    this.push(task)
  }

  private push(task: number): void {
    this.pushReady(task, this.tasks.memory[task + Fixed.epochAt] as number)
  }

  /** Whoever goes by this handle goes on before time does. */
  pushReady(handle: number, stamp: number): void {
    const { readyState } = this
    const size = readyState[0] as number
    if (size === this.ready.length) {
      this.growth[0] = 1
      this.ready = grownInts(this.ready, size * 2)
    }
    const { ready } = this
    ready[size] = handle
    ready[size + 1] = stamp
    readyState[0] = size + 2
  }

  /** Requests follow one another without an end. */
  standstill(): Error {
    return invalidInput({
      message: `the simulation stands still at ${this.queue.now.toFixed(3)} s`,
      why: 'requests follow one another without taking any time',
      hint: 'give the users a thinkTime, or the steps a time',
    })
  }

  private setAnswer(parent: number, task: number, code: number): void {
    const { memory } = this.tasks
    if (code !== Fixed.ok) this.countError(memory[parent + Fixed.edgeAt] as number)
    memory[parent + Fixed.answerAt] = code
    memory[parent + Fixed.answerOutcomeAt] = memory[task + Fixed.outcomeAt] as number
    const flags = memory[parent + Fixed.flagsAt] as number
    const degraded = ((memory[task + Fixed.flagsAt] as number) & Fixed.degradedBit) !== 0
    memory[parent + Fixed.flagsAt] = degraded ? flags | Fixed.answerDegradedBit : flags & ~Fixed.answerDegradedBit
  }

  countError(edge: number): void {
    this.edges.errors[edge] = (this.edges.errors[edge] as number) + 1
  }

  private join(parent: number, task: number, code: number): void {
    const { tasks } = this
    tasks.flags[parent] = (tasks.flags[parent] as number) | ((tasks.flags[task] as number) & Fixed.degradedBit)
    this.unlist(parent, task)
    tasks.pending[parent] = (tasks.pending[parent] as number) - 1
    const joinAny = ((tasks.flags[parent] as number) & Fixed.joinAnyBit) !== 0
    const decided = joinAny ? code === Fixed.ok : code !== Fixed.ok
    if (decided) this.cancelBranches(parent)
    else if ((tasks.pending[parent] as number) > 0) return
    tasks.answer[parent] = code
    this.wake(parent)
  }

  private unlist(parent: number, task: number): void {
    const { branches, nextBranch } = this.tasks
    let before = Fixed.none
    for (let branch = branches[parent] as number; branch !== task; branch = nextBranch[branch] as number)
      before = branch
    const next = nextBranch[task] as number
    if (before === Fixed.none) branches[parent] = next
    else nextBranch[before] = next
  }

  private expire(frame: number): void {
    const { frames } = this
    const task = frames.task[frame] as number
    const code = this.codeOf(frame).expiresAs ?? timeout
    this.interrupt(task)
    // The limit's own frame sees the error as any other does.
    this.dropFrames(task, frame)
    this.goOn(this.fail(task, code))
  }

  private giveUp(task: number): void {
    const room = this.tasks.room[task] as number
    const code = room === Fixed.none ? timeout : (this.rooms[room] as Room).gaveUp(task)
    this.interrupt(task)
    this.goOn(this.fail(task, code))
  }

  private codeOf(frame: number): FrameCode {
    return this.frames.codes[this.frames.code[frame] as number] as FrameCode
  }

  private failLeaf(task: number): void {
    const meter = this.tasks.leaf[task] as number
    if (meter === Fixed.none) return
    this.meters.failed(meter, this.tasks.leafStartedAt, this.tasks.timeOf(task))
    this.tasks.leaf[task] = Fixed.none
  }

  private returnThread(endpoint: Endpoint): void {
    const { tasks } = this
    const { threadLine } = endpoint
    while (threadLine.size > 0) {
      const task = threadLine.shift()
      if (tasks.epoch[task] !== threadLine.stamp) continue
      tasks.flags[task] = (tasks.flags[task] as number) | Fixed.threadBit
      this.wake(task)
      return
    }
    endpoint.threadsInUse -= 1
  }
}

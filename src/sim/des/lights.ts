/**
 * Requests without tasks (hot path). As long as nothing unusual happens to a request, all that its tasks and frames would hold is known
 * when its programs are compiled, but for a few numbers: where it is, when it got there. Such a request is light: a row of those
 * numbers, and functions that take it from one wait to the next (`light-way.ts`). When something happens that these do not know (a miss,
 * a refusal, a timeout, a fault), its tasks and frames are made as they would be by then, and it goes on as any other. Why: docs/adr/0153.
 *
 * A light request goes by a handle below −1, so that bursts, lanes and the ready stack tell it from a task.
 */
import { grownFloats, grownInts } from './columns.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel } from './kernel.js'
import { processorKinds } from './loop.js'

// Its members become literals (docs/adr/0017).
const enum Fixed {
  none = -1,
  light = 1,
  /** Its tasks have been made. */
  heavy = 2,
  pcAt = 0,
  epochAt = 1,
  parentAt = 6,
  parentEpochAt = 7,
  outcomeAt = 9,
  answerAt = 11,
  calleeAt = 12,
  edgeAt = 15,
  leafAt = 17,
  peerAt = 18,
  triedAt = 19,
  answerOutcomeAt = 24,
}

/** Of the state of a row. */
export const light = Fixed.light

/** What this file repeats of `tasks.offsets`. */
export const repeated = {
  pc: Fixed.pcAt,
  epoch: Fixed.epochAt,
  parent: Fixed.parentAt,
  parentEpoch: Fixed.parentEpochAt,
  outcome: Fixed.outcomeAt,
  answer: Fixed.answerAt,
  callee: Fixed.calleeAt,
  edge: Fixed.edgeAt,
  leaf: Fixed.leafAt,
  peer: Fixed.peerAt,
  tried: Fixed.triedAt,
  answerOutcome: Fixed.answerOutcomeAt,
}

/** Visits within one another, stretches between waits, and frames in lanes that a light request may have. */
export const mostVisits = 4
export const mostTimes = 8
export const mostLimits = 2

/** In lanes a handle also says which of the request's frames it means, in the three bits that no request uses. */
export const rowOf = (handle: number): number => (-2 - handle) >> 3
const requestOf = (handle: number): number => rowOf(handle) << 3
const limitOf = (handle: number): number => (-2 - handle) & 7

/** A frame that a visit would have. */
export interface LightFrame {
  readonly code: number
  /** Which of the row's times it began at. */
  readonly time: number
  readonly count: number
  /** Which of those that stand in lanes it is; −1: none. */
  readonly limit: number
}

/** A task that there would be, when the request is at some place. */
export interface LightVisit {
  readonly goal: number
  /** Where it goes on. */
  readonly pc: number
  readonly frames: readonly LightFrame[]
  /** The simple step under way, and when it began; −1: none. */
  readonly leaf: number
  readonly leafTime: number
  /** It has called somebody, over this edge; −1: nobody yet. */
  readonly edge: number
  /** What the lookups of its last call and its own have found. */
  readonly answerOutcome: number
  readonly outcome: number
  /** Of balancers: it has chosen a peer, at this time; −1: not yet. */
  readonly chosenTime: number
  /** The balancer has its answer. */
  readonly judged: boolean
}

/** All tasks of a request at one place, outermost first. */
export type LightState = readonly LightVisit[]

/** The way of the requests of a class. */
export interface LightPlan {
  /** Where its outermost task would be, and who would hear of its end. */
  readonly endpoint: Endpoint
  readonly ender: number
  /** Where it begins. */
  readonly first: number
}

export class Lights {
  /** Whether it is under way without tasks. */
  state: Int32Array<ArrayBuffer>
  /** Counts the light requests of this row: what is said of an earlier one is stale. */
  generation: Int32Array<ArrayBuffer>
  /** Where it goes on, and which state it is in while it waits. */
  pc: Int32Array<ArrayBuffer>
  waits: Int32Array<ArrayBuffer>
  burst: Int32Array<ArrayBuffer>
  peer: Int32Array<ArrayBuffer>
  /** The frames in lanes that it has got, with their epochs. */
  frame: Int32Array<ArrayBuffer>
  private frameEpoch: Int32Array<ArrayBuffer>
  /** By visit: the endpoint, and when the task was born. */
  endpoint: Int32Array<ArrayBuffer>
  born: Float64Array<ArrayBuffer>
  /** When its stretches between waits began. */
  times: Float64Array<ArrayBuffer>
  /** Who hears of the end of its outermost task, once it has tasks. */
  ender: Int32Array<ArrayBuffer>
  readonly states: LightState[] = []
  /** Hear of the ends of light requests. */
  readonly overs: ((request: number, outcome: number) => void)[] = []
  /** By place: the source of the function that goes on there. */
  readonly sources = new Map<number, string>()
  /** How one begins, at fixed addresses; undefined: the simulation has no core of its own yet, and does not know their functions. */
  quick: ((request: number, plan: LightPlan) => void) | undefined = undefined

  constructor(
    private readonly kernel: Kernel,
    rows: number,
  ) {
    this.state = new Int32Array(rows)
    this.generation = new Int32Array(rows)
    this.pc = new Int32Array(rows)
    this.waits = new Int32Array(rows)
    this.burst = new Int32Array(rows)
    this.peer = new Int32Array(rows)
    this.frame = new Int32Array(rows * mostLimits)
    this.ender = new Int32Array(rows)
    this.frameEpoch = new Int32Array(rows * mostLimits)
    this.endpoint = new Int32Array(rows * mostVisits)
    this.born = new Float64Array(rows * mostVisits)
    this.times = new Float64Array(rows * mostTimes)
  }

  /** True: the request begins without tasks. False: with them, as long as columns are about to grow or a process stands still. */
  begin(request: number, plan: LightPlan): boolean {
    const { kernel, quick } = this
    if (quick === undefined || kernel.growth[0] !== 0 || kernel.pausedEndpoints > 0) return false
    if (request >> 3 >= this.state.length) {
      this.reserve(request >> 3)
      return false
    }
    quick(request, plan)
    return true
  }

  /** A light request of which this was said is not under way any more, nor is the frame that it has got. */
  isOver(handle: number, generation: number): boolean {
    const row = rowOf(handle)
    if (this.generation[row] !== generation) return true
    const at = row * mostLimits + limitOf(handle)
    const frame = this.frame[at] as number
    if (this.state[row] === Fixed.heavy)
      return frame === Fixed.none || this.kernel.frames.epoch[frame] !== this.frameEpoch[at]
    return this.state[row] !== Fixed.light
  }

  /** The frame that stands in a lane, which the request has from now on. */
  frameOf(handle: number): number {
    const request = requestOf(handle)
    if (this.state[request >> 3] === Fixed.light) this.makeWaiting(request)
    return this.frame[(request >> 3) * mostLimits + limitOf(handle)] as number
  }

  /** All requests under way get their tasks. */
  makeAllHeavy(): void {
    const { state, waits } = this
    for (let row = 0; row < state.length; row++)
      if (state[row] === Fixed.light && (waits[row] as number) >= 0) this.makeWaiting(row << 3)
  }

  /** What it waits for has come, but it cannot go on as it is. Returns the task that has waited. */
  makeWoken(handle: number): number {
    const request = requestOf(handle)
    return this.makeHeavy(request, this.waits[request >> 3] as number)
  }

  /** It waits for CPU: so does its innermost task then. */
  private makeWaiting(request: number): void {
    const { kernel } = this
    const { tasks, bursts } = kernel
    const row = request >> 3
    const task = this.makeHeavy(request, this.waits[row] as number)
    const burst = this.burst[row] as number
    const epoch = tasks.epoch[task] as number
    const { processor } = kernel.endpointOf(task)
    tasks.burst[task] = burst
    if (processor?.kind === processorKinds.loop) {
      const { ringAt, ringMask, task: waiting, epoch: epochs } = bursts.cpu.ofProcessors
      const slot = (ringAt[processor.index] as number) + (burst & (ringMask[processor.index] as number))
      waiting[slot] = task
      epochs[slot] = epoch
    } else {
      bursts.task[burst] = task
      bursts.epoch[burst] = epoch
    }
  }

  /** Room for this request's row. */
  private reserve(row: number): void {
    const rows = 2 * Math.max(row, this.state.length)
    this.kernel.growth[0] = 1
    this.state = grownInts(this.state, rows)
    this.generation = grownInts(this.generation, rows)
    this.pc = grownInts(this.pc, rows)
    this.waits = grownInts(this.waits, rows)
    this.burst = grownInts(this.burst, rows)
    this.peer = grownInts(this.peer, rows)
    this.frame = grownInts(this.frame, rows * mostLimits)
    this.ender = grownInts(this.ender, rows)
    this.frameEpoch = grownInts(this.frameEpoch, rows * mostLimits)
    this.endpoint = grownInts(this.endpoint, rows * mostVisits)
    this.born = grownFloats(this.born, rows * mostVisits)
    this.times = grownFloats(this.times, rows * mostTimes)
  }

  /** Makes its tasks and frames as they are in this state. Returns the innermost task, which is `kernel.current`. */
  makeHeavy(request: number, stateNumber: number): number {
    const { kernel, times } = this
    const { tasks } = kernel
    const row = request >> 3
    const visits = this.states[stateNumber] as LightState
    let outer: number = Fixed.none
    for (let i = 0; i < visits.length; i++) {
      const visit = visits[i] as LightVisit
      const task = tasks.take(this.endpoint[row * mostVisits + i] as number, visit.goal, request)
      const { memory } = tasks
      tasks.born[task >> 1] = this.born[row * mostVisits + i] as number
      memory[task + Fixed.parentAt] = outer
      if (outer === Fixed.none) memory[task + Fixed.parentEpochAt] = this.ender[row] as number
      else {
        memory[task + Fixed.parentEpochAt] = memory[outer + Fixed.epochAt] as number
        memory[outer + Fixed.calleeAt] = task
      }
      memory[task + Fixed.pcAt] = visit.pc
      memory[task + Fixed.outcomeAt] = visit.outcome
      memory[task + Fixed.triedAt] = 0
      if (visit.edge !== Fixed.none) {
        memory[task + Fixed.edgeAt] = visit.edge
        memory[task + Fixed.answerAt] = 0
        memory[task + Fixed.answerOutcomeAt] = visit.answerOutcome
      }
      if (visit.leaf !== Fixed.none) {
        memory[task + Fixed.leafAt] = visit.leaf
        tasks.leafStartedAt[task >> 1] = times[row * mostTimes + visit.leafTime] as number
      }
      if (visit.chosenTime !== Fixed.none) {
        memory[task + Fixed.triedAt] = 1
        tasks.enteredAt[task >> 1] = times[row * mostTimes + visit.chosenTime] as number
        memory[task + Fixed.peerAt] = visit.judged ? Fixed.none : (this.peer[row] as number)
      }
      for (let j = 0; j < visit.frames.length; j++) this.makeFrame(row, task, visit.frames[j] as LightFrame)
      outer = task
    }
    this.state[row] = Fixed.heavy
    kernel.current = outer
    return outer
  }

  private makeFrame(row: number, task: number, { code, time, count, limit }: LightFrame): void {
    const { frames } = this.kernel
    const frame = frames.push(task, code)
    frames.startedAt[frames.timeOf(frame)] = this.times[row * mostTimes + time] as number
    frames.count[frame] = count
    if (limit === Fixed.none) return
    this.frame[row * mostLimits + limit] = frame
    this.frameEpoch[row * mostLimits + limit] = frames.epoch[frame] as number
  }
}

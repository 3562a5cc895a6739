/**
 * A task is one visit of a request at one process: the client's wait, the balancer's, the service's flow, a query. It runs a
 * program (an array of closures) and is blocked in at most one wait. Tasks are pooled objects (hot path); whatever points at
 * a task from outside remembers its `epoch`, which changes with every wait, and is stale when it no longer matches.
 */
import type { BreakerCall } from '../../policy/breaker.js'
import type { ConnectionPool } from './connection-pool.js'
import type { EdgeCount } from './edges.js'
import type { Endpoint } from './endpoint.js'
import type { Burst } from './processor.js'
import type { Request } from './request.js'
import type { StepMeter } from './step-meter.js'

/** Does one thing and returns where to go on, or `blocked` when the task waits (its `pc` is then where it goes on). */
export type Op = (task: Task) => number

export const blocked = -1
/** Of a frame that does not handle an error. */
export const propagate = -2

/** What a step does with the errors that pass through it; compiled once per step. */
export interface FrameCode {
  /** Of limits: the error code when the time is over; default `timeout`. */
  readonly expiresAs?: string
  /** An error came up: take the frame off (unless it stays in force) and say where to go on, `blocked` or `propagate`. */
  failed(task: Task, frame: Frame): number
  /** The frame is taken off unasked: an outer timeout, a cancellation, a crash. */
  dropped(task: Task, frame: Frame): void
}

/** A step under way on a task's stack. What the fields mean is the code's matter. */
export class Frame {
  code: FrameCode = transparent
  serial = 0
  startedAt = 0
  count = 0
  flag = false
  pool: ConnectionPool | undefined = undefined
  call: BreakerCall | undefined = undefined
}

export const transparent: FrameCode = {
  failed: (task) => {
    task.depth -= 1
    return propagate
  },
  dropped: () => undefined,
}

/** Where a task waits in line; told when it leaves before its turn. */
export interface Room {
  left(task: Task): void
  /** Its acquire timeout is about to make a task leave. */
  gaveUp(): void
}

/** What a call wants done where it arrives. */
export interface Goal {
  program(endpoint: Endpoint): readonly Op[]
}

export class Task {
  pc = 0
  ops: readonly Op[] = []
  epoch = 0
  serial = 0
  depth = 0
  readonly frames: Frame[] = []
  endpoint: Endpoint
  /** Among the tasks of its endpoint. */
  slot = 0
  goal: Goal
  request: Request
  parent: Task | undefined = undefined
  parentEpoch = 0
  /** One of several concurrent parts of `parent`, at the same endpoint. */
  branch = false
  /** Which join the branches of this task are for, and how many are still out. */
  joinAny = false
  pending = 0
  /** What it waits for. */
  burst: Burst | undefined = undefined
  callee: Task | undefined = undefined
  room: Room | undefined = undefined
  /** The connection of the caller's pool that this call came over, given back when it ends. */
  connection: ConnectionPool | undefined = undefined
  /** The connection that the step under way has been granted. */
  granted: ConnectionPool | undefined = undefined
  /** A thread of its endpoint that it holds. */
  holdsThread = false
  /** Error code of what has just failed. */
  code = ''
  /** The way of the last call. */
  edge: EdgeCount | undefined = undefined
  /** Of the last call: '' or an error code. */
  answer = ''
  answerDegraded = false
  answerOutcome: 0 | 1 | 2 = 0
  degraded = false
  outcome: 0 | 1 | 2 = 0
  /** The simple step under way. */
  leaf: StepMeter | undefined = undefined
  leafStartedAt = 0
  enteredAt = 0
  /** Balancers: the peer in use (−1: none) and those tried. */
  peer = -1
  readonly tried: number[] = []

  constructor(endpoint: Endpoint, goal: Goal, request: Request) {
    this.endpoint = endpoint
    this.goal = goal
    this.request = request
  }

  /** Puts a frame on the stack; frames are reused. */
  push(code: FrameCode, now: number): Frame {
    let frame = this.frames[this.depth]
    if (frame === undefined) {
      frame = new Frame()
      this.frames.push(frame)
    }
    this.depth += 1
    this.serial = (this.serial + 1) | 0
    frame.code = code
    frame.serial = this.serial
    frame.startedAt = now
    return frame
  }

  get top(): Frame {
    return this.frames[this.depth - 1] as Frame
  }

  /** Index of the frame with this serial, or −1. */
  frameIndex(serial: number): number {
    for (let i = this.depth - 1; i >= 0; i--) if ((this.frames[i] as Frame).serial === serial) return i
    return -1
  }
}

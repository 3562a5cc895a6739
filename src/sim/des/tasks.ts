/**
 * A task is one visit of a request at one process: the client's wait, the balancer's, the service's flow, a query. It runs a
 * program (closures, by their place in `kernel.ops`) and is blocked in at most one wait. Tasks are integer handles, rows of
 * these columns (hot path); whatever points at a task from outside remembers its `epoch`, which changes with every wait, and
 * is stale when it no longer matches. −1 in a column of handles: none.
 */
import { targetFailed } from '../../lib/errors.js'
import { grownFloats, grownInts, IntStack, initialRows } from './columns.js'

/** What an overloaded model may hold before the simulation says that it has exploded. */
const maxLiveTasks = 4_000_000

export const none = -1

/** Bits of `flags`. */
export const degradedBit = 1
/** One of several concurrent parts of its parent, at the same endpoint. */
export const branchBit = 2
/** It holds a thread of its endpoint. */
export const threadBit = 4
/** The answer to its last call was degraded. */
export const answerDegradedBit = 8
/** The join of its branches is `any`. */
export const joinAnyBit = 16
/** It runs no request of a client's but a message, a poll, work in the background: nobody is told of its end but its hook. */
export const backgroundBit = 32

type IntColumn = {
  [K in keyof Tasks]: Tasks[K] extends Int32Array ? K : never
}[keyof Tasks]

const intColumns = [
  'pc',
  'epoch',
  'endpoint',
  'goal',
  'request',
  'flags',
  'parent',
  'parentEpoch',
  'pending',
  'branches',
  'nextBranch',
  'burst',
  'callee',
  'room',
  'connection',
  'granted',
  'frame',
  'code',
  'edge',
  'answer',
  'answerOutcome',
  'outcome',
  'leaf',
  'peer',
  'tried',
  'extra',
] as const satisfies readonly IntColumn[]

/** None in a task that has just been taken, and again when it is given back. */
const handles = [
  'parent',
  'branches',
  'burst',
  'callee',
  'room',
  'granted',
  'frame',
  'leaf',
  'peer',
  'extra',
] as const satisfies readonly IntColumn[]

export class Tasks {
  /** Where it goes on. */
  pc = new Int32Array(initialRows)
  epoch = new Int32Array(initialRows)
  /** Where it is; −1: the handle is free. */
  endpoint = new Int32Array(initialRows).fill(none)
  goal = new Int32Array(initialRows)
  request = new Int32Array(initialRows)
  flags = new Int32Array(initialRows)
  /** Its caller, and the caller's epoch while it waits for this; without a caller the number of its ender. */
  parent = new Int32Array(initialRows)
  parentEpoch = new Int32Array(initialRows)
  /** Branches that are still out, and the list of them. */
  pending = new Int32Array(initialRows)
  branches = new Int32Array(initialRows)
  nextBranch = new Int32Array(initialRows)
  /** What it waits for: CPU, a call, its turn in a room. */
  burst = new Int32Array(initialRows)
  callee = new Int32Array(initialRows)
  room = new Int32Array(initialRows)
  /** The connection pool (a room) of the caller that this call came over, given back when it ends. */
  connection = new Int32Array(initialRows)
  /** The pool that has granted the step under way a connection. */
  granted = new Int32Array(initialRows)
  /** Innermost step under way, in `Frames`. */
  frame = new Int32Array(initialRows)
  /** What has just failed. */
  code = new Int32Array(initialRows)
  /** The way of the last call, its answer (0: success) and what its lookup found. */
  edge = new Int32Array(initialRows)
  answer = new Int32Array(initialRows)
  answerOutcome = new Int32Array(initialRows)
  /** What the outermost lookup found: 0 none, 1 hit, 2 miss. */
  outcome = new Int32Array(initialRows)
  /** Meter of the simple step under way, and when it began. */
  leaf = new Int32Array(initialRows)
  leafStartedAt = new Float64Array(initialRows)
  /** Balancers: the peer in use, how many were tried. When the task arrived. */
  peer = new Int32Array(initialRows)
  tried = new Int32Array(initialRows)
  enteredAt = new Float64Array(initialRows)
  /** A handle of whatever its program keeps: a message, a lock. */
  extra = new Int32Array(initialRows)
  live = 0
  /** Handles that were ever used. */
  made = 0
  private readonly free = new IntStack()

  constructor(private readonly clock: { readonly now: number }) {}

  take(endpoint: number, goal: number, request: number): number {
    if (this.free.size === 0) this.make()
    const task = this.free.pop()
    this.live += 1
    this.endpoint[task] = endpoint
    this.goal[task] = goal
    this.request[task] = request
    return task
  }

  /** The task waits for nothing and holds nothing any more: all its columns of handles but these are `none`. */
  give(task: number): void {
    this.live -= 1
    this.epoch[task] = ((this.epoch[task] as number) + 1) | 0
    this.endpoint[task] = none
    this.flags[task] = 0
    this.outcome[task] = 0
    this.connection[task] = none
    this.free.push(task)
  }

  private make(): void {
    const { length } = this.pc
    if (this.made === length) {
      if (this.made >= maxLiveTasks)
        throw targetFailed(
          `the simulation explodes: ${maxLiveTasks} calls in flight at ${this.clock.now.toFixed(1)} s`,
          'more work arrives than can be done, and nothing gives it up',
          'lower the load, or declare maxInFlight, timeouts or acquireTimeout',
        )
      for (const column of intColumns) this[column] = grownInts(this[column], length * 2)
      this.leafStartedAt = grownFloats(this.leafStartedAt, length * 2)
      this.enteredAt = grownFloats(this.enteredAt, length * 2)
    }
    const task = this.made
    this.made += 1
    for (const column of handles) this[column][task] = none
    this.live += 1
    this.give(task)
  }
}

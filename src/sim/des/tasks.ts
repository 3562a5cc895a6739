/**
 * A task is one visit of a request at one process: the client's wait, the balancer's, the service's flow, a query. It runs a
 * program (closures, by their place in `kernel.ops`) and is blocked in at most one wait. Whatever points at a task from outside
 * remembers its `epoch`, which changes with every wait, and is stale when it no longer matches. −1 in a column of handles: none.
 *
 * Hot path. A task is an integer: where its row begins in `memory`. Rows lie in one array, so that a function that touches many
 * columns of a task loads one array and stays within two cache lines; a column by name is a view of the same memory that begins
 * at its offset, so that `tasks.answer[task]` is that column of that task.
 */
import { targetFailed } from '../../lib/errors.js'
import { floatCells, initialRows, intCells, Table } from './columns.js'

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
/** It was called over a way that takes time, or that a fault has struck: so is its answer. */
export const remoteBit = 64

/** Integers of a row; a power of two. */
// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  stride = 32,
  none = -1,
  pcAt = 0,
  epochAt = 1,
  endpointAt = 2,
  goalAt = 3,
  requestAt = 4,
  flagsAt = 5,
  connectionAt = 8,
  outcomeAt = 9,
}

/** Large buffers begin 16 bytes after the beginning of a line of the processor's cache. */
const padding = 48

const rowsOf = (rows: number): ArrayBuffer => new ArrayBuffer(padding + 4 * Fixed.stride * rows)

/** Where each column stands in a row. Hot files repeat those that they use: V8 reads an imported constant through a cell. */
export const offsets = {
  pc: 0,
  epoch: 1,
  endpoint: 2,
  goal: 3,
  request: 4,
  flags: 5,
  parent: 6,
  parentEpoch: 7,
  connection: 8,
  outcome: 9,
  frame: 10,
  answer: 11,
  callee: 12,
  burst: 13,
  room: 14,
  edge: 15,
  granted: 16,
  leaf: 17,
  peer: 18,
  tried: 19,
  code: 20,
  pending: 21,
  branches: 22,
  nextBranch: 23,
  answerOutcome: 24,
  extra: 25,
} as const

type Column = keyof typeof offsets

/** The same of times and numbers, in doubles: they end the row. */
const doubles = { leafStartedAt: 13, enteredAt: 14, born: 15 } as const

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
] as const satisfies readonly Column[]

export class Tasks extends Table implements Record<Column, Int32Array> {
  private buffer = rowsOf(this.rows)
  memory = this.integers()
  /** Where it goes on. */
  pc = this.column('pc')
  epoch = this.column('epoch')
  /** Where it is; −1: the handle is free. */
  endpoint = this.column('endpoint')
  goal = this.column('goal')
  request = this.column('request')
  flags = this.column('flags')
  /** Its caller, and the caller's epoch while it waits for this; without a caller the number of its ender. */
  parent = this.column('parent')
  parentEpoch = this.column('parentEpoch')
  /** The connection pool (a room) of the caller that this call came over, given back when it ends. */
  connection = this.column('connection')
  /** What the outermost lookup found: 0 none, 1 hit, 2 miss. */
  outcome = this.column('outcome')
  /** Innermost step under way, in `Frames`. */
  frame = this.column('frame')
  /** Answer to the last call (0: success). */
  answer = this.column('answer')
  /** What it waits for: a call, CPU, its turn in a room. */
  callee = this.column('callee')
  burst = this.column('burst')
  room = this.column('room')
  /** The way of the last call. */
  edge = this.column('edge')
  /** The pool that has granted the step under way a connection. */
  granted = this.column('granted')
  /** Meter of the simple step under way. */
  leaf = this.column('leaf')
  /** Balancers: the peer in use, how many were tried. */
  peer = this.column('peer')
  tried = this.column('tried')
  /** What has just failed. */
  code = this.column('code')
  /** Branches that are still out, and the list of them. */
  pending = this.column('pending')
  branches = this.column('branches')
  nextBranch = this.column('nextBranch')
  /** What the lookup of the last call found. */
  answerOutcome = this.column('answerOutcome')
  /** A handle of whatever its program keeps: a message, a lock. */
  extra = this.column('extra')
  /** When the simple step under way began, and when the task arrived (of those that ask), by `timeOf`. */
  leafStartedAt = this.double('leafStartedAt')
  enteredAt = this.double('enteredAt')
  /** The number of the task among all that there have been, by `timeOf`: what happens to several at once happens to the oldest first. */
  born = this.double('born')
  readonly births = floatCells(1)
  /** The row that was given back last (−1: none); in its place of `pc` stands the one that was given back before it. */
  readonly freed = intCells(1).fill(Fixed.none)
  /** Rows that were ever used. */
  private made = 0

  constructor(
    private readonly clock: { readonly now: number },
    private readonly growth: Int32Array,
    /** For which there is room before columns must grow. */
    rows = initialRows,
  ) {
    super(rows)
  }

  private integers(): Int32Array<ArrayBuffer> {
    return new Int32Array(this.buffer, padding)
  }

  /** All are equally long: one comparison tells that a task is within all of them. */
  private column(column: Column): Int32Array<ArrayBuffer> {
    return new Int32Array(this.buffer, padding + 4 * offsets[column], this.memory.length - Fixed.stride + 1)
  }

  private double(column: keyof typeof doubles): Float64Array<ArrayBuffer> {
    return new Float64Array(this.buffer, padding + 8 * doubles[column], (this.memory.length - Fixed.stride) / 2 + 1)
  }

  take(endpoint: number, goal: number, request: number): number {
    const { freed } = this
    if (freed[0] === Fixed.none) this.make()
    const task = freed[0] as number
    const { memory } = this
    freed[0] = memory[task + Fixed.pcAt] as number
    this.born[task >> 1] = this.birth()
    memory[task + Fixed.endpointAt] = endpoint
    memory[task + Fixed.goalAt] = goal
    memory[task + Fixed.requestAt] = request
    return task
  }

  /** The number of the next task. */
  birth(): number {
    const number = (this.births[0] as number) + 1
    this.births[0] = number
    return number
  }

  /** The task waits for nothing and holds nothing any more: its columns of handles, but for these, are `none`. */
  give(task: number): void {
    const { memory, freed } = this
    memory[task + Fixed.epochAt] = ((memory[task + Fixed.epochAt] as number) + 1) | 0
    memory[task + Fixed.endpointAt] = -1
    memory[task + Fixed.flagsAt] = 0
    memory[task + Fixed.outcomeAt] = 0
    memory[task + Fixed.connectionAt] = -1
    memory[task + Fixed.pcAt] = freed[0] as number
    freed[0] = task
  }

  /** Where `leafStartedAt`, `enteredAt` and `born` have the task: they are doubles in rows of integers. */
  timeOf(task: number): number {
    return task >> 1
  }

  /** The row of a task in what is kept beside. */
  row(task: number): number {
    return task >> 5
  }

  /** The task of such a row. */
  ofRow(row: number): number {
    return row << 5
  }

  /** Tasks that are at the endpoint, the oldest first. */
  at(endpoint: number): number[] {
    const found: number[] = []
    for (let row = 0; row < this.made; row++)
      if (this.endpoint[row * Fixed.stride] === endpoint) found.push(row * Fixed.stride)
    return found.sort((a, b) => (this.born[a >> 1] as number) - (this.born[b >> 1] as number))
  }

  /** One more row, which is then free. */
  make(): void {
    const rows = this.memory.length / Fixed.stride
    if (this.made === rows) {
      if (this.made >= maxLiveTasks)
        throw targetFailed(
          `the simulation explodes: ${maxLiveTasks} calls in flight at ${this.clock.now.toFixed(1)} s`,
          'more work arrives than can be done, and nothing gives it up',
          'lower the load, or declare maxInFlight, timeouts or acquireTimeout',
        )
      this.growth[0] = 1
      const old = new Uint8Array(this.buffer)
      this.buffer = rowsOf(rows * 2)
      new Uint8Array(this.buffer).set(old)
      this.memory = this.integers()
      for (const column of Object.keys(offsets) as Column[]) this[column] = this.column(column)
      this.leafStartedAt = this.double('leafStartedAt')
      this.enteredAt = this.double('enteredAt')
      this.born = this.double('born')
    }
    const task = this.made * Fixed.stride
    this.made += 1
    for (const column of handles) this[column][task] = none
    this.give(task)
  }
}

export const isRemote = (tasks: Tasks, task: number): boolean => ((tasks.flags[task] as number) & remoteBit) !== 0

export const isBranch = (tasks: Tasks, task: number): boolean => ((tasks.flags[task] as number) & branchBit) !== 0

/**
 * Steps under way: a stack per task, linked from its innermost frame outward (hot path: columns by integer handle). What an
 * error does with a frame is its code's matter, which is compiled once per step.
 */
import { grownFloats, grownInts, initialRows, intCells, Table } from './columns.js'
import type { Lights } from './lights.js'
import { isBranch, type Tasks } from './tasks.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
}

/** Of a frame that does not handle an error. */
export const propagate = -2

/** What a step does with the errors that pass through it. */
export interface FrameCode {
  /** Of limits: the error code when the time is over; default `timeout`. */
  readonly expiresAs?: number
  /**
   * An error came up (`tasks.code`): take the frame off (unless it stays in force) and say where to go on, `blocked` or
   * `propagate`.
   */
  failed(task: number, frame: number): number
  /** The frame is taken off unasked: an outer timeout, a cancellation. */
  dropped(task: number, frame: number): void
  /** The process is gone, and can do nothing about it. */
  crashed?(task: number, frame: number): void
}

export class Frames extends Table {
  /** Changes when the frame is taken off. */
  epoch = new Int32Array(this.rows)
  task = new Int32Array(this.rows)
  /** Index into `codes`. */
  code = new Int32Array(this.rows)
  /** The next one outward; of a free one, the one that became free before it. */
  below = new Int32Array(this.rows)
  /** What these mean is the code's matter. */
  count = new Int32Array(this.rows)
  handle = new Int32Array(this.rows)
  startedAt = new Float64Array(this.rows)
  readonly refs: unknown[] = []
  /** Whose frames are not made until they are needed. */
  lights: Lights | undefined = undefined
  readonly codes: FrameCode[] = []
  /** The one that became free last (−1: none). */
  readonly freed = intCells(1).fill(Fixed.none)
  private made = 0

  constructor(
    private readonly tasks: Tasks,
    private readonly clock: { readonly now: number },
    private readonly growth: Int32Array,
    rows = initialRows,
  ) {
    super(rows)
  }

  /** The number by which frames name this code. */
  register(code: FrameCode): number {
    this.codes.push(code)
    return this.codes.length - 1
  }

  push(task: number, code: number): number {
    const { freed } = this
    if (freed[0] === Fixed.none) this.make()
    const frame = freed[0] as number
    const { tasks, below } = this
    freed[0] = below[frame] as number
    this.task[frame] = task
    this.code[frame] = code
    below[frame] = tasks.frame[task] as number
    this.startedAt[frame] = this.clock.now
    tasks.frame[task] = frame
    return frame
  }

  /** Takes the innermost frame off. Its columns stay readable until the next push. */
  pop(task: number): number {
    const { tasks, below, freed } = this
    const frame = tasks.frame[task] as number
    tasks.frame[task] = below[frame] as number
    this.epoch[frame] = ((this.epoch[frame] as number) + 1) | 0
    below[frame] = freed[0] as number
    freed[0] = frame
    return frame
  }

  /** Takes all off: the process is gone. */
  clear(task: number): void {
    for (let frame = this.tasks.frame[task] as number; frame !== Fixed.none; frame = this.tasks.frame[task] as number) {
      this.pop(task)
      this.codes[this.code[frame] as number]?.crashed?.(task, frame)
    }
  }

  /** The innermost frame with this code around what the task does, also around the fork that it is a branch of; −1: none. */
  around(task: number, code: number): number {
    const { tasks } = this
    for (let at = task; at !== Fixed.none; at = isBranch(tasks, at) ? (tasks.parent[at] as number) : Fixed.none)
      for (let frame = tasks.frame[at] as number; frame !== Fixed.none; frame = this.below[frame] as number)
        if (this.code[frame] === code) return frame
    return Fixed.none
  }

  /** One more, which is then free. */
  make(): void {
    const { length } = this.epoch
    if (this.made === length) {
      this.growth[0] = 1
      this.epoch = grownInts(this.epoch, length * 2)
      this.task = grownInts(this.task, length * 2)
      this.code = grownInts(this.code, length * 2)
      this.below = grownInts(this.below, length * 2)
      this.count = grownInts(this.count, length * 2)
      this.handle = grownInts(this.handle, length * 2)
      this.startedAt = grownFloats(this.startedAt, length * 2)
    }
    this.below[this.made] = this.freed[0] as number
    this.freed[0] = this.made
    this.made += 1
  }
}

/**
 * Steps under way: a stack per task, linked from its innermost frame outward (hot path: columns by integer handle). What an
 * error does with a frame is its code's matter, which is compiled once per step.
 */
import { initialRows, intCells, Table } from './columns.js'
import type { Lights } from './lights.js'
import { isBranch, type Tasks } from './tasks.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
  /** Integers of a row: 64 bytes, one line of the cache. */
  stride = 16,
}

/** Large buffers begin 16 bytes after the beginning of a line. */
const padding = 48

const rowsOf = (rows: number): ArrayBuffer => new ArrayBuffer(padding + 4 * Fixed.stride * rows)

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
  private buffer = rowsOf(this.rows)
  /** Changes when the frame is taken off. */
  epoch = this.column(0)
  task = this.column(1)
  /** Index into `codes`. */
  code = this.column(2)
  /** The next one outward; of a free one, the one that became free before it. */
  below = this.column(3)
  /** What these mean is the code's matter. */
  count = this.column(4)
  handle = this.column(5)
  /** By `timeOf`. */
  startedAt = this.times()
  /** By row. */
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
    this.startedAt[frame >> 1] = this.clock.now
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

  /** Where `startedAt` has the frame: it is a double in a row of integers. */
  timeOf(frame: number): number {
    return frame >> 1
  }

  /** The row of a frame in what is kept beside: `refs`. */
  row(frame: number): number {
    return frame >> 4
  }

  /** One more, which is then free. */
  make(): void {
    const rows = (this.epoch.length - 1) / Fixed.stride + 1
    if (this.made === rows) {
      this.growth[0] = 1
      const old = new Uint8Array(this.buffer)
      this.buffer = rowsOf(rows * 2)
      new Uint8Array(this.buffer).set(old)
      this.epoch = this.column(0)
      this.task = this.column(1)
      this.code = this.column(2)
      this.below = this.column(3)
      this.count = this.column(4)
      this.handle = this.column(5)
      this.startedAt = this.times()
    }
    const frame = this.made * Fixed.stride
    this.below[frame] = this.freed[0] as number
    this.freed[0] = frame
    this.made += 1
  }

  private column(at: number): Int32Array<ArrayBuffer> {
    const rows = (this.buffer.byteLength - padding) / (4 * Fixed.stride)
    return new Int32Array(this.buffer, padding + 4 * at, (rows - 1) * Fixed.stride + 1)
  }

  private times(): Float64Array<ArrayBuffer> {
    const rows = (this.buffer.byteLength - padding) / (4 * Fixed.stride)
    return new Float64Array(this.buffer, padding + 32, ((rows - 1) * Fixed.stride) / 2 + 1)
  }
}

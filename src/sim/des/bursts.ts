/** Stretches of CPU: columns by integer handle (hot path). A burst may outlive the interest of its task: `epoch` tells. */
import { grownFloats, grownInts, initialRows, intCells, Table } from './columns.js'
import { Cpu } from './cpu.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
}

export const waiting = 0
export const running = 1
export const cancelled = 2
/** Taken off its cores while it ran, by a pause. */
export const frozen = 3

export class Bursts extends Table {
  /** What is wanted; of a burst taken off its cores, what is left. */
  demandSeconds = new Float64Array(this.rows)
  /** In virtual time of the cores. */
  endsAt = new Float64Array(this.rows)
  /** In the heap of the cores; of a free one, the one that became free before it. */
  place = new Int32Array(this.rows)
  task = new Int32Array(this.rows)
  epoch = new Int32Array(this.rows)
  /** Index of its processor; −1: the handle is free. */
  processor = new Int32Array(this.rows).fill(-1)
  state = new Uint8Array(this.rows)
  made = 0
  /** Where they run. */
  readonly cpu: Cpu
  /** The one that became free last (−1: none). */
  readonly freed = intCells(1).fill(Fixed.none)

  constructor(
    private readonly growth: Int32Array,
    rows = initialRows,
  ) {
    super(rows)
    this.cpu = new Cpu(growth, rows)
  }

  take(task: number, epoch: number, processor: number): number {
    const { freed } = this
    if (freed[0] === Fixed.none) this.make()
    const burst = freed[0] as number
    freed[0] = this.place[burst] as number
    this.task[burst] = task
    this.epoch[burst] = epoch
    this.processor[burst] = processor
    this.state[burst] = waiting
    return burst
  }

  give(burst: number): void {
    this.processor[burst] = Fixed.none
    this.place[burst] = this.freed[0] as number
    this.freed[0] = burst
  }

  /** Room for at least so many; the express way numbers them itself. */
  reserve(rows: number): void {
    while (this.task.length < rows) this.grow()
  }

  /** One more, which is then free. */
  make(): void {
    if (this.made === this.task.length) this.grow()
    this.place[this.made] = this.freed[0] as number
    this.freed[0] = this.made
    this.made += 1
  }

  private grow(): void {
    const { length } = this.task
    const { state } = this
    this.growth[0] = 1
    this.demandSeconds = grownFloats(this.demandSeconds, length * 2)
    this.endsAt = grownFloats(this.endsAt, length * 2)
    this.place = grownInts(this.place, length * 2)
    this.task = grownInts(this.task, length * 2)
    this.epoch = grownInts(this.epoch, length * 2)
    this.processor = grownInts(this.processor, length * 2).fill(-1, length)
    this.state = new Uint8Array(length * 2)
    this.state.set(state)
  }
}

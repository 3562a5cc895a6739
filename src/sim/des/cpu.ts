/**
 * Processors and cores in columns (hot path): what the engine's core reads and writes of them at each burst, where V8 finds it at one
 * address. Their classes (`Cores`, `SharedProcessor`, `LoopProcessor`) show it as properties.
 */
import { grownFloats, grownInts, initialRows } from './columns.js'

/** Bursts that a heap, and entries that a ring has room for at the start. */
const initialRoom = 16
/** Where heaps and rings lie, by the bursts that are known to be at once: each leaves its old place behind when it grows. */
const placesPerBurst = 4

/** The columns with a row per processor, and per set of cores. */
const processorInts = [
  'kind',
  'source',
  'cores',
  'loops',
  'busy',
  'waiting',
  'paused',
  'ringAt',
  'ringMask',
  'head',
  'size',
  'serving',
] as const
const processorFloats = ['doneSeconds', 'startedAt'] as const
const coreInts = ['source', 'runnable', 'reduced', 'heapAt', 'room'] as const
const coreFloats = ['capacity', 'virtual', 'updatedAt', 'busyCoreSeconds'] as const

export class Cpu {
  /** Of processors. */
  readonly ofProcessors: ProcessorColumns
  readonly ofCores: CoreColumns

  /** `bursts`: those that are known to be at once. There is room for more. */
  constructor(growth: Int32Array, bursts: number) {
    const places = Math.max(initialRows * initialRoom, placesPerBurst * bursts)
    this.ofProcessors = new ProcessorColumns(growth, places)
    this.ofCores = new CoreColumns(growth, places)
  }
}

export class ProcessorColumns {
  /** Of `processorKinds`. */
  kind = new Int32Array(initialRows)
  /** The source that is due when its cores, or it itself, have done the next burst. */
  source = new Int32Array(initialRows)
  /** Of processors on shared cores: which. */
  cores = new Int32Array(initialRows)
  /** Bursts that run at once; 0: all. */
  loops = new Int32Array(initialRows)
  busy = new Int32Array(initialRows)
  /** Bursts that stand in line, or 1 where nobody but the processor knows how its line goes on. */
  waiting = new Int32Array(initialRows)
  paused = new Int32Array(initialRows)
  /** CPU-seconds of bursts that are over. */
  doneSeconds = new Float64Array(initialRows)
  /** Of event loops with a core of their own: where their rings are, their lengths less one, and the entries in them. */
  ringAt = new Int32Array(initialRows)
  ringMask = new Int32Array(initialRows)
  head = new Int32Array(initialRows)
  size = new Int32Array(initialRows)
  serving = new Int32Array(initialRows)
  startedAt = new Float64Array(initialRows)
  /** The rings: CPU that is wanted, and by whom. */
  demandSeconds: Float64Array
  task: Int32Array
  epoch: Int32Array
  private ringsEnd = 0
  private rows = 0

  constructor(
    private readonly growth: Int32Array,
    places: number,
  ) {
    this.demandSeconds = new Float64Array(places)
    this.task = new Int32Array(places)
    this.epoch = new Int32Array(places)
  }

  /** A row of zeros. */
  add(): number {
    const { length } = this.kind
    if (this.rows === length) {
      this.growth[0] = 1
      for (const column of processorInts) this[column] = grownInts(this[column], 2 * length)
      for (const column of processorFloats) this[column] = grownFloats(this[column], 2 * length)
    }
    this.rows += 1
    return this.rows - 1
  }

  /** The event loop gets a ring. */
  addRing(row: number): void {
    this.place(row, initialRoom)
  }

  /** Its ring becomes twice as long. */
  growRing(row: number): void {
    const from = this.ringAt[row] as number
    const mask = this.ringMask[row] as number
    const entries = mask + 1
    this.place(row, 2 * entries)
    const to = this.ringAt[row] as number
    const { task, epoch, demandSeconds } = this
    for (let i = 0; i < (this.size[row] as number); i++) {
      const number = (this.head[row] as number) + i
      const old = from + (number & mask)
      const slot = to + (number & (2 * entries - 1))
      task[slot] = task[old] as number
      epoch[slot] = epoch[old] as number
      demandSeconds[slot] = demandSeconds[old] as number
    }
  }

  /** What it leaves behind is lost: with doubling it is never more than what is in use. */
  private place(row: number, entries: number): void {
    const from = this.ringsEnd
    this.ringsEnd += entries
    this.ringAt[row] = from
    this.ringMask[row] = entries - 1
    let { length } = this.task
    if (this.ringsEnd <= length) return
    while (length < this.ringsEnd) length *= 2
    this.growth[0] = 1
    this.task = grownInts(this.task, length)
    this.epoch = grownInts(this.epoch, length)
    this.demandSeconds = grownFloats(this.demandSeconds, length)
  }
}

export class CoreColumns {
  /** Its source of events. */
  source = new Int32Array(initialRows)
  runnable = new Int32Array(initialRows)
  /** Cores that there are now, and 1 if faults have taken some. */
  capacity = new Float64Array(initialRows)
  reduced = new Int32Array(initialRows)
  virtual = new Float64Array(initialRows)
  updatedAt = new Float64Array(initialRows)
  busyCoreSeconds = new Float64Array(initialRows)
  /** Where their heaps are, and for how many bursts. */
  heapAt = new Int32Array(initialRows)
  room = new Int32Array(initialRows)
  heap: Int32Array
  private heapsEnd = 0
  private rows = 0

  constructor(
    private readonly growth: Int32Array,
    places: number,
  ) {
    this.heap = new Int32Array(places)
  }

  add(): number {
    const { length } = this.source
    if (this.rows === length) {
      this.growth[0] = 1
      for (const column of coreInts) this[column] = grownInts(this[column], 2 * length)
      for (const column of coreFloats) this[column] = grownFloats(this[column], 2 * length)
    }
    const row = this.rows
    this.rows += 1
    this.place(row, initialRoom)
    return row
  }

  /** Its heap gets room for twice as many. */
  growHeap(row: number): void {
    const from = this.heapAt[row] as number
    const room = this.room[row] as number
    this.place(row, 2 * room)
    this.heap.copyWithin(this.heapAt[row] as number, from, from + room)
  }

  private place(row: number, room: number): void {
    this.heapAt[row] = this.heapsEnd
    this.room[row] = room
    this.heapsEnd += room
    let { length } = this.heap
    if (this.heapsEnd <= length) return
    while (length < this.heapsEnd) length *= 2
    this.growth[0] = 1
    this.heap = grownInts(this.heap, length)
  }
}

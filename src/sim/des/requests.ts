/**
 * Requests of clients, each with all its attempts and the calls that it leads to. A request is an integer: where its row begins
 * in memory, as with tasks (hot path). It is free again when no task refers to it.
 */
import { grownFloats, grownInts, IntStack, initialRows, Table } from './columns.js'

/** Numbers of a row; a power of two. */
// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  stride = 8,
  unknownAt = 5,
  referencesAt = 6,
}

/** Where each column stands in a row of integers, or of times. */
export const offsets = { cls: 0, client: 1, epoch: 2, root: 3, idempotent: 4, unknown: 5, references: 6 } as const
export const times = { intendedAt: 0, sentAt: 1 } as const

export class Requests extends Table {
  memory = new Int32Array(this.rows * Fixed.stride)
  seconds = new Float64Array(this.rows * Fixed.stride)
  cls = this.memory.subarray(offsets.cls)
  /** Which client sent it: what `ip_hash` hashes and rate limits are counted by. */
  client = this.memory.subarray(offsets.client)
  /** Changes when its client has had its answer, or waits no longer. */
  epoch = this.memory.subarray(offsets.epoch)
  /** Its task, of requests that need no task of the client's. */
  root = this.memory.subarray(offsets.root)
  /** 1: its method is one that may be sent twice (RFC 9110, 9.2.2). */
  idempotent = this.memory.subarray(offsets.idempotent)
  /** 1: an attempt may have taken effect although it failed. */
  unknown = this.memory.subarray(offsets.unknown)
  /** Tasks and others that refer to it. */
  references = this.memory.subarray(offsets.references)
  /** When it was meant to start, and when its attempt under way was sent. */
  intendedAt = this.seconds.subarray(times.intendedAt)
  sentAt = this.seconds.subarray(times.sentAt)
  /** Chosen key per request and data set (`keyPlace`); −1: not chosen yet. */
  keys: Int32Array<ArrayBuffer>
  /** Told when nothing refers to a request any more. */
  onFree: ((request: number) => void) | undefined = undefined
  private readonly free = new IntStack()
  private made = 0

  constructor(
    readonly dataSets: number,
    private readonly growth: Int32Array,
    rows = initialRows,
  ) {
    super(rows)
    this.keys = new Int32Array(rows * dataSets)
  }

  take(): number {
    if (this.free.size === 0) this.make()
    const request = this.free.pop()
    const { memory, keys, dataSets } = this
    const first = this.keyPlace(request, 0)
    for (let i = 0; i < dataSets; i++) keys[first + i] = -1
    memory[request + Fixed.unknownAt] = 0
    memory[request + Fixed.referencesAt] = 0
    return request
  }

  /** Where `keys` has the key of this data set. */
  keyPlace(request: number, data: number): number {
    return (request >> 3) * this.dataSets + data
  }

  retain(request: number): void {
    const { memory } = this
    memory[request + Fixed.referencesAt] = (memory[request + Fixed.referencesAt] as number) + 1
  }

  release(request: number): void {
    const { memory } = this
    const left = (memory[request + Fixed.referencesAt] as number) - 1
    memory[request + Fixed.referencesAt] = left
    if (left > 0) return
    if (this.onFree !== undefined) this.onFree(request)
    this.free.push(request)
  }

  private make(): void {
    const rows = this.memory.length / Fixed.stride
    if (this.made === rows) {
      this.growth[0] = 1
      this.memory = grownInts(this.memory, rows * 2 * Fixed.stride)
      this.seconds = grownFloats(this.seconds, rows * 2 * Fixed.stride)
      this.keys = grownInts(this.keys, rows * 2 * this.dataSets)
      this.cls = this.memory.subarray(offsets.cls)
      this.client = this.memory.subarray(offsets.client)
      this.epoch = this.memory.subarray(offsets.epoch)
      this.root = this.memory.subarray(offsets.root)
      this.idempotent = this.memory.subarray(offsets.idempotent)
      this.unknown = this.memory.subarray(offsets.unknown)
      this.references = this.memory.subarray(offsets.references)
      this.intendedAt = this.seconds.subarray(times.intendedAt)
      this.sentAt = this.seconds.subarray(times.sentAt)
    }
    this.free.push(this.made * Fixed.stride)
    this.made += 1
  }
}

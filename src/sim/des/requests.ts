/**
 * Requests of clients, each with all its attempts and the calls that it leads to: columns by integer handle (hot path). A
 * request is free again when no task refers to it.
 */
import { grownFloats, grownInts, IntStack, initialRows } from './columns.js'

export class Requests {
  cls = new Int32Array(initialRows)
  /** When it was meant to start, and when its attempt under way was sent. */
  intendedAt = new Float64Array(initialRows)
  sentAt = new Float64Array(initialRows)
  /** 1: an attempt may have taken effect although it failed. */
  unknown = new Uint8Array(initialRows)
  /** 1: its method is one that may be sent twice (RFC 9110, 9.2.2). */
  idempotent = new Uint8Array(initialRows)
  /** Which client sent it: what `ip_hash` hashes and rate limits are counted by. */
  client = new Int32Array(initialRows)
  /** Changes when its client has had its answer, or waits no longer. */
  epoch = new Int32Array(initialRows)
  /** Its task, of requests that need no task of the client's. */
  root = new Int32Array(initialRows)
  /** Chosen key per request and data set; −1: not chosen yet. */
  keys: Int32Array<ArrayBuffer>
  /** Told when nothing refers to a request any more. */
  onFree: ((request: number) => void) | undefined = undefined
  private references = new Int32Array(initialRows)
  private readonly free = new IntStack()
  private made = 0

  constructor(readonly dataSets: number) {
    this.keys = new Int32Array(initialRows * dataSets)
  }

  take(): number {
    if (this.free.size === 0) this.make()
    const request = this.free.pop()
    const { dataSets } = this
    if (dataSets > 0) this.keys.fill(-1, request * dataSets, (request + 1) * dataSets)
    this.unknown[request] = 0
    this.references[request] = 0
    return request
  }

  retain(request: number): void {
    this.references[request] = (this.references[request] as number) + 1
  }

  release(request: number): void {
    const left = (this.references[request] as number) - 1
    this.references[request] = left
    if (left > 0) return
    this.onFree?.(request)
    this.free.push(request)
  }

  private make(): void {
    const length = this.cls.length
    if (this.made === length) {
      this.cls = grownInts(this.cls, length * 2)
      this.intendedAt = grownFloats(this.intendedAt, length * 2)
      this.sentAt = grownFloats(this.sentAt, length * 2)
      this.client = grownInts(this.client, length * 2)
      this.epoch = grownInts(this.epoch, length * 2)
      this.root = grownInts(this.root, length * 2)
      this.references = grownInts(this.references, length * 2)
      this.keys = grownInts(this.keys, length * 2 * this.dataSets)
      const { unknown, idempotent } = this
      this.unknown = new Uint8Array(length * 2)
      this.unknown.set(unknown)
      this.idempotent = new Uint8Array(length * 2)
      this.idempotent.set(idempotent)
    }
    this.free.push(this.made)
    this.made += 1
  }
}

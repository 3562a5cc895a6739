/**
 * What became of the messages that requests led to: columns by request (hot path). A request is complete when its client has its
 * answer and nothing that was published on its behalf waits or is being worked on; workers that publish in turn prolong it.
 */
import { grownFloats, grownInts, initialRows } from '../columns.js'
import type { Requests } from '../requests.js'

/** Told what it finds. */
export interface AccountLog {
  /** From the intended start of the request it took so long until its work was done. */
  completion(request: number, seconds: number): void
  /** A message of the request waited for so long. */
  queueDelay(request: number, seconds: number): void
}

/** Where the columns have a request, whose handle is where its row of eight begins. */
const rowOf = (request: number): number => request >> 3

const answeredBit = 1
/** One of its messages was lost, or is a dead letter that nobody takes. */
const failedBit = 2

export class MessageAccount {
  /** Requests whose work is not done yet. */
  underWay = 0
  private open = new Int32Array(initialRows)
  private flags = new Uint8Array(initialRows)
  private doneAt = new Float64Array(initialRows)

  constructor(
    private readonly requests: Requests,
    private readonly log: AccountLog,
    private readonly clock: { readonly now: number },
  ) {}

  /** A request of a client begins. */
  begin(request: number): void {
    if (rowOf(request) >= this.open.length) this.grow(rowOf(request))
    this.open[rowOf(request)] = 0
    this.flags[rowOf(request)] = 0
    this.doneAt[rowOf(request)] = Number.NaN
  }

  /** A message on behalf of the request begins its way. */
  published(request: number): void {
    this.requests.retain(request)
    if (this.open[rowOf(request)] === 0) this.underWay += 1
    this.open[rowOf(request)] = (this.open[rowOf(request)] as number) + 1
  }

  /** Its publisher did not get it in. */
  withdrawn(request: number): void {
    this.close(request)
  }

  taken(request: number, publishedAt: number): void {
    this.log.queueDelay(request, this.clock.now - publishedAt)
  }

  /** The work on one of its messages is done. */
  done(request: number): void {
    this.doneAt[rowOf(request)] = this.clock.now
    if (this.open[rowOf(request)] === 1 && this.flags[rowOf(request)] === answeredBit) this.complete(request)
    this.close(request)
  }

  /** One of its messages is gone, or nobody will ever take it. */
  lost(request: number): void {
    this.flags[rowOf(request)] = (this.flags[rowOf(request)] as number) | failedBit
    this.close(request)
  }

  /** Its client has been told of success. */
  answered(request: number): void {
    this.flags[rowOf(request)] = (this.flags[rowOf(request)] as number) | answeredBit
    // It may all have been done before the client knew.
    if (this.open[rowOf(request)] === 0 && this.flags[rowOf(request)] === answeredBit) this.complete(request)
  }

  /** Nothing more is going to happen for it. */
  isSettled(request: number): boolean {
    return this.open[rowOf(request)] === 0 || ((this.flags[rowOf(request)] as number) & failedBit) !== 0
  }

  private complete(request: number): void {
    const seconds = (this.doneAt[rowOf(request)] as number) - (this.requests.intendedAt[request] as number)
    // Not a number: it has published nothing.
    if (seconds >= 0) this.log.completion(request, seconds)
  }

  private close(request: number): void {
    const open = (this.open[rowOf(request)] as number) - 1
    this.open[rowOf(request)] = open
    if (open === 0) this.underWay -= 1
    this.requests.release(request)
  }

  private grow(row: number): void {
    const length = Math.max(row + 1, this.open.length * 2)
    const flags = new Uint8Array(length)
    flags.set(this.flags)
    this.flags = flags
    this.open = grownInts(this.open, length)
    this.doneAt = grownFloats(this.doneAt, length)
  }
}

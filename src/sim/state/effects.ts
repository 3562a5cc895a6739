/**
 * How often the writes of a request took effect. One pass through its flow performs each step a known number of times;
 * beyond that a retry (of the client, a balancer or a step) has repeated what had already happened. A request that may be
 * repeated carries a key by which stores recognise the repetition: it then has no second effect.
 * Hot path: a list per request, rows of typed arrays.
 */
import { grown, Rows } from './rows.js'

const none = -1
const initial = 16

export class Effects {
  /** Times that one pass through the flow performs a step, at most. */
  private readonly expected: number[] = []
  /** First of its list, by request. */
  private first = new Int32Array(initial).fill(none)
  private step = new Int32Array(initial)
  private count = new Int32Array(initial)
  private next = new Int32Array(initial)
  private readonly rows = new Rows(initial, (length) => {
    this.step = grown(this.step, length)
    this.count = grown(this.count, length)
    this.next = grown(this.next, length)
  })
  /** Effects beyond the first pass of their requests, and the requests that had any. */
  doubled = 0
  doubledRequests = 0
  /** Repetitions that were recognised and had no effect. */
  recognised = 0

  /** Returns the number by which the step is known. */
  register(timesPerPass: number): number {
    this.expected.push(timesPerPass)
    return this.expected.length - 1
  }

  /** Requests whose effects are remembered. */
  get size(): number {
    return this.rows.size
  }

  /** Has all of this already happened, so that a store that recognises the request does nothing? Then it is counted so. */
  recognises(request: number, step: number): boolean {
    const row = this.find(request, step)
    if (row === none || (this.count[row] as number) < (this.expected[step] as number)) return false
    this.recognised += 1
    return true
  }

  /** The step has taken effect for the request (a small integer). */
  happened(request: number, step: number): void {
    const row = this.find(request, step)
    if (row === none) this.remember(request, step)
    else this.count[row] = (this.count[row] as number) + 1
  }

  /** An effect was taken back: by a rollback, or by what undoes it in a saga. */
  undone(request: number, step: number): void {
    const row = this.find(request, step)
    if (row !== none && (this.count[row] as number) > 0) this.count[row] = (this.count[row] as number) - 1
  }

  /** Nothing of the request is under way any more: its number may be used for another. */
  ended(request: number): void {
    let row = this.first[request] ?? none
    if (row === none) return
    this.first[request] = none
    let beyond = 0
    while (row !== none) {
      const surplus = (this.count[row] as number) - (this.expected[this.step[row] as number] as number)
      if (surplus > 0) beyond += surplus
      const after = this.next[row] as number
      this.rows.give(row)
      row = after
    }
    this.doubled += beyond
    if (beyond > 0) this.doubledRequests += 1
  }

  private find(request: number, step: number): number {
    let row = this.first[request] ?? none
    while (row !== none && this.step[row] !== step) row = this.next[row] as number
    return row
  }

  private remember(request: number, step: number): void {
    if (request >= this.first.length) {
      const from = this.first.length
      this.first = grown(this.first, Math.max(2 * from, request + 1)).fill(none, from)
    }
    const row = this.rows.take()
    this.step[row] = step
    this.count[row] = 1
    this.next[row] = this.first[request] as number
    this.first[request] = row
  }
}

/**
 * What open transactions have changed and not committed: a list per owner (a small integer), newest first. Hot path: rows of
 * typed arrays.
 */
import { grown, Rows } from './rows.js'

const none = -1
const initial = 16

/** Of a counter (−1: an ordinary write) by the step of that number. */
export type Change = (counter: number, key: number, amount: number, step: number) => void

export class Transactions {
  private newest = new Int32Array(initial).fill(none)
  private counter = new Int32Array(initial)
  private key = new Int32Array(initial)
  private amount = new Float64Array(initial)
  private step = new Int32Array(initial)
  private older = new Int32Array(initial)
  private readonly rows = new Rows(initial, (length) => {
    this.counter = grown(this.counter, length)
    this.key = grown(this.key, length)
    this.amount = grown(this.amount, length)
    this.step = grown(this.step, length)
    this.older = grown(this.older, length)
  })

  /** Changes that are open. */
  get size(): number {
    return this.rows.size
  }

  changed(owner: number, counter: number, key: number, amount: number, step: number): void {
    if (owner >= this.newest.length) {
      const from = this.newest.length
      this.newest = grown(this.newest, Math.max(2 * from, owner + 1)).fill(none, from)
    }
    const row = this.rows.take()
    this.counter[row] = counter
    this.key[row] = key
    this.amount[row] = amount
    this.step[row] = step
    this.older[row] = this.newest[owner] as number
    this.newest[owner] = row
  }

  /** The transaction is over, one way or the other: `change` is told of all that it changed, newest first. */
  end(owner: number, change: Change): void {
    let row = this.newest[owner] ?? none
    if (row === none) return
    this.newest[owner] = none
    while (row !== none) {
      const older = this.older[row] as number
      change(this.counter[row] as number, this.key[row] as number, this.amount[row] as number, this.step[row] as number)
      this.rows.give(row)
      row = older
    }
  }
}

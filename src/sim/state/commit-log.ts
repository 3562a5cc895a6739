/**
 * What a store has acknowledged and could still lose: commits that have not reached a copy (or the disk) yet, newest last.
 * A commit at time t reaches a copy at t + lag; when the primary dies at T, what came after T − lag is gone with it.
 * Hot path: a ring of typed arrays, as long as what comes in within the lag.
 */
import { grown } from './rows.js'

/** Told of each commit that is lost: of a counter (−1: an ordinary write), by how much it had been changed. */
export type Lost = (counter: number, key: number, amount: number) => void

export class CommitLog {
  private at = new Float64Array(16)
  private counter = new Int32Array(16)
  private key = new Int32Array(16)
  private amount = new Float64Array(16)
  private head = 0
  size = 0

  /** `safeBefore`: what was committed until then can no longer be lost. */
  add(now: number, safeBefore: number, counter: number, key: number, amount: number): void {
    this.forgetUntil(safeBefore)
    if (this.size === this.at.length) this.widen()
    const place = (this.head + this.size) & (this.at.length - 1)
    this.at[place] = now
    this.counter[place] = counter
    this.key[place] = key
    this.amount[place] = amount
    this.size += 1
  }

  /** Commits up to this time (inclusive) are safe. */
  forgetUntil(time: number): void {
    const mask = this.at.length - 1
    while (this.size > 0 && (this.at[this.head] as number) <= time) {
      this.head = (this.head + 1) & mask
      this.size -= 1
    }
  }

  /** Loses what was committed after `time`, newest first; returns how many commits that were. */
  loseAfter(time: number, lost: Lost): number {
    const mask = this.at.length - 1
    let count = 0
    while (this.size > 0) {
      const place = (this.head + this.size - 1) & mask
      if ((this.at[place] as number) <= time) break
      this.size -= 1
      count += 1
      lost(this.counter[place] as number, this.key[place] as number, this.amount[place] as number)
    }
    return count
  }

  private widen(): void {
    const { length } = this.at
    // What the ring had wrapped round goes behind what it had not.
    const at = grown(this.at, 2 * length)
    const counter = grown(this.counter, 2 * length)
    const key = grown(this.key, 2 * length)
    const amount = grown(this.amount, 2 * length)
    at.set(this.at.subarray(0, this.head), length)
    counter.set(this.counter.subarray(0, this.head), length)
    key.set(this.key.subarray(0, this.head), length)
    amount.set(this.amount.subarray(0, this.head), length)
    this.at = at
    this.counter = counter
    this.key = key
    this.amount = amount
  }
}

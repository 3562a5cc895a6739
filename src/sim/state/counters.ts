/**
 * Counters per key (the stock of a product), and what each guard makes of two requests that want the last piece. Beside the
 * value that the store holds stands the truth: what was granted to requests and not released. They part when nothing guards
 * the counter, or when a failover loses what had been acknowledged; what was granted beyond the initial value is oversold.
 * Hot path: typed arrays; only keys that were touched take memory. A change takes effect at once and counts once it is final
 * (`confirm`): outside of a transaction immediately, else with its commit, or never (`revert`).
 *
 * - `row-lock`, `lua`: check and change are one (`take`); the row lock around it is in `locks.ts`.
 * - `version`: read, and change only if nobody has meanwhile (`read`, `takeUnchanged`).
 * - `none`: read, then overwrite with what was read less the amount (`read`, `overwrite`): the other's change is lost.
 */
import { KeyIndex, keyIn } from './key-index.js'
import { grown, Rows } from './rows.js'

export const taken = 0
export const soldOut = 1
export const conflict = 2
export type Taken = typeof taken | typeof soldOut | typeof conflict

export interface CounterStatistics {
  /** Changes that became final. */
  reserved: number
  released: number
  /** Refused because too little was left. */
  soldOut: number
  /** Refused because another had changed the counter since it was read. */
  conflicts: number
  /** Pieces granted beyond the initial value, at their most, summed over the keys; on how many keys; most on one key. */
  oversold: number
  oversoldKeys: number
  worstOversold: number
  /** The least that the store ever held of a key. */
  lowest: number
}

const initialRows = 16

export class Counters {
  private readonly initial: number[] = []
  private readonly statistics: CounterStatistics[] = []
  private readonly index = new KeyIndex()
  /**
   * Four numbers per key, in one line of the processor's cache: the value; how often it was changed; what was granted to requests and not
   * released; the most that this ever was beyond the initial value.
   */
  private cells = new Float64Array(4 * initialRows)
  private readonly rows = new Rows(initialRows, (length) => {
    this.cells = grown(this.cells, 4 * length)
  })
  // What each reader (a small integer) has seen.
  private seenValue = new Float64Array(initialRows)
  private seenVersion = new Int32Array(initialRows)

  /** A counter that every key of its data set has, at first with this value. */
  counter(initial: number): number {
    this.initial.push(initial)
    this.statistics.push({
      reserved: 0,
      released: 0,
      soldOut: 0,
      conflicts: 0,
      oversold: 0,
      oversoldKeys: 0,
      worstOversold: 0,
      lowest: initial,
    })
    return this.initial.length - 1
  }

  of(counter: number): Readonly<CounterStatistics> {
    return this.statistics[counter] as CounterStatistics
  }

  valueOf(counter: number, key: number): number {
    const row = this.index.get(keyIn(counter, key))
    return row < 0 ? (this.initial[counter] as number) : (this.cells[4 * row] as number)
  }

  /** Keeps what `reader` sees of the counter, for `takeUnchanged`, `giveUnchanged` and `overwrite`. */
  read(counter: number, key: number, reader: number): void {
    if (reader >= this.seenValue.length) {
      const length = Math.max(this.seenValue.length * 2, reader + 1)
      this.seenValue = grown(this.seenValue, length)
      this.seenVersion = grown(this.seenVersion, length)
    }
    const row = this.index.get(keyIn(counter, key))
    this.seenValue[reader] = row < 0 ? (this.initial[counter] as number) : (this.cells[4 * row] as number)
    this.seenVersion[reader] = row < 0 ? 0 : (this.cells[4 * row + 1] as number)
  }

  take(counter: number, key: number, amount: number): Taken {
    const row = this.rowOf(counter, key)
    const value = this.cells[4 * row] as number
    if (value < amount) return this.refuse(counter)
    this.change(counter, row, value - amount)
    return taken
  }

  takeUnchanged(counter: number, key: number, amount: number, reader: number): Taken {
    const row = this.rowOf(counter, key)
    if ((this.seenValue[reader] as number) < amount) return this.refuse(counter)
    if (this.cells[4 * row + 1] !== this.seenVersion[reader]) return this.disagree(counter)
    this.change(counter, row, (this.cells[4 * row] as number) - amount)
    return taken
  }

  /** Writes what was read, changed by the amount: the changes of others since then are lost. A negative amount gives. */
  overwrite(counter: number, key: number, amount: number, reader: number): Taken {
    const seen = this.seenValue[reader] as number
    if (amount > 0 && seen < amount) return this.refuse(counter)
    this.change(counter, this.rowOf(counter, key), seen - amount)
    return taken
  }

  give(counter: number, key: number, amount: number): void {
    const row = this.rowOf(counter, key)
    this.change(counter, row, (this.cells[4 * row] as number) + amount)
  }

  giveUnchanged(counter: number, key: number, amount: number, reader: number): Taken {
    const row = this.rowOf(counter, key)
    if (this.cells[4 * row + 1] !== this.seenVersion[reader]) return this.disagree(counter)
    this.change(counter, row, (this.cells[4 * row] as number) + amount)
    return taken
  }

  /** A change of this amount (negative: given back) is final: it was granted, whatever becomes of the store. */
  confirm(counter: number, key: number, amount: number): void {
    const row = this.rowOf(counter, key)
    const statistics = this.statistics[counter] as CounterStatistics
    if (amount > 0) statistics.reserved += 1
    else statistics.released += 1
    const granted = (this.cells[4 * row + 2] as number) + amount
    this.cells[4 * row + 2] = granted
    const excess = granted - (this.initial[counter] as number)
    const worst = this.cells[4 * row + 3] as number
    if (excess <= worst) return
    this.cells[4 * row + 3] = excess
    statistics.oversold += excess - worst
    if (worst === 0) statistics.oversoldKeys += 1
    if (excess > statistics.worstOversold) statistics.worstOversold = excess
  }

  /**
   * The store goes back behind a change of this amount: a transaction ends without it, or a failover loses what had been
   * acknowledged (then what was granted stays granted, and is sold again).
   */
  revert(counter: number, key: number, amount: number): void {
    const row = this.rowOf(counter, key)
    this.cells[4 * row] = (this.cells[4 * row] as number) + amount
    this.cells[4 * row + 1] = ((this.cells[4 * row + 1] as number) + 1) | 0
  }

  /** The store has lost this counter of all keys that `lost` names, and is filled anew. */
  forget(counter: number, lost: (key: number) => boolean): void {
    const first = keyIn(counter, 0)
    this.index.forEach((name, row) => {
      if (name < first || name >= keyIn(counter + 1, 0) || !lost(name - first)) return
      this.cells[4 * row] = this.initial[counter] as number
      this.cells[4 * row + 1] = ((this.cells[4 * row + 1] as number) + 1) | 0
    })
  }

  private rowOf(counter: number, key: number): number {
    const name = keyIn(counter, key)
    let row = this.index.get(name)
    if (row >= 0) return row
    row = this.rows.take()
    this.index.add(name, row)
    this.cells[4 * row] = this.initial[counter] as number
    return row
  }

  private change(counter: number, row: number, value: number): void {
    this.cells[4 * row] = value
    this.cells[4 * row + 1] = ((this.cells[4 * row + 1] as number) + 1) | 0
    const statistics = this.statistics[counter] as CounterStatistics
    if (value < statistics.lowest) statistics.lowest = value
  }

  private refuse(counter: number): Taken {
    ;(this.statistics[counter] as CounterStatistics).soldOut += 1
    return soldOut
  }

  private disagree(counter: number): Taken {
    ;(this.statistics[counter] as CounterStatistics).conflicts += 1
    return conflict
  }
}

/**
 * What one process remembers of the earlier successes of one step, to answer from when the real thing fails. Least recently
 * stored goes first; as large as the workload service's own. Hot path: stored into with every success, so rows of typed arrays
 * in a list by age instead of a map that is deleted from and added to.
 */
import { KeyIndex } from '../state/key-index.js'
import { grown } from '../state/rows.js'

const none = -1

export class StaleMemory {
  private readonly rows = new KeyIndex()
  private keys = new Int32Array(16)
  private storedAt = new Float64Array(16)
  /** The list by age: the rows stored next after, and next before. */
  private newer = new Int32Array(16)
  private older = new Int32Array(16)
  private newest = none
  private oldest = none

  /** By key, where there is room for all keys that there are: then nothing is ever forgotten, and no list need be kept. */
  private readonly all: Float64Array | undefined

  constructor(
    private readonly capacity = 100_000,
    /** Keys are below this. */
    keys = Number.POSITIVE_INFINITY,
  ) {
    this.all = keys <= capacity ? new Float64Array(keys).fill(Number.NaN) : undefined
  }

  remember(key: number, now: number): void {
    if (this.all !== undefined) {
      this.all[key] = now
      return
    }
    const known = this.rows.get(key)
    const row = known === none ? this.rowFor(key) : known
    this.storedAt[row] = now
    if (row === this.newest) return
    if (known !== none) this.unlink(row)
    this.append(row)
  }

  /** `staleForSeconds` undefined: of any age. */
  has(key: number, now: number, staleForSeconds: number | undefined): boolean {
    if (this.all !== undefined) {
      const at = this.all[key] as number
      return at <= now && (staleForSeconds === undefined || now - at <= staleForSeconds)
    }
    const row = this.rows.get(key)
    if (row === none) return false
    return staleForSeconds === undefined || now - (this.storedAt[row] as number) <= staleForSeconds
  }

  /** A new row, or that of the oldest; in no list. */
  private rowFor(key: number): number {
    let row = this.rows.size
    if (row === this.capacity) {
      row = this.oldest
      this.rows.delete(this.keys[row] as number)
      this.unlink(row)
    } else if (row === this.keys.length) this.grow()
    this.rows.add(key, row)
    this.keys[row] = key
    return row
  }

  private append(row: number): void {
    const { newest } = this
    this.older[row] = newest
    this.newer[row] = none
    if (newest === none) this.oldest = row
    else this.newer[newest] = row
    this.newest = row
  }

  private unlink(row: number): void {
    const before = this.older[row] as number
    const after = this.newer[row] as number
    if (before === none) this.oldest = after
    else this.newer[before] = after
    if (after === none) this.newest = before
    else this.older[after] = before
  }

  private grow(): void {
    const length = 2 * this.keys.length
    this.keys = grown(this.keys, length)
    this.storedAt = grown(this.storedAt, length)
    this.newer = grown(this.newer, length)
    this.older = grown(this.older, length)
  }
}

/** Growing typed arrays: the columns of tables whose rows are integer handles (hot path). */

export const initialRows = 64

/**
 * A few numbers that the engine keeps at one address: V8 writes it into the machine code. It does so only with arrays outside of its own
 * heap, which those of up to 64 bytes are if they have a buffer of their own.
 */
export const intCells = (length: number): Int32Array<ArrayBuffer> => new Int32Array(new ArrayBuffer(128), 0, length)

/** As `intCells`, of doubles. */
export const floatCells = (length: number): Float64Array<ArrayBuffer> =>
  new Float64Array(new ArrayBuffer(128), 0, length)

/** A table whose columns have room for so many rows at the start; a base class, because fields are initialized before parameters. */
export class Table {
  constructor(protected readonly rows: number) {}
}

export const grownInts = (old: Int32Array, length: number): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(length)
  larger.set(old)
  return larger
}

export const grownFloats = (old: Float64Array, length: number): Float64Array<ArrayBuffer> => {
  const larger = new Float64Array(length)
  larger.set(old)
  return larger
}

/** A stack of integers that grows: free handles, ready tasks. */
export class IntStack {
  private items = new Int32Array(initialRows)
  size = 0

  push(item: number): void {
    if (this.size === this.items.length) this.items = grownInts(this.items, this.size * 2)
    this.items[this.size] = item
    this.size += 1
  }

  /** Only when `size` > 0. */
  pop(): number {
    this.size -= 1
    return this.items[this.size] as number
  }
}

/** Where things wait their turn: pairs of an item and the stamp by which it can be found stale. */
export interface Line {
  readonly size: number
  /** Of the item shifted last. */
  readonly stamp: number
  push(item: number, stamp: number): void
  /** Only when `size` > 0; its stamp is then in `stamp`. */
  shift(): number
  clear(): void
}

/** First in, first out, in a ring that grows: pairs of an item and the stamp by which it can be found stale. */
export class IntRing implements Line {
  private items = new Int32Array(8)
  private stamps = new Int32Array(8)
  private head = 0
  size = 0
  /** Of the item shifted last. */
  stamp = 0

  push(item: number, stamp: number): void {
    if (this.size === this.items.length) this.grow()
    const tail = (this.head + this.size) & (this.items.length - 1)
    this.items[tail] = item
    this.stamps[tail] = stamp
    this.size += 1
  }

  /** Ahead of all others. */
  unshift(item: number, stamp: number): void {
    if (this.size === this.items.length) this.grow()
    this.head = (this.head - 1) & (this.items.length - 1)
    this.items[this.head] = item
    this.stamps[this.head] = stamp
    this.size += 1
  }

  /** The item that is shifted next; only when `size` > 0. */
  first(): number {
    return this.items[this.head] as number
  }

  /** Only when `size` > 0; its stamp is then in `stamp`. */
  shift(): number {
    const { head } = this
    this.head = (head + 1) & (this.items.length - 1)
    this.size -= 1
    this.stamp = this.stamps[head] as number
    return this.items[head] as number
  }

  clear(): void {
    this.head = 0
    this.size = 0
  }

  private grow(): void {
    const { length } = this.items
    const items = new Int32Array(length * 2)
    const stamps = new Int32Array(length * 2)
    for (let i = 0; i < this.size; i++) {
      const from = (this.head + i) & (length - 1)
      items[i] = this.items[from] as number
      stamps[i] = this.stamps[from] as number
    }
    this.items = items
    this.stamps = stamps
    this.head = 0
  }
}

/**
 * From a number (a key of a data set, made unique by where it is kept) to a row of somebody's columns. Open addressing with
 * linear probing; deletion shifts back, so that there are no tombstones and memory is bounded by what is stored (hot path).
 */
const free = -1

/** One number for a key (below 2²⁴: a data set has at most 10 million) in one of many spaces. */
export const keyIn = (space: number, key: number): number => space * 16_777_216 + key

export class KeyIndex {
  private keys = new Float64Array(16).fill(free)
  private rows = new Int32Array(16)
  size = 0

  /** The row of a key, a whole number ≥ 0; −1: it has none. */
  get(key: number): number {
    const { keys } = this
    const mask = keys.length - 1
    for (let place = slotOf(key) & mask; ; place = (place + 1) & mask) {
      const found = keys[place] as number
      if (found === key) return this.rows[place] as number
      if (found === free) return -1
    }
  }

  /** The key has no row yet. */
  add(key: number, row: number): void {
    if (2 * (this.size + 1) > this.keys.length) this.grow()
    this.put(key, row)
    this.size += 1
  }

  /** Adds the key, or gives it another row. */
  set(key: number, row: number): void {
    const { keys } = this
    const mask = keys.length - 1
    let place = slotOf(key) & mask
    while (keys[place] !== free && keys[place] !== key) place = (place + 1) & mask
    if (keys[place] === key) this.rows[place] = row
    else this.add(key, row)
  }

  delete(key: number): void {
    const { keys, rows } = this
    const mask = keys.length - 1
    let gap = slotOf(key) & mask
    while (keys[gap] !== key) {
      if (keys[gap] === free) return
      gap = (gap + 1) & mask
    }
    this.size -= 1
    // What comes after may stand where it is only because of what is taken out.
    for (let place = (gap + 1) & mask; keys[place] !== free; place = (place + 1) & mask) {
      const home = slotOf(keys[place] as number) & mask
      if (((place - home) & mask) < ((place - gap) & mask)) continue
      keys[gap] = keys[place] as number
      rows[gap] = rows[place] as number
      gap = place
    }
    keys[gap] = free
  }

  forEach(visit: (key: number, row: number) => void): void {
    for (let place = 0; place < this.keys.length; place++) {
      const key = this.keys[place] as number
      if (key !== free) visit(key, this.rows[place] as number)
    }
  }

  private put(key: number, row: number): void {
    const { keys } = this
    const mask = keys.length - 1
    let place = slotOf(key) & mask
    while (keys[place] !== free) place = (place + 1) & mask
    keys[place] = key
    this.rows[place] = row
  }

  private grow(): void {
    const { keys, rows } = this
    this.keys = new Float64Array(keys.length * 2).fill(free)
    this.rows = new Int32Array(keys.length * 2)
    for (let place = 0; place < keys.length; place++) {
      const key = keys[place] as number
      if (key !== free) this.put(key, rows[place] as number)
    }
  }
}

/** The finalizer of MurmurHash3 over both halves of the number. */
const slotOf = (key: number): number => {
  const high = Math.floor(key / 4_294_967_296)
  let hash = (key - high * 4_294_967_296) ^ Math.imul(high, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

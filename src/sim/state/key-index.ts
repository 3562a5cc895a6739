/**
 * From a number (a key of a data set, made unique by where it is kept) to a row of somebody's columns. Open addressing with
 * linear probing; deletion shifts back, so that there are no tombstones and memory is bounded by what is stored (hot path).
 */
const free = -1

/** One number for a key (below 2²⁴: a data set has at most 10 million) in one of many spaces. */
export const keyIn = (space: number, key: number): number => space * 16_777_216 + key

export class KeyIndex {
  /** Of each place: its key, and beside it the row, so that both are in one line of the processor's cache. */
  private places = emptyPlaces(16)
  size = 0

  /** The row of a key, a whole number ≥ 0; −1: it has none. */
  get(key: number): number {
    const { places } = this
    const last = places.length - 2
    for (let place = (slotOf(key) << 1) & last; ; place = (place + 2) & last) {
      const found = places[place] as number
      if (found === key) return places[place + 1] as number
      if (found === free) return -1
    }
  }

  /** The key has no row yet. */
  add(key: number, row: number): void {
    if (4 * (this.size + 1) > this.places.length) this.grow()
    this.put(key, row)
    this.size += 1
  }

  /** Adds the key, or gives it another row. */
  set(key: number, row: number): void {
    const { places } = this
    const last = places.length - 2
    let place = (slotOf(key) << 1) & last
    while (places[place] !== free && places[place] !== key) place = (place + 2) & last
    if (places[place] === key) places[place + 1] = row
    else this.add(key, row)
  }

  delete(key: number): void {
    const { places } = this
    const last = places.length - 2
    let gap = (slotOf(key) << 1) & last
    while (places[gap] !== key) {
      if (places[gap] === free) return
      gap = (gap + 2) & last
    }
    this.size -= 1
    // What comes after may stand where it is only because of what is taken out.
    for (let place = (gap + 2) & last; places[place] !== free; place = (place + 2) & last) {
      const home = (slotOf(places[place] as number) << 1) & last
      if (((place - home) & last) < ((place - gap) & last)) continue
      places[gap] = places[place] as number
      places[gap + 1] = places[place + 1] as number
      gap = place
    }
    places[gap] = free
  }

  forEach(visit: (key: number, row: number) => void): void {
    const { places } = this
    for (let place = 0; place < places.length; place += 2) {
      const key = places[place] as number
      if (key !== free) visit(key, places[place + 1] as number)
    }
  }

  private put(key: number, row: number): void {
    const { places } = this
    const last = places.length - 2
    let place = (slotOf(key) << 1) & last
    while (places[place] !== free) place = (place + 2) & last
    places[place] = key
    places[place + 1] = row
  }

  private grow(): void {
    const { places } = this
    this.places = emptyPlaces(places.length)
    for (let place = 0; place < places.length; place += 2) {
      const key = places[place] as number
      if (key !== free) this.put(key, places[place + 1] as number)
    }
  }
}

/** A power of two. */
const emptyPlaces = (count: number): Float64Array => new Float64Array(2 * count).fill(free)

/** The finalizer of MurmurHash3 over both halves of the number. */
const slotOf = (key: number): number => {
  const high = Math.floor(key / 4_294_967_296)
  let hash = (key - high * 4_294_967_296) ^ Math.imul(high, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

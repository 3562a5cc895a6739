/**
 * Delays that are pending, up to millions: a priority queue of (time, payload, stamp), earliest first, ties in the order in
 * which they were pushed. Hot path: typed arrays, no allocation but growth, doubles handed on in cells of typed arrays.
 *
 * A ladder queue (W. T. Tang, R. S. M. Goh, I. L.-J. Thng, ACM TOMACS 15(3), 2005) whose bottom is a heap. What is due soon
 * is in a small binary heap (`near`). The rest lies unsorted in buckets of equal width (a `Rung`); only when a bucket's
 * turn comes is it sorted: into the heap when it is small, else into the buckets of a finer rung. What is later than all
 * rungs is one unsorted list (`far`), from which the first rung is made anew when all before it is done. So each entry is
 * copied a few times in a row of memory, instead of sifted through a heap that does not fit into the processor's cache.
 * The choice, with numbers: docs/adr/0070-pending-delays.md.
 *
 * Order is exact: the bucket of a time is a non-decreasing function of it, and lists keep the order of insertion.
 */

/** A bucket with no more than this goes into the heap. */
const loadAtMost = 64
/** A heap that has grown beyond this becomes a rung. */
const spawnAbove = 256
/** Entries that a bucket of a new rung should hold. */
const perBucket = 16
const maxBuckets = 1024
/** Finer rungs than this are not made: times that close together are sorted by the heap. */
const maxRungs = 8

/** Entries of a chunk; a power of two. Lists are chains of chunks. */
const chunkEntries = 16
const lastOfChunk = chunkEntries - 1
/** Of one list in `lists`: its first chunk, the place of its next entry, how many it has. */
const listFields = 3

class Rung {
  /** Of its buckets. */
  readonly lists = new Int32Array(maxBuckets * listFields)
  /** [0]: the time at which its first bucket begins; [1]: buckets per second. */
  readonly scale = new Float64Array(2)
  buckets = 0
  /** Buckets before this one are done. */
  current = 0
}

export class LadderQueue {
  /** Entries pending. */
  size = 0
  /** Of the entry that `pop` took. */
  payload = 0
  stamp = 0
  /** [0]: time of the entry that `pop` took; [1]: of the one that is pushed; [2]: rungs and heap reach to here. */
  private readonly cells = new Float64Array([Number.NaN, 0, Number.NEGATIVE_INFINITY])

  // The heap: times (infinite beyond its end) and slots in heap order; what a slot holds. Slots beyond the end are free.
  private nearTimes = new Float64Array(2 * spawnAbove + 2).fill(Number.POSITIVE_INFINITY)
  private nearSlots = Int32Array.from({ length: 2 * spawnAbove + 2 }, (_, i) => i)
  private slotSequence = new Float64Array(2 * spawnAbove + 2)
  private slotPayload = new Int32Array(2 * spawnAbove + 2)
  private slotStamp = new Int32Array(2 * spawnAbove + 2)
  private near = 0
  private nearLimit = spawnAbove
  /** Counts what has entered the heap: orders ties. */
  private sequence = 0

  private readonly rungs: Rung[] = [new Rung()]
  private depth = 0
  private readonly far = new Int32Array(listFields)

  // Entries of 16 bytes (time, payload, stamp) in chunks, seen as doubles and as integers.
  private doubles = new Float64Array(0)
  private integers = new Int32Array(0)
  /** The chunk after each, −1: none. Free chunks are chained, too. */
  private nextChunk = new Int32Array(0)
  private freeChunk = -1

  constructor() {
    this.growChunks(16)
    this.clearList(this.far, 0)
  }

  /** Time of the earliest entry; infinite when there is none. */
  peekTime(): number {
    return this.nearTimes[0] as number
  }

  /** Time of the entry that `pop` took. */
  get time(): number {
    return this.cells[0] as number
  }

  /** Memory that its arrays take; grows only when more is pending than ever before. */
  get capacityBytes(): number {
    const heap = this.nearTimes.length * 28
    return heap + this.integers.byteLength + this.nextChunk.byteLength + this.rungs.length * maxBuckets * listFields * 4
  }

  /** `time` must be finite; both integers have 32 bits. */
  push(payload: number, stamp: number, time: number): void {
    this.cells[1] = time
    this.insert(payload, stamp)
  }

  /** Takes the earliest entry into `payload`, `stamp` and `time`. The queue must not be empty. */
  pop(): void {
    const slot = this.nearSlots[0] as number
    this.cells[0] = this.nearTimes[0] as number
    this.payload = this.slotPayload[slot] as number
    this.stamp = this.slotStamp[slot] as number
    this.size -= 1
    this.removeFirst()
    if (this.near === 0 && this.size > 0) this.refill()
  }

  /** Forgets all entries. */
  clear(): void {
    for (let depth = 0; depth < this.depth; depth++) {
      const rung = this.rungs[depth] as Rung
      for (let bucket = rung.current; bucket < rung.buckets; bucket++) this.freeList(rung.lists, bucket * listFields)
    }
    this.freeList(this.far, 0)
    this.depth = 0
    this.nearTimes.fill(Number.POSITIVE_INFINITY, 0, this.near)
    this.near = 0
    this.nearLimit = spawnAbove
    this.cells[2] = Number.NEGATIVE_INFINITY
    this.size = 0
  }

  /** Files the entry whose time is in the cell. */
  private insert(payload: number, stamp: number): void {
    const { cells } = this
    const time = cells[1] as number
    this.size += 1
    if (time > (cells[2] as number)) {
      // Few entries are a heap and nothing else.
      if (this.near >= loadAtMost || this.depth > 0 || (this.far[2] as number) > 0) {
        this.append(this.far, 0, payload, stamp)
        return
      }
      cells[2] = time
    } else {
      for (let depth = 0; depth < this.depth; depth++) {
        const rung = this.rungs[depth] as Rung
        const place = (time - (rung.scale[0] as number)) * (rung.scale[1] as number)
        const { buckets, current } = rung
        // Compared as doubles: a place far outside of the rung is not a 32-bit integer.
        if (place >= current && current < buckets) {
          const bucket = place < buckets ? place | 0 : buckets - 1
          this.append(rung.lists, bucket * listFields, payload, stamp)
          return
        }
      }
    }
    this.rise(payload, stamp)
    if (this.near > this.nearLimit) this.spawnFromNear()
  }

  // ——— the heap ———

  /** Puts the entry whose time is in the cell into the heap. */
  private rise(payload: number, stamp: number): void {
    let place = this.near
    if (place + 3 >= this.nearTimes.length) this.growNear()
    const { nearTimes, nearSlots } = this
    const time = this.cells[1] as number
    const slot = nearSlots[place] as number
    this.slotPayload[slot] = payload
    this.slotStamp[slot] = stamp
    this.slotSequence[slot] = this.sequence++
    this.near = place + 1
    // It is the latest of its time, so that only later times give way.
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = nearTimes[above] as number
      if (other <= time) break
      nearTimes[place] = other
      nearSlots[place] = nearSlots[above] as number
      place = above
    }
    nearTimes[place] = time
    nearSlots[place] = slot
  }

  /** Takes the first out of the heap: a hole sinks to the bottom, the last entry rises from there. */
  private removeFirst(): void {
    const { nearTimes, nearSlots, slotSequence } = this
    const freed = nearSlots[0] as number
    const last = this.near - 1
    this.near = last
    const time = nearTimes[last] as number
    const slot = nearSlots[last] as number
    nearTimes[last] = Number.POSITIVE_INFINITY
    let place = 0
    for (let right = 2; right <= last; right = 2 * place + 2) {
      const leftTime = nearTimes[right - 1] as number
      const rightTime = nearTimes[right] as number
      let below = right - (leftTime < rightTime ? 1 : 0)
      if (
        leftTime === rightTime &&
        (slotSequence[nearSlots[right - 1] as number] as number) < (slotSequence[nearSlots[right] as number] as number)
      )
        below = right - 1
      nearTimes[place] = nearTimes[below] as number
      nearSlots[place] = nearSlots[below] as number
      place = below
    }
    const sequence = slotSequence[slot] as number
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = nearTimes[above] as number
      if (other < time || (other === time && (slotSequence[nearSlots[above] as number] as number) < sequence)) break
      nearTimes[place] = other
      nearSlots[place] = nearSlots[above] as number
      place = above
    }
    nearTimes[place] = time
    nearSlots[place] = slot
    nearSlots[last] = freed
    if (last === 0) nearTimes[0] = Number.POSITIVE_INFINITY
  }

  private growNear(): void {
    const old = this.nearTimes.length
    const length = 2 * old
    const grown = <T extends Float64Array | Int32Array>(array: T, larger: T): T => {
      larger.set(array)
      return larger
    }
    this.nearTimes = grown(this.nearTimes, new Float64Array(length)).fill(Number.POSITIVE_INFINITY, old)
    this.nearSlots = grown(this.nearSlots, new Int32Array(length))
    for (let i = old; i < length; i++) this.nearSlots[i] = i
    this.slotSequence = grown(this.slotSequence, new Float64Array(length))
    this.slotPayload = grown(this.slotPayload, new Int32Array(length))
    this.slotStamp = grown(this.slotStamp, new Int32Array(length))
  }

  // ——— the ladder ———

  /** Fills the empty heap with what is due next. Something must be pending. */
  private refill(): void {
    this.nearLimit = spawnAbove
    this.sequence = 0
    while (this.near === 0) {
      if (this.depth === 0) {
        this.descend(this.far, 0, true)
        continue
      }
      const rung = this.rungs[this.depth - 1] as Rung
      const { lists, buckets } = rung
      let bucket = rung.current
      while (bucket < buckets && (lists[bucket * listFields + 2] as number) === 0) bucket += 1
      if (bucket === buckets) {
        this.depth -= 1
        continue
      }
      rung.current = bucket + 1
      this.descend(lists, bucket * listFields, false)
    }
  }

  /** Moves a list into the heap or, when it is long, into a new rung. */
  private descend(lists: Int32Array, list: number, isFar: boolean): void {
    const { doubles } = this
    const count = lists[list + 2] as number
    if (count > loadAtMost || isFar) {
      let least = Number.POSITIVE_INFINITY
      let most = Number.NEGATIVE_INFINITY
      let chunk = lists[list] as number
      for (let left = count; left > 0; left -= chunkEntries) {
        const first = chunk * chunkEntries
        const end = first + Math.min(left, chunkEntries)
        for (let entry = first; entry < end; entry++) {
          const time = doubles[2 * entry] as number
          if (time < least) least = time
          if (time > most) most = time
        }
        chunk = this.nextChunk[chunk] as number
      }
      if (isFar) this.cells[2] = most
      if (count > loadAtMost) {
        const rung = this.newRung(count, least, most)
        if (rung !== undefined) {
          this.distribute(lists, list, rung)
          return
        }
      }
    }
    this.load(lists, list)
  }

  /** A rung for so many entries in this range, above which the heap is empty; undefined: it cannot be divided further. */
  private newRung(count: number, least: number, most: number): Rung | undefined {
    const buckets = Math.min(maxBuckets, Math.ceil(count / perBucket))
    const perSecond = buckets / (most - least)
    // A range too narrow or too wide for a double's arithmetic, or only one time.
    if (!(perSecond > 0 && perSecond < 1e300) || this.depth >= maxRungs) return undefined
    let rung = this.rungs[this.depth]
    if (rung === undefined) {
      rung = new Rung()
      this.rungs.push(rung)
    }
    this.depth += 1
    rung.scale[0] = least
    rung.scale[1] = perSecond
    rung.buckets = buckets
    rung.current = 0
    for (let bucket = 0; bucket < buckets; bucket++) this.clearList(rung.lists, bucket * listFields)
    return rung
  }

  private distribute(lists: Int32Array, list: number, rung: Rung): void {
    const { cells } = this
    const { scale } = rung
    const start = scale[0] as number
    const perSecond = scale[1] as number
    const last = rung.buckets - 1
    let chunk = lists[list] as number
    let left = lists[list + 2] as number
    this.clearList(lists, list)
    while (left > 0) {
      const first = chunk * chunkEntries
      const end = first + Math.min(left, chunkEntries)
      for (let entry = first; entry < end; entry++) {
        const time = this.doubles[2 * entry] as number
        const place = (time - start) * perSecond
        cells[1] = time
        this.append(
          rung.lists,
          (place < last ? place | 0 : last) * listFields,
          this.integers[4 * entry + 2] as number,
          this.integers[4 * entry + 3] as number,
        )
      }
      left -= chunkEntries
      chunk = this.release(chunk)
    }
  }

  private load(lists: Int32Array, list: number): void {
    const { cells } = this
    let chunk = lists[list] as number
    let left = lists[list + 2] as number
    this.clearList(lists, list)
    while (left > 0) {
      const first = chunk * chunkEntries
      const end = first + Math.min(left, chunkEntries)
      for (let entry = first; entry < end; entry++) {
        cells[1] = this.doubles[2 * entry] as number
        this.rise(this.integers[4 * entry + 2] as number, this.integers[4 * entry + 3] as number)
      }
      left -= chunkEntries
      chunk = this.release(chunk)
    }
  }

  /** A heap that has grown too large becomes the finest rung. */
  private spawnFromNear(): void {
    const { cells, nearTimes } = this
    const count = this.near
    let most = Number.NEGATIVE_INFINITY
    for (let i = 0; i < count; i++) most = Math.max(most, nearTimes[i] as number)
    const rung = this.newRung(count, nearTimes[0] as number, most)
    if (rung === undefined) {
      this.nearLimit = 2 * count
      return
    }
    const last = rung.buckets - 1
    // In order of time and insertion, so that lists keep it.
    for (let i = 0; i < count; i++) {
      const slot = this.nearSlots[0] as number
      const time = this.nearTimes[0] as number
      const place = (time - (rung.scale[0] as number)) * (rung.scale[1] as number)
      cells[1] = time
      const bucket = place < last ? place | 0 : last
      this.append(rung.lists, bucket * listFields, this.slotPayload[slot] as number, this.slotStamp[slot] as number)
      this.removeFirst()
    }
    this.refill()
  }

  // ——— lists of chunks ———

  private clearList(lists: Int32Array, list: number): void {
    lists[list] = -1
    lists[list + 1] = 0
    lists[list + 2] = 0
  }

  /** Appends the entry whose time is in the cell. */
  private append(lists: Int32Array, list: number, payload: number, stamp: number): void {
    let entry = lists[list + 1] as number
    // The place after a full chunk is the first of another one, as is that of an empty list.
    if ((entry & lastOfChunk) === 0) entry = this.newChunk(lists, list)
    this.doubles[2 * entry] = this.cells[1] as number
    this.integers[4 * entry + 2] = payload
    this.integers[4 * entry + 3] = stamp
    lists[list + 1] = entry + 1
    lists[list + 2] = (lists[list + 2] as number) + 1
  }

  /** Chains a chunk to a list whose last one is full; returns the place of its first entry. */
  private newChunk(lists: Int32Array, list: number): number {
    if (this.freeChunk < 0) this.growChunks(2 * this.nextChunk.length)
    const chunk = this.freeChunk
    this.freeChunk = this.nextChunk[chunk] as number
    this.nextChunk[chunk] = -1
    if ((lists[list + 2] as number) === 0) lists[list] = chunk
    else this.nextChunk[(((lists[list + 1] as number) - 1) / chunkEntries) | 0] = chunk
    return chunk * chunkEntries
  }

  /** Frees a chunk; returns the one after it. */
  private release(chunk: number): number {
    const next = this.nextChunk[chunk] as number
    this.nextChunk[chunk] = this.freeChunk
    this.freeChunk = chunk
    return next
  }

  private freeList(lists: Int32Array, list: number): void {
    for (let chunk = lists[list] as number; chunk >= 0; ) chunk = this.release(chunk)
    this.clearList(lists, list)
  }

  private growChunks(length: number): void {
    const old = this.nextChunk.length
    const buffer = new ArrayBuffer(length * chunkEntries * 16)
    const doubles = new Float64Array(buffer)
    const integers = new Int32Array(buffer)
    integers.set(this.integers)
    const nextChunk = new Int32Array(length)
    nextChunk.set(this.nextChunk)
    for (let chunk = old; chunk < length; chunk++) nextChunk[chunk] = chunk + 1 < length ? chunk + 1 : this.freeChunk
    this.freeChunk = old
    this.doubles = doubles
    this.integers = integers
    this.nextChunk = nextChunk
  }
}

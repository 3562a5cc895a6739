/**
 * The clock, and an indexed binary heap of permanent event sources (hot path: typed arrays). A source is added once and then
 * only moved, so that scheduling never allocates and never leaves stale entries behind.
 */
export interface Source {
  /** Its time has come: `now` is the time it was scheduled at. It must schedule itself again, or stay idle. */
  fire(): void
}

export const never = Number.POSITIVE_INFINITY

const grown = <T extends Int32Array | Float64Array>(old: T, make: (length: number) => T): T => {
  const larger = make(Math.max(16, old.length * 2))
  larger.set(old)
  return larger
}

export class EventQueue {
  /** Seconds since the start of the run. */
  now = 0
  private readonly sources: Source[] = []
  private times = new Float64Array(16)
  /** Source ids in heap order, and where each source stands in it. */
  private heap = new Int32Array(16)
  private places = new Int32Array(16)

  /** Returns the source's id; it is idle until scheduled. */
  add(source: Source): number {
    const id = this.sources.length
    this.sources.push(source)
    if (id >= this.times.length) {
      this.times = grown(this.times, (length) => new Float64Array(length))
      this.heap = grown(this.heap, (length) => new Int32Array(length))
      this.places = grown(this.places, (length) => new Int32Array(length))
    }
    this.times[id] = never
    this.heap[id] = id
    this.places[id] = id
    return id
  }

  /** Moves the source to `time` (`never`: idle). A time in the past means now. */
  schedule(id: number, time: number): void {
    const due = Math.max(time, this.now)
    const old = this.times[id] as number
    if (due === old) return
    this.times[id] = due
    if (due < old) this.rise(this.places[id] as number)
    else this.sink(this.places[id] as number)
  }

  scheduledAt(id: number): number {
    return this.times[id] as number
  }

  /** Time of the next event; `never`: nothing is going to happen. */
  get nextAt(): number {
    return this.sources.length === 0 ? never : (this.times[this.heap[0] as number] as number)
  }

  /** Advances the clock to the next event and fires its source. */
  step(): void {
    const id = this.heap[0] as number
    this.now = this.times[id] as number
    this.times[id] = never
    this.sink(0)
    ;(this.sources[id] as Source).fire()
  }

  private rise(from: number): void {
    const { heap, places, times } = this
    const id = heap[from] as number
    const time = times[id] as number
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above] as number
      if ((times[other] as number) <= time) break
      heap[place] = other
      places[other] = place
      place = above
    }
    heap[place] = id
    places[id] = place
  }

  private sink(from: number): void {
    const { heap, places, times } = this
    const size = this.sources.length
    const id = heap[from] as number
    const time = times[id] as number
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      const right = below + 1
      if (right < size && (times[heap[right] as number] as number) < (times[heap[below] as number] as number))
        below = right
      const other = heap[below] as number
      if ((times[other] as number) >= time) break
      heap[place] = other
      places[other] = place
      place = below
    }
    heap[place] = id
    places[id] = place
  }
}

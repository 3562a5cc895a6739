/**
 * The clock, and an indexed binary heap of permanent event sources (hot path: typed arrays). A source is added once and then
 * only moved, so that scheduling never allocates and never leaves stale entries behind. Of sources due at the same time the
 * one that stands first in the heap goes first: always the same one for the same run.
 */
import { floatCells, grownFloats, grownInts, initialRows } from './columns.js'

export interface Source {
  /** Its time has come: `now` is the time it was scheduled at. It must schedule itself anew (`never`: idle). */
  fire(): void
}

export const never = Number.POSITIVE_INFINITY

export class EventQueue {
  /** Seconds since the start of the run. */
  now = 0
  /** `now` once more, at one address. */
  readonly clock = floatCells(1)
  readonly sources: Source[] = []
  /** What the loop does when a source is due (`sourceKinds`); 0: it fires. */
  kinds = new Int32Array(initialRows)
  /** Which one of its kind a source is. */
  rows = new Int32Array(initialRows)
  /** In heap order: when each is due, and which it is. One infinite time stands after the last, for a missing child. */
  times = new Float64Array(2 * initialRows).fill(never)
  heap = new Int32Array(2 * initialRows)
  /** Where each source stands in the heap. */
  places = new Int32Array(initialRows)

  /** `uniform`: whatever their kind, all sources fire. */
  constructor(
    private readonly growth = new Int32Array(1),
    private readonly uniform = false,
  ) {
    // Source 0 is never due, and stands nowhere.
    this.sources.push({ fire: () => undefined })
  }

  /** Returns the source's id; it is idle until scheduled. */
  add(source: Source, kind = 0, row = 0): number {
    const id = this.sources.length
    this.sources.push(source)
    if (id >= this.places.length) {
      const from = this.places.length
      this.places = grownInts(this.places, from * 2)
      this.kinds = grownInts(this.kinds, from * 2)
      this.rows = grownInts(this.rows, from * 2)
      this.heap = grownInts(this.heap, from * 4)
      this.times = grownFloats(this.times, from * 4)
      this.times.fill(never, from * 2)
      this.growth[0] = 1
    }
    this.kinds[id] = this.uniform ? 0 : kind
    this.rows[id] = row
    const place = id - 1
    this.heap[place] = id
    this.places[id] = place
    return id
  }

  /** Moves the source to `time` (`never`: idle). A time in the past means now. */
  schedule(id: number, time: number): void {
    const place = this.places[id] as number
    const old = this.times[place] as number
    const due = Math.max(time, this.now)
    this.times[place] = due
    if (due < old) this.rise(id, place)
    else if (due > old) this.sink(id, place)
  }

  scheduledAt(id: number): number {
    return this.times[this.places[id] as number] as number
  }

  /** It is `seconds` now. */
  moveTo(seconds: number): void {
    this.now = seconds
    this.clock[0] = seconds
  }

  /** How many sources are not idle. */
  get scheduled(): number {
    return this.times.reduce((count, time) => (time < never ? count + 1 : count), 0)
  }

  /** Time of the next event; `never`: nothing is going to happen. */
  get nextAt(): number {
    return this.times[0] as number
  }

  /** Advances the clock to the next event and fires its source. */
  step(): void {
    this.moveTo(this.times[0] as number)
    ;(this.sources[this.heap[0] as number] as Source).fire()
  }

  private rise(id: number, from: number): void {
    const { heap, places, times } = this
    const time = times[from] as number
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = times[above] as number
      if (other <= time) break
      times[place] = other
      heap[place] = heap[above] as number
      places[heap[place] as number] = place
      place = above
    }
    times[place] = time
    heap[place] = id
    places[id] = place
  }

  private sink(id: number, from: number): void {
    const { heap, places, times } = this
    const size = this.sources.length - 1
    const time = times[from] as number
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      // The slot after the last is never due: no test for a missing right child.
      below += (times[below + 1] as number) < (times[below] as number) ? 1 : 0
      const other = times[below] as number
      if (other >= time) break
      times[place] = other
      heap[place] = heap[below] as number
      places[heap[place] as number] = place
      place = below
    }
    times[place] = time
    heap[place] = id
    places[id] = place
  }
}

/**
 * The clock, and an indexed binary heap of permanent event sources (hot path: typed arrays). A source is added once and then
 * only moved, so that scheduling never allocates and never leaves stale entries behind. Of sources due at the same time the
 * one that stands first in the heap goes first: always the same one for the same run.
 */
import { grownFloats, grownInts, initialRows } from './columns.js'

export interface Source {
  /** Its time has come: `now` is the time it was scheduled at. It must schedule itself anew (`never`: idle). */
  fire(): void
}

export const never = Number.POSITIVE_INFINITY

export class EventQueue {
  /** Seconds since the start of the run. */
  now = 0
  readonly sources: Source[] = []
  /** What the loop does when a source is due (`sourceKinds`); 0: it fires. */
  readonly kinds: number[] = [0]
  /** Of each source; one more than there are, infinite, is what a missing child is compared with. */
  times = new Float64Array(initialRows).fill(never)
  /** Source ids in heap order, and where each source stands in it. Beyond its end: the sentinel, id 0. */
  heap = new Int32Array(2 * initialRows)
  places = new Int32Array(initialRows)

  constructor() {
    // Source 0 is never due: the sentinel.
    this.sources.push({ fire: () => undefined })
  }

  /** Returns the source's id; it is idle until scheduled. */
  add(source: Source, kind = 0): number {
    const id = this.sources.length
    this.sources.push(source)
    this.kinds.push(kind)
    if (id >= this.times.length) {
      const from = this.times.length
      this.times = grownFloats(this.times, from * 2)
      this.places = grownInts(this.places, from * 2)
      this.heap = grownInts(this.heap, from * 4)
      this.times.fill(never, from)
    }
    const place = id - 1
    this.heap[place] = id
    this.places[id] = place
    return id
  }

  /** Moves the source to `time` (`never`: idle). A time in the past means now. */
  schedule(id: number, time: number): void {
    const { times } = this
    const old = times[id] as number
    const due = Math.max(time, this.now)
    times[id] = due
    if (due < old) this.rise(id)
    else if (due > old) this.sink(id)
  }

  scheduledAt(id: number): number {
    return this.times[id] as number
  }

  /** Time of the next event; `never`: nothing is going to happen. */
  get nextAt(): number {
    return this.times[this.heap[0] as number] as number
  }

  /** Advances the clock to the next event and fires its source. */
  step(): void {
    const id = this.heap[0] as number
    this.now = this.times[id] as number
    ;(this.sources[id] as Source).fire()
  }

  private rise(id: number): void {
    const { heap, places, times } = this
    let place = places[id] as number
    const time = times[id] as number
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

  private sink(id: number): void {
    const { heap, places, times } = this
    const size = this.sources.length - 1
    const time = times[id] as number
    let place = places[id] as number
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      // The slot after the last is the sentinel, which is never due: no test for a missing right child.
      below += (times[heap[below + 1] as number] as number) < (times[heap[below] as number] as number) ? 1 : 0
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

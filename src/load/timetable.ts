/**
 * Hot: what is to be done at which time (a binary heap), driven by one alarm. Tasks of the same time run in the order in
 * which they were entered.
 */
import type { Alarm } from './alarm.js'

interface Entry {
  readonly at: number
  readonly order: number
  readonly task: (at: number) => void
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export class Timetable {
  readonly #heap: Entry[] = []
  readonly #now: () => number
  readonly #alarm: Alarm
  #order = 0
  #running = false
  /** What the alarm is set to. */
  #alarmAt = Number.POSITIVE_INFINITY

  /** `makeAlarm` gets what the alarm is to call. */
  constructor(now: () => number, makeAlarm: (ring: () => void) => Alarm) {
    this.#now = now
    this.#alarm = makeAlarm(() => {
      this.#alarmAt = Number.POSITIVE_INFINITY
      this.run(this.#now())
    })
  }

  /** `task` is handed `at`, however late it runs. */
  schedule(at: number, task: (at: number) => void): void {
    const entry = { at, order: this.#order++, task }
    const heap = this.#heap
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Entry
      if (before(above, entry)) break
      heap[i] = above
      i = parent
    }
    heap[i] = entry
    if (!this.#running) this.#setAlarm()
  }

  /**
   * Runs what is due at `now`; called by the alarm and by anyone who knows the time anyway. What falls due meanwhile waits
   * for the next ring, so that answers are read between two bursts however far behind we are.
   */
  run(now: number): void {
    if (this.#running) return
    const first = this.#heap[0]
    if (first === undefined || first.at > now) {
      if (this.#alarmAt === Number.POSITIVE_INFINITY) this.#setAlarm()
      return
    }
    this.#running = true
    try {
      for (let entry = this.#heap[0]; entry !== undefined && entry.at <= now; entry = this.#heap[0]) {
        this.#removeFirst()
        entry.task(entry.at)
      }
    } finally {
      this.#running = false
    }
    this.#setAlarm()
  }

  /** Resolves when the alarm can be relied on. */
  get ready(): Promise<void> {
    return this.#alarm.ready
  }

  get alarmCpuSeconds(): number {
    return this.#alarm.cpuSeconds()
  }

  close(): Promise<void> {
    this.#heap.length = 0
    return this.#alarm.close()
  }

  #setAlarm(): void {
    const at = this.#heap[0]?.at
    if (at === undefined || at === this.#alarmAt) return
    this.#alarmAt = at
    this.#alarm.set(at)
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++
      if (before(last, heap[child] as Entry)) break
      heap[i] = heap[child] as Entry
      i = child
    }
    heap[i] = last
  }
}

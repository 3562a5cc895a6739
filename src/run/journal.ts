/**
 * Puts the events of a run in order of `at` and hands them on as soon as nothing earlier can still come: an event waits only
 * while the second that ends before it is being put together, or while an injection that began before it is under way.
 */
import type { RunEvent, SecondEvent } from '../result/run-event.js'

export type RunEventSink = (event: RunEvent) => void

export class Journal {
  readonly events: RunEvent[] = []
  readonly series: SecondEvent[] = []
  readonly #sink: RunEventSink
  readonly #waiting: RunEvent[] = []
  readonly #barriers = new Map<string, number>()

  constructor(sink: RunEventSink) {
    this.#sink = sink
  }

  add(event: RunEvent): void {
    // Stable: events of one time stay in the order in which they came.
    const later = this.#waiting.findIndex((other) => other.at > event.at)
    this.#waiting.splice(later < 0 ? this.#waiting.length : later, 0, event)
    this.#flush()
  }

  /** Something that happens at `at` will be told later: hold back what comes after it until `release`. */
  hold(what: string, at: number): void {
    this.#barriers.set(what, at)
  }

  release(what: string): void {
    this.#barriers.delete(what)
    this.#flush()
  }

  /** Nothing more can come: hands everything on. */
  close(): void {
    this.#barriers.clear()
    this.#flush()
  }

  #flush(): void {
    const until = Math.min(Number.POSITIVE_INFINITY, ...this.#barriers.values())
    for (let first = this.#waiting[0]; first !== undefined && first.at <= until; first = this.#waiting[0]) {
      this.#waiting.shift()
      if (first.type === 'second') this.series.push(first)
      else this.events.push(first)
      this.#sink(first)
    }
  }
}

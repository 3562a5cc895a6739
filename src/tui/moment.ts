/** One second of a run in numbers: what charts are drawn of. */
import { failuresOf } from '../result/counts.js'
import { LatencyHistogram } from '../result/histogram.js'
import type { ClassSecond, SecondEvent } from '../result/run-event.js'

export interface Moment {
  /** End of the interval, in seconds of the run. */
  readonly at: number
  /** Its length. */
  readonly seconds: number
  readonly classes: Readonly<Record<string, ClassMoment>>
  readonly components: Readonly<Record<string, number>>
  readonly hosts: Readonly<Record<string, number>>
}

export const percentiles = ['p50', 'p95', 'p99'] as const
export type Percentile = (typeof percentiles)[number]

/** Latencies in seconds, of successes; null: none succeeded. */
export interface ClassMoment extends Readonly<Record<Percentile, number | null>> {
  /** Successes per second. */
  readonly ratePerSecond: number
  /** Failures by completed requests; null: none completed. */
  readonly errors: number | null
}

/** Emptied before each use: a histogram is large. */
const scratch = new LatencyHistogram()

const classMoment = (second: ClassSecond, seconds: number): ClassMoment => {
  scratch.reset()
  scratch.addEncoded(second.histogram)
  const quantile = (q: number): number | null => (scratch.count === 0 ? null : scratch.quantile(q))
  return {
    ratePerSecond: second.ok / seconds,
    errors: second.completed === 0 ? null : failuresOf(second.errors) / second.completed,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
  }
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, value: (of: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([id, of]) => [id, value(of)]))

export const momentOf = ({ at, seconds = 1, requests, components, hosts }: SecondEvent): Moment => ({
  at,
  seconds,
  classes: mapped(requests, (of) => classMoment(of, seconds)),
  components: mapped(components, ({ cpu }) => cpu),
  hosts: mapped(hosts, ({ cpu }) => cpu),
})

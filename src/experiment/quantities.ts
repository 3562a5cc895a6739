/**
 * What can be said of a request class or a component: `all.latency.p95`, `cache.hitRatio`, … Each quantity knows its unit,
 * how it is computed over a window of seconds, and how it is read from the whole result. One table for expectations,
 * abort conditions and objectives, so that a word means the same everywhere.
 */
import { failuresOf } from '../result/counts.js'
import { latencyOver } from '../result/merge.js'
import { type ClassSecond, type ComponentSecond, type SecondEvent, secondsIn } from '../result/run-event.js'
import type { ClassResult, ComponentResult, Latency, RunResult } from '../result/run-result.js'
import type { Aspect } from '../result/validity.js'

export type Unit = 'seconds' | 'ratio' | 'per-second' | 'bytes' | 'count'

/** `idle`: nothing was asked, so nothing can be said. `silent`: requests were made and none came back. */
export type Observed = number | 'idle' | 'silent'

export interface Quantity {
  readonly unit: Unit
  /** What a disturbed measurement makes worthless. */
  readonly aspect?: Aspect
  /** Over the given seconds; undefined: seconds do not hold it, so it can be judged only at the end. */
  readonly over?: (seconds: readonly SecondEvent[], subject: string) => Observed
  /** Of the measured part; null: not measured. */
  readonly whole: (result: RunResult, subject: string) => number | null
}

const percentiles = ['mean', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const
type Percentile = (typeof percentiles)[number]
const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999, max: 1 } as const

const sum = (seconds: readonly SecondEvent[], subject: string, value: (second: ClassSecond) => number): number =>
  seconds.reduce((total, event) => {
    const second = event.requests[subject]
    return second === undefined ? total : total + value(second)
  }, 0)

/** Nothing completed: was there anything to complete? */
const without = (seconds: readonly SecondEvent[], subject: string): 'idle' | 'silent' =>
  seconds.some((event) => (event.requests[subject]?.offered ?? 0) > 0 || (event.requests[subject]?.inFlight ?? 0) > 0)
    ? 'silent'
    : 'idle'

const shareOfCompleted =
  (value: (second: ClassSecond) => number): NonNullable<Quantity['over']> =>
  (seconds, subject) => {
    const completed = sum(seconds, subject, (second) => second.completed)
    return completed === 0 ? without(seconds, subject) : sum(seconds, subject, value) / completed
  }

const errorsOf = (of: Pick<ClassSecond, 'errors'>, code?: string): number =>
  code === undefined ? failuresOf(of.errors) : (of.errors[code] ?? 0)

const ofClass =
  (value: (result: ClassResult) => number | null | undefined): Quantity['whole'] =>
  ({ requests }, subject) => {
    const result = requests[subject]
    return result === undefined ? null : (value(result) ?? null)
  }

const ratioOfClass = (value: (result: ClassResult) => number): Quantity['whole'] =>
  ofClass((result) => (result.completed === 0 ? null : value(result) / result.completed))

const errors = (code?: string): Quantity => ({
  unit: 'ratio',
  over: shareOfCompleted((second) => errorsOf(second, code)),
  whole: ratioOfClass((result) => errorsOf(result, code)),
})

const latency = (percentile: Percentile): Quantity => ({
  unit: 'seconds',
  aspect: 'latency',
  over: (seconds, subject) => {
    const merged = latencyOver(seconds, subject)
    if (merged.count === 0) return without(seconds, subject)
    return percentile === 'mean' ? merged.meanSeconds : merged.quantile(quantiles[percentile])
  },
  whole: ofClass((result) => result.latency?.[percentile]),
})

const wholeLatency = (of: (result: ClassResult) => Latency | null | undefined) => (percentile: Percentile) =>
  ({
    unit: 'seconds',
    aspect: 'latency',
    whole: ofClass((result) => of(result)?.[percentile]),
  }) satisfies Quantity

const total = (value: (second: ClassSecond) => number, whole: (result: ClassResult) => number): Quantity => ({
  unit: 'count',
  over: (seconds, subject) => sum(seconds, subject, value),
  whole: ofClass(whole),
})

const each = <T>(prefix: string, make: (percentile: Percentile) => T): Record<string, T> =>
  Object.fromEntries(percentiles.map((percentile) => [`${prefix}.${percentile}`, make(percentile)]))

const mostInFlight = (seconds: readonly SecondEvent[], subject: string): number =>
  seconds.reduce((most, event) => Math.max(most, event.requests[subject]?.inFlight ?? 0), 0)

/** By path. `errors.<code>` besides, for any code. */
const classQuantities: Readonly<Record<string, Quantity>> = {
  errors: errors(),
  degraded: {
    unit: 'ratio',
    over: shareOfCompleted((second) => second.degraded),
    whole: ratioOfClass((result) => result.degraded),
  },
  unknown: { unit: 'ratio', whole: ratioOfClass((result) => result.unknown) },
  ratePerSecond: {
    unit: 'per-second',
    aspect: 'rate',
    over: (seconds, subject) =>
      seconds.length === 0 ? 'idle' : sum(seconds, subject, ({ ok }) => ok) / secondsIn(seconds),
    whole: ofClass((result) => result.ratePerSecond),
  },
  ...each('latency', latency),
  ...each(
    'serviceLatency',
    wholeLatency((result) => result.serviceLatency),
  ),
  ...each(
    'outcomes.hit.latency',
    wholeLatency((result) => result.outcomes.hit.latency),
  ),
  ...each(
    'outcomes.miss.latency',
    wholeLatency((result) => result.outcomes.miss.latency),
  ),
  ...each(
    'completion',
    wholeLatency((result) => result.completion),
  ),
  ...each(
    'queueDelay',
    wholeLatency((result) => result.queueDelay),
  ),
  'outcomes.hit.count': { unit: 'count', whole: ofClass((result) => result.outcomes.hit.count) },
  'outcomes.miss.count': { unit: 'count', whole: ofClass((result) => result.outcomes.miss.count) },
  offered: total(
    (second) => second.offered,
    (result) => result.offered,
  ),
  completed: total(
    (second) => second.completed,
    (result) => result.completed,
  ),
  ok: total(
    (second) => second.ok,
    (result) => result.ok,
  ),
  attempts: { unit: 'count', whole: ofClass((result) => result.attempts) },
  inFlight: {
    unit: 'count',
    over: (seconds, subject) => (seconds.length === 0 ? 'idle' : mostInFlight(seconds, subject)),
    whole: ({ series, warmupSeconds }, subject) =>
      mostInFlight(
        series.filter(({ at }) => at > warmupSeconds),
        subject,
      ),
  },
}

interface Found {
  readonly value: number
  /** Length of its interval. */
  readonly seconds: number
}

const values = (
  events: readonly SecondEvent[],
  subject: string,
  value: (second: ComponentSecond) => number | undefined,
): Found[] =>
  events.flatMap((event) => {
    const second = event.components[subject]
    const found = second === undefined ? undefined : value(second)
    return found === undefined ? [] : { value: found, seconds: event.seconds ?? 1 }
  })

const folded =
  (fold: (found: readonly Found[]) => number, value: (second: ComponentSecond) => number | undefined) =>
  (seconds: readonly SecondEvent[], subject: string): Observed => {
    const found = values(seconds, subject, value)
    return found.length === 0 ? 'idle' : fold(found)
  }

const mean = (found: readonly Found[]): number =>
  found.reduce((sum, { value, seconds }) => sum + value * seconds, 0) /
  found.reduce((sum, { seconds }) => sum + seconds, 0)
const added = (found: readonly Found[]): number => found.reduce((sum, { value }) => sum + value, 0)
const largest = (found: readonly Found[]): number =>
  found.reduce((most, { value }) => Math.max(most, value), Number.NEGATIVE_INFINITY)
const smallest = (found: readonly Found[]): number =>
  found.reduce((least, { value }) => Math.min(least, value), Number.POSITIVE_INFINITY)

const ofComponent =
  (value: (result: ComponentResult) => number | null | undefined): Quantity['whole'] =>
  ({ components }, subject) => {
    const result = components[subject]
    return result === undefined ? null : (value(result) ?? null)
  }

const componentQuantities: Readonly<Record<string, Quantity>> = {
  'utilization.cpu': {
    unit: 'ratio',
    aspect: 'utilization',
    over: folded(mean, ({ cpu }) => cpu),
    whole: ofComponent((result) => result.utilization.cpu),
  },
  'utilization.memory': { unit: 'ratio', whole: ofComponent((result) => result.utilization.memory) },
  memoryBytes: {
    unit: 'bytes',
    over: folded(largest, ({ memoryBytes }) => memoryBytes),
    whole: ofComponent((result) => result.memoryBytes),
  },
  'queue.mean': {
    unit: 'count',
    aspect: 'latency',
    over: folded(mean, ({ queue }) => queue),
    whole: ofComponent((result) => result.queue.mean),
  },
  'queue.max': {
    unit: 'count',
    aspect: 'latency',
    over: folded(largest, ({ queue }) => queue),
    whole: ofComponent((result) => result.queue.max),
  },
  hitRatio: {
    unit: 'ratio',
    over: folded(mean, ({ hitRatio }) => hitRatio),
    whole: ofComponent((result) => result.hitRatio),
  },
  throughputPerSecond: {
    unit: 'per-second',
    aspect: 'rate',
    whole: ofComponent((result) => result.throughputPerSecond),
  },
  ready: {
    unit: 'count',
    over: folded(smallest, ({ ready }) => ready),
    whole: ({ series, warmupSeconds }, subject) => {
      const found = values(
        series.filter(({ at }) => at > warmupSeconds),
        subject,
        ({ ready }) => ready,
      )
      return found.length === 0 ? null : smallest(found)
    },
  },
}

/** `pools.<name>.<what>` of a component. */
const poolQuantities = (pool: string): Readonly<Record<string, Quantity>> => ({
  [`pools.${pool}.inUse`]: {
    unit: 'count',
    over: folded(mean, ({ pools }) => pools?.[pool]?.inUse),
    whole: ofComponent(({ pools }) => pools[pool]?.inUse),
  },
  [`pools.${pool}.waiting`]: {
    unit: 'count',
    aspect: 'latency',
    over: folded(mean, ({ pools }) => pools?.[pool]?.waiting),
    whole: ofComponent(({ pools }) => pools[pool]?.waiting),
  },
  [`pools.${pool}.timeouts`]: { unit: 'count', whole: ofComponent(({ pools }) => pools[pool]?.timeouts) },
})

const queueCounts = [
  'published',
  'rejected',
  'redelivered',
  'acked',
  'expired',
  'dropped',
  'deadLettered',
  'lost',
] as const
const countedBySecond: ReadonlySet<string> = new Set(['published', 'rejected', 'acked', 'lost'])

/** `queues.<name>.<what>` of a broker: queues and topics. Bare, its length. */
const queueQuantities = (queue: string): Readonly<Record<string, Quantity>> => {
  const length = (fold: (found: readonly Found[]) => number, of: 'mean' | 'max'): Quantity => ({
    unit: 'count',
    aspect: 'latency',
    over: folded(fold, ({ queues }) => queues?.[queue]?.length),
    whole: ofComponent(({ queues }) => queues?.[queue]?.length[of]),
  })
  return {
    [`queues.${queue}.length`]: length(mean, 'mean'),
    [`queues.${queue}.length.max`]: length(largest, 'max'),
    ...Object.fromEntries(
      queueCounts.map((count): [string, Quantity] => [
        `queues.${queue}.${count}`,
        {
          unit: 'count',
          ...(countedBySecond.has(count)
            ? {
                over: folded(added, ({ queues }) => queues?.[queue]?.[count as 'published']),
              }
            : {}),
          whole: ofComponent(({ queues }) => queues?.[queue]?.[count]),
        },
      ]),
    ),
  }
}

/** What a condition may be about; `pools` and `queues` (topics, too) of a component by name. */
export type Subject =
  | { readonly kind: 'class' }
  | { readonly kind: 'component'; readonly pools: readonly string[]; readonly queues: readonly string[] }

const tableOf = (subject: Subject): Readonly<Record<string, Quantity>> =>
  subject.kind === 'class'
    ? classQuantities
    : Object.assign(
        {},
        componentQuantities,
        ...subject.pools.map(poolQuantities),
        ...subject.queues.map(queueQuantities),
      )

/** Every path of a subject, for did-you-mean. */
export const pathsOf = (subject: Subject): string[] => Object.keys(tableOf(subject))

export const quantityOf = (subject: Subject, path: string): Quantity | undefined => {
  const code = subject.kind === 'class' ? /^errors\.([A-Za-z0-9_-]+)$/.exec(path)?.[1] : undefined
  if (code !== undefined) return errors(code)
  const table = tableOf(subject)
  return Object.hasOwn(table, path) ? table[path] : undefined
}

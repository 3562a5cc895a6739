/** Values to be read: of the last seconds of a run that goes on, of the whole run once it is over. */
import { failuresOf } from '../result/counts.js'
import { LatencyHistogram } from '../result/histogram.js'
import { beganAt, type ClassSecond, type SecondEvent, secondsIn } from '../result/run-event.js'
import type { ClassResult, ComponentResult } from '../result/run-result.js'
import type { Percentile } from './moment.js'

/** Of a run that goes on: long enough for a p95, short enough to see what happens. */
export const windowSeconds = 5

/** Times in seconds, ratios 0…1; null: there is nothing to tell. */
export interface ClassStatistics extends Readonly<Record<Percentile, number | null>> {
  readonly ratePerSecond: number
  readonly errors: number | null
  /** Failures and refusals by code. */
  readonly codes: Readonly<Record<string, number>>
  readonly degraded: number
  readonly inFlight: number | null
}

export interface PoolStatistics {
  readonly inUse: number
  readonly waiting: number
}

export interface QueueStatistics {
  readonly length: number
  /** Counts of the time that is told of. */
  readonly published: number
  readonly acked: number
  readonly rejected: number
  readonly lost: number
}

export interface ComponentStatistics {
  readonly cpu: number
  readonly queue: number
  readonly hitRatio: number | null
  readonly memoryBytes: number | null
  readonly pools: Readonly<Record<string, PoolStatistics>>
  readonly queues: Readonly<Record<string, QueueStatistics>>
}

/** Those that began within the window that ends at `at`; at least the last one, however long it is. */
export const recentSeconds = (seconds: readonly SecondEvent[], at: number): readonly SecondEvent[] => {
  const before = seconds.filter((second) => second.at <= at + 1e-9)
  const recent = before.filter((second) => beganAt(second) >= at - windowSeconds - 1e-9)
  return recent.length > 0 ? recent : before.slice(-1)
}

/** Emptied before each use: a histogram is large. */
const scratch = new LatencyHistogram()

/** Of the windows of some dozen classes: each second is in five of them, and to decode it is what a drawing costs most. */
const mostDecoded = 160
const decoded = new Map<ClassSecond, LatencyHistogram>()

const histogramOf = (second: ClassSecond): LatencyHistogram => {
  const known = decoded.get(second)
  if (known !== undefined) return known
  const [oldest] = decoded.size < mostDecoded ? [] : decoded
  if (oldest !== undefined) decoded.delete(oldest[0])
  const histogram = oldest?.[1] ?? new LatencyHistogram()
  histogram.reset()
  histogram.addEncoded(second.histogram)
  decoded.set(second, histogram)
  return histogram
}

export const classOver = (seconds: readonly SecondEvent[], id: string): ClassStatistics | undefined => {
  const parts = seconds.flatMap(({ requests }) => requests[id] ?? [])
  const last = parts.at(-1)
  if (last === undefined) return undefined
  const codes: Record<string, number> = {}
  for (const { errors } of parts)
    for (const [code, count] of Object.entries(errors)) codes[code] = (codes[code] ?? 0) + count
  const sum = (value: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((total, part) => total + value(part), 0)
  const completed = sum((part) => part.completed)
  scratch.reset()
  for (const part of parts) scratch.add(histogramOf(part))
  const quantile = (share: number): number | null => (scratch.count === 0 ? null : scratch.quantile(share))
  return {
    ratePerSecond: sum((part) => part.ok) / secondsIn(seconds),
    errors: completed === 0 ? null : failuresOf(codes) / completed,
    codes,
    degraded: sum((part) => part.degraded),
    inFlight: last.inFlight,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
  }
}

export const classInAll = (result: ClassResult): ClassStatistics => ({
  ratePerSecond: result.ratePerSecond,
  errors: result.completed === 0 ? null : failuresOf(result.errors) / result.completed,
  codes: result.errors,
  degraded: result.degraded,
  inFlight: null,
  p50: result.latency?.p50 ?? null,
  p95: result.latency?.p95 ?? null,
  p99: result.latency?.p99 ?? null,
})

export const componentOver = (seconds: readonly SecondEvent[], id: string): ComponentStatistics | undefined => {
  const parts = seconds.flatMap((second) => {
    const component = second.components[id]
    return component === undefined ? [] : [{ ...component, seconds: second.seconds ?? 1 }]
  })
  if (parts.length === 0) return undefined
  type Part = (typeof parts)[number]
  const mean = (value: (part: Part) => number | undefined): number | null => {
    const known = parts.filter((part) => value(part) !== undefined)
    const length = known.reduce((total, part) => total + part.seconds, 0)
    return length === 0 ? null : known.reduce((total, part) => total + (value(part) ?? 0) * part.seconds, 0) / length
  }
  const names = (of: (part: Part) => object | undefined): readonly string[] => [
    ...new Set(parts.flatMap((part) => Object.keys(of(part) ?? {}))),
  ]
  const counted = (queue: string, what: 'published' | 'acked' | 'rejected' | 'lost'): number =>
    parts.reduce((total, part) => total + (part.queues?.[queue]?.[what] ?? 0), 0)
  return {
    cpu: mean((part) => part.cpu) ?? 0,
    queue: mean((part) => part.queue) ?? 0,
    hitRatio: mean((part) => part.hitRatio),
    memoryBytes: mean((part) => part.memoryBytes),
    pools: Object.fromEntries(
      names((part) => part.pools).map((pool) => [
        pool,
        {
          inUse: mean((part) => part.pools?.[pool]?.inUse) ?? 0,
          waiting: mean((part) => part.pools?.[pool]?.waiting) ?? 0,
        },
      ]),
    ),
    queues: Object.fromEntries(
      names((part) => part.queues).map((queue) => [
        queue,
        {
          length: mean((part) => part.queues?.[queue]?.length) ?? 0,
          published: counted(queue, 'published'),
          acked: counted(queue, 'acked'),
          rejected: counted(queue, 'rejected'),
          lost: counted(queue, 'lost'),
        },
      ]),
    ),
  }
}

export const componentInAll = (result: ComponentResult): ComponentStatistics => ({
  cpu: result.utilization.cpu,
  queue: result.queue.mean,
  hitRatio: result.hitRatio,
  memoryBytes: result.memoryBytes,
  pools: result.pools,
  queues: Object.fromEntries(
    Object.entries(result.queues ?? {}).map(([id, queue]) => [id, { ...queue, length: queue.length.mean }]),
  ),
})

/** Mean utilization of a host's cores. */
export const hostOver = (seconds: readonly SecondEvent[], id: string): number | null => {
  const parts = seconds.filter(({ hosts }) => hosts[id] !== undefined)
  const length = secondsIn(parts)
  if (length === 0) return null
  return parts.reduce((total, second) => total + (second.hosts[id]?.cpu ?? 0) * (second.seconds ?? 1), 0) / length
}

/** What the counters look like from outside: for Prometheus, and for the run that measures this process. */
import type { InstanceSample } from '../contract/running-system.js'
import { bucketSeconds, type Meters } from './meter.js'
import type { Family } from './prometheus.js'

export interface PoolGauges {
  readonly size: number
  readonly openCount: number
  readonly inUse: number
  readonly waiting: number
  readonly timeouts: number
}

export interface Observed {
  readonly meters: Meters
  /** Declared pools by id. */
  readonly pools: ReadonlyMap<string, PoolGauges>
  readonly identity: { readonly component: string; readonly instance: string; readonly process: number }
}

const counter = (
  name: string,
  help: string,
  samples: readonly { labels?: Record<string, string>; value: number }[],
): Family => ({
  name,
  type: 'counter',
  help,
  samples,
})

const gauge = (
  name: string,
  help: string,
  samples: readonly { labels?: Record<string, string>; value: number }[],
): Family => ({
  name,
  type: 'gauge',
  help,
  samples,
})

export const metricFamilies = ({ meters, pools, identity }: Observed): readonly Family[] => {
  const cpu = process.cpuUsage()
  const classes = [...meters.classes]
  const steps = [...meters.steps]
  const perPool = (value: (pool: PoolGauges) => number) =>
    [...pools].map(([id, pool]) => ({ labels: { pool: id }, value: value(pool) }))
  return [
    gauge('plimsoll_service_info', 'Which process of the topology this is.', [
      {
        labels: { component: identity.component, replica: identity.instance, process: String(identity.process) },
        value: 1,
      },
    ]),
    counter(
      'plimsoll_requests_total',
      'Requests answered, by class and HTTP status.',
      classes.flatMap(([id, meter]) =>
        [...meter.byStatus].map(([status, value]) => ({ labels: { class: id, code: String(status) }, value })),
      ),
    ),
    {
      name: 'plimsoll_request_seconds',
      type: 'histogram',
      help: 'Time from the arrival of a request to its answer, by class.',
      bounds: bucketSeconds,
      samples: classes.map(([id, { duration }]) => ({
        labels: { class: id },
        buckets: duration.buckets,
        sum: duration.sumSeconds,
      })),
    },
    counter(
      'plimsoll_degraded_total',
      'Requests answered with the help of a fallback, by class and fallback.',
      classes.flatMap(([id, meter]) =>
        [...meter.degraded].map(([fallback, value]) => ({ labels: { class: id, fallback }, value })),
      ),
    ),
    counter('plimsoll_shed_total', 'Requests refused because of maxInFlight.', [{ value: meters.shed }]),
    gauge('plimsoll_requests_in_flight', 'Requests in hand.', [{ value: meters.inFlight }]),
    counter('plimsoll_cache_lookups_total', 'Lookups, by what they found.', [
      { labels: { outcome: 'hit' }, value: meters.hits },
      { labels: { outcome: 'miss' }, value: meters.misses },
    ]),
    {
      name: 'plimsoll_step_seconds',
      type: 'histogram',
      help: 'Time of each attempt of a step, the steps inside it included.',
      bounds: bucketSeconds,
      samples: steps.map(([id, { duration }]) => ({
        labels: { step: id },
        buckets: duration.buckets,
        sum: duration.sumSeconds,
      })),
    },
    counter(
      'plimsoll_step_errors_total',
      'Attempts of a step that failed.',
      steps.map(([id, meter]) => ({ labels: { step: id }, value: meter.errors })),
    ),
    counter(
      'plimsoll_step_cpu_seconds_total',
      'CPU burnt for a step: here by compute, on the database by queries and writes.',
      steps.map(([id, meter]) => ({ labels: { step: id }, value: meter.cpuSeconds })),
    ),
    gauge(
      'plimsoll_pool_size',
      'Connections that a pool may have.',
      perPool((pool) => pool.size),
    ),
    gauge(
      'plimsoll_pool_open',
      'Connections that are open.',
      perPool((pool) => pool.openCount),
    ),
    gauge(
      'plimsoll_pool_in_use',
      'Connections in the hands of steps.',
      perPool((pool) => pool.inUse),
    ),
    gauge(
      'plimsoll_pool_waiting',
      'Steps that wait for a connection.',
      perPool((pool) => pool.waiting),
    ),
    counter(
      'plimsoll_pool_timeouts_total',
      'Waits that acquireTimeout ended.',
      perPool((pool) => pool.timeouts),
    ),
    counter('process_cpu_seconds_total', 'CPU time of this process.', [{ value: (cpu.user + cpu.system) / 1e6 }]),
    gauge('process_resident_memory_bytes', 'Resident memory of this process.', [{ value: process.memoryUsage.rss() }]),
    gauge('process_start_time_seconds', 'When this process started, in Unix time.', [
      { value: performance.timeOrigin / 1000 },
    ]),
  ]
}

/** Cumulative since the start of this process. */
export const instanceSample = ({ meters, pools }: Observed): InstanceSample => {
  const cpu = process.cpuUsage()
  return {
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    memoryBytes: process.memoryUsage.rss(),
    visits: meters.visits,
    inFlight: meters.inFlight,
    pools: Object.fromEntries(
      [...pools].map(([id, { inUse, waiting, timeouts }]) => [id, { inUse, waiting, timeouts }]),
    ),
    hits: meters.hits,
    misses: meters.misses,
    steps: Object.fromEntries(
      [...meters.steps].map(([id, { count, errors, cpuSeconds, drawnCpuSeconds, drawnWaitSeconds, duration }]) => [
        id,
        {
          count,
          errors,
          cpuSeconds,
          drawn: { cpuSeconds: drawnCpuSeconds, waitSeconds: drawnWaitSeconds },
          histogram: duration.histogram.encode(),
        },
      ]),
    ),
  }
}

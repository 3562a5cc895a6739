/** Results as CSV (RFC 4180), for spreadsheets and plots: plain numbers in seconds, per second and ratios 0…1. */
import { failuresOf } from '../result/counts.js'
import type { ClassResult, ComponentResult, Latency, RunResult } from '../result/run-result.js'
import type { Sweep } from '../result/sweep.js'

interface Metric {
  /** As in the result document. */
  readonly path: string
  /** Null: not measured; the cell stays empty. */
  readonly value: number | null
  readonly unit: 's' | '1/s' | 'ratio' | ''
}

type Measured = Pick<RunResult, 'requests' | 'components' | 'hosts'>

const percentiles = ['mean', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const satisfies readonly (keyof Latency)[]
const counts = ['offered', 'completed', 'ok', 'degraded', 'unknown', 'attempts'] as const

const classMetrics = (of: ClassResult): readonly Metric[] => [
  ...counts.map((path) => ({ path, value: of[path], unit: '' as const })),
  { path: 'errors', value: of.completed === 0 ? null : failuresOf(of.errors) / of.completed, unit: 'ratio' },
  { path: 'ratePerSecond', value: of.ratePerSecond, unit: '1/s' },
  ...latencyMetrics('latency', of.latency),
  ...(of.queueDelay === undefined ? [] : latencyMetrics('queueDelay', of.queueDelay)),
  ...(of.completion === undefined ? [] : latencyMetrics('completion', of.completion)),
]

const latencyMetrics = (path: string, of: Latency | null): readonly Metric[] =>
  percentiles.map((name) => ({ path: `${path}.${name}`, value: of?.[name] ?? null, unit: 's' }))

const componentMetrics = (of: ComponentResult): readonly Metric[] => [
  { path: 'replicas', value: of.replicas, unit: '' },
  { path: 'utilization.cpu', value: of.utilization.cpu, unit: 'ratio' },
  { path: 'queue.mean', value: of.queue.mean, unit: '' },
  { path: 'queue.max', value: of.queue.max, unit: '' },
  { path: 'hitRatio', value: of.hitRatio, unit: 'ratio' },
  { path: 'throughputPerSecond', value: of.throughputPerSecond, unit: '1/s' },
  ...Object.entries(of.pools).flatMap(([pool, { inUse, waiting, timeouts }]): Metric[] => [
    { path: `pools.${pool}.inUse`, value: inUse, unit: '' },
    { path: `pools.${pool}.waiting`, value: waiting, unit: '' },
    { path: `pools.${pool}.timeouts`, value: timeouts, unit: '' },
  ]),
  ...Object.entries(of.queues ?? {}).flatMap(([queue, { length, ...counted }]): Metric[] => [
    { path: `queues.${queue}.length.mean`, value: length.mean, unit: '' },
    { path: `queues.${queue}.length.max`, value: length.max, unit: '' },
    ...Object.entries(counted).map(([name, value]): Metric => ({ path: `queues.${queue}.${name}`, value, unit: '' })),
  ]),
  ...Object.entries(of.locks ?? {}).flatMap(([lock, { wait, held, ...counted }]): Metric[] => [
    ...waits(`locks.${lock}`, wait),
    { path: `locks.${lock}.held.mean`, value: held.mean, unit: 's' },
    ...Object.entries(counted).map(([name, value]): Metric => ({ path: `locks.${lock}.${name}`, value, unit: '' })),
  ]),
  ...Object.entries(of.counters ?? {}).flatMap(([counter, { wait, ...counted }]): Metric[] => [
    ...waits(`counters.${counter}`, wait),
    ...Object.entries(counted).map(
      ([name, value]): Metric => ({ path: `counters.${counter}.${name}`, value, unit: '' }),
    ),
  ]),
]

const waits = (path: string, { mean, max }: { readonly mean: number; readonly max: number }): readonly Metric[] => [
  { path: `${path}.wait.mean`, value: mean, unit: 's' },
  { path: `${path}.wait.max`, value: max, unit: 's' },
]

interface Row extends Metric {
  readonly kind: 'request' | 'component' | 'host'
  readonly name: string
  readonly halfWidth: number | undefined
}

const halfWidths = (of: { readonly halfWidth?: Readonly<Record<string, number>> }) => of.halfWidth

const rowsOf = ({ requests, components, hosts }: Measured): readonly Row[] => {
  const rows = <T extends object>(
    kind: Row['kind'],
    of: Readonly<Record<string, T>>,
    metrics: (one: T) => readonly Metric[],
  ): Row[] =>
    Object.entries(of).flatMap(([name, one]) =>
      metrics(one).map((metric) => ({ kind, name, ...metric, halfWidth: halfWidths(one)?.[metric.path] })),
    )
  return [
    ...rows('request', requests, classMetrics),
    ...rows('component', components, componentMetrics),
    ...rows('host', hosts, (of) => [{ path: 'utilization.cpu', value: of.utilization.cpu, unit: 'ratio' }]),
  ]
}

const cell = (value: string | number | null | undefined): string => {
  if (value === null || value === undefined) return ''
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const csv = (lines: readonly (readonly (string | number | null | undefined)[])[]): string =>
  lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('')

/** A row for each metric of each request class, component and host. */
export const resultCsv = (result: RunResult): string =>
  csv([
    ['kind', 'name', 'metric', 'value', 'halfWidth', 'unit'],
    ...rowsOf(result).map(({ kind, name, path, value, halfWidth, unit }) => [kind, name, path, value, halfWidth, unit]),
  ])

/** A row for each point; a column for each metric, and behind it one for its half-width where any point has one. */
export const sweepCsv = (sweep: Sweep): string => {
  const points = sweep.points.map(({ values, result }) => ({
    values,
    result,
    rows: new Map(rowsOf(result).map((row) => [`${row.name}.${row.path}`, row])),
  }))
  const names = [...new Set(points.flatMap(({ rows }) => [...rows.keys()]))]
  const withWidth = new Set(
    points.flatMap(({ rows }) => [...rows].flatMap(([name, row]) => (row.halfWidth === undefined ? [] : name))),
  )
  return csv([
    [
      ...sweep.parameters.map(({ path }) => path),
      'status',
      'replications',
      ...names.flatMap((name) => (withWidth.has(name) ? [name, `${name}.halfWidth`] : [name])),
    ],
    ...points.map(({ values, result, rows }) => [
      ...values,
      result.status,
      result.replications ?? 1,
      ...names.flatMap((name) => {
        const row = rows.get(name)
        return withWidth.has(name) ? [row?.value, row?.halfWidth] : [row?.value]
      }),
    ]),
  ])
}

/** A sweep for a reader: a row for each point, and curves of what matters most against the parameter. */
import { failuresOf } from '../result/counts.js'
import type { ClassResult } from '../result/run-result.js'
import type { PointResult, Sweep, SweepParameter } from '../result/sweep.js'
import { type CurvePoint, curveLines, type Series } from './curve.js'
import { type Cell, type Column, type Document, renderText } from './document.js'
import { paintFor } from './paint.js'
import { formatMilliseconds, formatNumber, formatRatio, formatSeconds, missing } from './quantity.js'

export interface SweepFormat {
  readonly columns: number
  readonly color: boolean
  /** No character beyond ASCII in the curves. */
  readonly ascii: boolean
}

const right = (name: string, optional = false): Column => ({ name, align: 'right', optional })

/** The end of the path, as long as it tells the parameters apart. */
const shortName = ({ path }: SweepParameter, all: readonly SweepParameter[]): string => {
  const parts = path.split('.')
  for (let n = 1; n < parts.length; n++) {
    const name = parts.slice(-n).join('.')
    if (all.every((other) => other.path === path || !other.path.endsWith(`.${name}`))) return name
  }
  return path
}

const busiest = ({ components }: PointResult): string => {
  const [first] = Object.entries(components).sort(([, a], [, b]) => b.utilization.cpu - a.utilization.cpu)
  return first === undefined ? missing : `${first[0]} ${formatRatio(first[1].utilization.cpu)}`
}

const errorShare = (of: ClassResult | undefined): number | null =>
  of === undefined || of.completed === 0 ? null : failuresOf(of.errors) / of.completed

const verdictOf = ({ steadyState, slo, invariants, status }: PointResult): Cell => {
  const verdicts = [...steadyState, ...slo, ...invariants].map(({ verdict }) => verdict)
  if (status === 'aborted') return { text: 'aborted', tone: 'bad' }
  if (verdicts.includes('fail')) return { text: 'no', tone: 'bad' }
  return verdicts.includes('pass') ? { text: 'yes', tone: 'good' } : missing
}

const sweepDocument = (sweep: Sweep): Document => {
  const { parameters, points } = sweep
  const results = points.map(({ result }) => result)
  const anyWidth = results.some(({ requests }) => requests.all?.halfWidth !== undefined)
  const widths = (name: string): readonly Column[] => (anyWidth ? [right(name, true)] : [])
  const replications = [...new Set(results.map((result) => result.replications ?? 1))]
  const runs = replications.map(String).join(' to ')
  return {
    title: `${sweep.experiment.name} of ${sweep.topology.name} in the simulator, ${points.length} points, ${
      replications.length === 1 && runs === '1' ? 'one run' : `${runs} replications`
    } each, seed ${sweep.seed}`,
    sections: [
      {
        title: `swept: ${parameters.map(({ path }) => path).join(', ')}; all requests (latency in ms)`,
        table: {
          columns: [
            ...parameters.map((parameter) => right(shortName(parameter, parameters))),
            right('rate/s'),
            ...widths('±'),
            right('mean', true),
            ...widths('±'),
            right('p95'),
            ...widths('±'),
            right('p99', true),
            right('errors'),
            right('busiest', true),
            right('holds'),
          ],
          rows: points.map(({ values, result }) => {
            const all = result.requests.all
            const width = (path: string, format: (value: number | undefined) => string): readonly Cell[] =>
              anyWidth ? [{ text: format(all?.halfWidth?.[path]), tone: 'dim' }] : []
            const errors = errorShare(all)
            return [
              ...values,
              all?.ratePerSecond.toFixed(1) ?? missing,
              ...width('ratePerSecond', (value) => value?.toFixed(1) ?? missing),
              formatMilliseconds(all?.latency?.mean),
              ...width('latency.mean', formatMilliseconds),
              formatMilliseconds(all?.latency?.p95),
              ...width('latency.p95', formatMilliseconds),
              formatMilliseconds(all?.latency?.p99),
              errors !== null && errors > 0 ? { text: formatRatio(errors), tone: 'bad' } : formatRatio(errors),
              busiest(result),
              verdictOf(result),
            ]
          }),
        },
      },
    ],
  }
}

const marks = 'abcdefghijklmnopqrstuvwxyz'

interface Curve {
  readonly title: string
  readonly formatY: (y: number) => string
  readonly point: (all: ClassResult | undefined) => Omit<CurvePoint, 'x'>
}

const curves: readonly Curve[] = [
  {
    title: 'p95 of all requests',
    formatY: formatSeconds,
    point: (all) => ({ y: all?.latency?.p95 ?? null, halfWidth: all?.halfWidth?.['latency.p95'] }),
  },
  {
    title: 'successes per second',
    formatY: formatNumber,
    point: (all) => ({ y: all?.ratePerSecond ?? null, halfWidth: all?.halfWidth?.ratePerSecond }),
  },
]

/** Along the first parameter; a line for each value of the second. */
const seriesOf = ({ parameters: [first, second], points }: Sweep, { point }: Curve): readonly Series[] => {
  const x = (value: string): number => {
    const index = first?.values.indexOf(value) ?? 0
    return first?.numbers?.[index] ?? index
  }
  return (second?.values ?? [undefined]).slice(0, marks.length).map((value, i) => ({
    mark: marks[i] ?? '?',
    points: points
      .filter(({ values }) => value === undefined || values[1] === value)
      .map(({ values, result }) => ({ x: x(values[0] ?? ''), ...point(result.requests.all) })),
  }))
}

const legend = ({ parameters }: Sweep): readonly string[] => {
  const [, second] = parameters
  if (second === undefined) return []
  const known = second.values.slice(0, marks.length).map((value, i) => `${marks[i]}: ${value}`)
  return [`${shortName(second, parameters)}  ${known.join('  ')}`]
}

export const formatSweep = (sweep: Sweep, { columns, color, ascii }: SweepFormat): string => {
  const table = renderText(sweepDocument(sweep), { columns, paint: paintFor(color) })
  const [first] = sweep.parameters
  if (first === undefined) return table
  const xTicks = first.values.map((label, i) => ({ x: first.numbers?.[i] ?? i, label }))
  const drawn = curves.map((curve) => {
    const series = seriesOf(sweep, curve)
    const hasBand = series.length === 1 && series[0]?.points.some(({ halfWidth }) => halfWidth !== undefined)
    const title = hasBand ? `${curve.title}, with its 95 % interval` : curve.title
    return curveLines(series, { title, formatY: curve.formatY, xLabel: first.path, xTicks, columns, ascii }).join('\n')
  })
  return `${[table.trimEnd(), ...drawn, ...legend(sweep)].join('\n\n')}\n`
}

/** Reports beside the plan itself: the formulas of a component, plans over a parameter, what numbers matter most. */
import type { Explanation } from '../plan/explain.js'
import type { Sensitivity } from '../plan/sensitivity.js'
import type { PlanSweep } from '../plan/sweep.js'
import type { Cell, Document } from './document.js'
import { bar } from './plan.js'
import { formatRate, formatRatio, formatSeconds, formatSignedRatio, missing } from './quantity.js'

const right = (name: string, optional = false) => ({ name, align: 'right', optional }) as const
const left = (name: string, optional = false) => ({ name, align: 'left', optional }) as const

export const explanationDocument = ({ component, lines }: Explanation): Document => ({
  title: `${component}: how its numbers come about`,
  sections: [
    {
      lines: lines.flatMap(({ of, formula, result }): readonly Cell[] => [
        { text: `${of}: ${result}`, tone: 'strong' },
        `· ${formula}`,
      ]),
    },
  ],
})

export const planSweepDocument = ({ topology, paths, currency, points }: PlanSweep): Document => ({
  title: `${topology.name}, planned at ${points.length} points of ${paths.join(', ')}`,
  sections: [
    {
      table: {
        columns: [
          ...paths.map((path) => right(path.split('.').slice(-2).join('.'))),
          right('at most'),
          right('headroom'),
          left('', true),
          right('p95'),
          right('cost', true),
          left('limited by'),
          right('findings', true),
        ],
        rows: points.map((point) => [
          ...point.values,
          formatRate(point.maxThroughputPerSecond),
          point.headroomRatio !== null && point.headroomRatio <= 0
            ? { text: formatRatio(point.headroomRatio), tone: 'bad' as const }
            : formatRatio(point.headroomRatio),
          bar(point.utilization ?? 0),
          point.p95Seconds === null ? { text: 'unbounded', tone: 'bad' as const } : formatSeconds(point.p95Seconds),
          `${point.costPerMonth.toFixed(0)} ${currency}`,
          point.bottleneck ?? missing,
          `${point.errors} errors, ${point.warnings} warnings`,
        ]),
      },
      lines: ['p95: of the class that has the largest; headroom at the load that the file (or the point) declares'],
    },
  ],
})

const changed = (value: number | null): Cell =>
  value === null ? { text: 'without bound', tone: 'bad' } : formatSignedRatio(value)

export const sensitivityDocument = (
  name: string,
  { p95, cost }: { readonly p95: readonly Sensitivity[]; readonly cost: readonly Sensitivity[] },
): Document => ({
  title: `${name}: the numbers that matter most, each moved by itself`,
  sections: [
    {
      title: 'For the 95th percentile of a class',
      table: {
        columns: [
          left('parameter'),
          right('from'),
          right('to'),
          left('class', true),
          right('p95'),
          right('elasticity'),
        ],
        rows: p95.map(({ path, from, to, p95: effect }) => [
          path,
          from,
          to,
          effect?.request ?? '',
          changed(effect?.change ?? null),
          effect?.elasticity?.toFixed(2) ?? missing,
        ]),
      },
    },
    {
      title: 'For the cost per month',
      ...(cost.length === 0
        ? { lines: ['nothing has a price that a number of the file moves'] }
        : {
            table: {
              columns: [left('parameter'), right('from'), right('to'), right('cost'), right('elasticity')],
              rows: cost.map(({ path, from, to, cost: effect }) => [
                path,
                from,
                to,
                changed(effect?.change ?? null),
                effect?.elasticity.toFixed(2) ?? missing,
              ]),
            },
          }),
    },
  ],
})

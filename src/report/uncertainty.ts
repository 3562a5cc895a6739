/** What the uncertain numbers of a file make of its plan, for a reader. */
import type { Interval, Uncertainty } from '../plan/uncertainty/types.js'
import type { Cell, Column, Section } from './document.js'
import { objectiveName } from './objective.js'
import { formatQuantity, formatRate, formatRatio, formatSeconds, missing, unitOf } from './quantity.js'

const right = (name: string, optional = false): Column => ({ name, align: 'right', optional })
const left = (name: string): Column => ({ name, align: 'left' })

type Format = (value: number) => string

const cells = ({ mid, p5, p50, p95 }: Interval, format: Format, unbounded: Cell): readonly Cell[] =>
  [mid, p5, p50, p95].map((value) => (value === null ? unbounded : format(value)))

const without: Cell = { text: 'unbounded', tone: 'bad' }

/** `97 %`; not all is never written as all, nor some as none. */
const shareText = (share: number): string =>
  share > 0.995 && share < 1 ? '>99 %' : share > 0 && share < 0.005 ? '<1 %' : `${Math.round(share * 100)} %`

const holding = (share: number | null): Cell =>
  share === null ? '' : { text: shareText(share), tone: share === 1 ? 'good' : share < 0.5 ? 'bad' : 'strong' }

const classRows = (uncertainty: Uncertainty): readonly (readonly Cell[])[] =>
  Object.entries(uncertainty.requests).flatMap(([id, { residenceSeconds, p95Seconds }]) => {
    const objectives = uncertainty.objectives.filter(({ request }) => request === id)
    // What an objective is about is told with it.
    const isTold = (path: string): boolean => objectives.some((objective) => objective.path === path)
    return [
      ...(isTold('latency.mean') ? [] : [[id, 'mean', ...cells(residenceSeconds, formatSeconds, without), '']]),
      ...(isTold('latency.p95') ? [] : [[id, 'p95', ...cells(p95Seconds, formatSeconds, without), '']]),
      ...objectives.flatMap(({ path, bound, predicted, breaksAtPerSecond, holds }) => {
        const unit = unitOf(path)
        const name = objectiveName(path)
        const format: Format = (value) => formatQuantity(value, unit)
        return [
          [
            id,
            `${name} ≤ ${format(bound)}`,
            ...cells(predicted, format, holds === null ? missing : without),
            holding(holds),
          ],
          [id, `${name} breaks at`, ...cells(breaksAtPerSecond, formatRate, missing), ''],
        ]
      }),
    ]
  })

export const uncertaintySections = (
  uncertainty: Uncertainty | null,
  { currency, headroom }: { readonly currency: string; readonly headroom: number },
): readonly Section[] => {
  if (uncertainty === null) return []
  const { inputs, samples, refused, seed, bottlenecks } = uncertainty
  const money: Format = (amount) => `${amount.toFixed(0)} ${currency}`
  return [
    {
      title: 'Uncertain',
      table: {
        columns: [left('number'), right('low'), right('mid'), right('high')],
        rows: inputs.map(({ path, low, mid, high }) => [path, low, mid, high]),
      },
      lines: [
        `${samples} samples, seed ${seed}${refused === 0 ? '' : `; ${refused} more contradict themselves and are left out`}`,
      ],
    },
    {
      table: {
        columns: [
          left('of'),
          left(''),
          right('mid'),
          right('5 %'),
          right('50 %', true),
          right('95 %'),
          right('holds in'),
        ],
        rows: [
          ['system', 'at most', ...cells(uncertainty.maxThroughputPerSecond, formatRate, missing), ''],
          [
            'system',
            `headroom ≥ ${formatRatio(headroom)}`,
            ...cells(uncertainty.headroomRatio, formatRatio, missing),
            holding(uncertainty.headroomSuffices),
          ],
          ['system', 'cost per month', ...cells(uncertainty.costPerMonth, money, missing), ''],
          ...classRows(uncertainty),
        ],
      },
      lines: [
        `exhausted first: ${bottlenecks.map(({ id, share }) => `${id ?? 'nothing'} ${shareText(share)}`).join(', ')}`,
      ],
    },
  ]
}

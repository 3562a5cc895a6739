/** What a change does, for a terminal or as a comment on a pull request. */
import type { DifferenceRow, DifferenceUnit, PlanDifference } from '../plan/difference.js'
import { type Cell, type Document, renderMarkdown, renderText, type TextOptions } from './document.js'
import { formatNumber, formatRate, formatRatio, formatSeconds, formatSignedRatio, missing } from './quantity.js'

const formats: Readonly<Record<Exclude<DifferenceUnit, 'money'>, (value: number | null) => string>> = {
  seconds: formatSeconds,
  ratio: formatRatio,
  'per-second': formatRate,
  count: formatNumber,
}

const format = (value: number | null, unit: DifferenceUnit, currency: string): string =>
  unit === 'money' ? (value === null ? missing : `${value.toFixed(2)} ${currency}`) : formats[unit](value)

/** Ratios in points, counts and money as they are, the rest relative. */
const changeText = ({ base, head, unit }: DifferenceRow): string => {
  if (base === null || head === null) return base === head ? '' : base === null ? 'new' : 'gone or unbounded'
  const change = head - base
  if (Math.abs(change) <= 1e-9 * Math.max(Math.abs(base), Math.abs(head))) return '='
  const sign = change > 0 ? '+' : '−'
  if (unit === 'ratio') return `${sign}${(Math.abs(change) * 100).toFixed(1)} points`
  if (unit === 'count') return `${sign}${formatNumber(Math.abs(change))}`
  if (base === 0) return ''
  const text = formatSignedRatio(change / base)
  return text === '0.0 %' ? '=' : text
}

const toned = (row: DifferenceRow, text: string): Cell => {
  const { base, head, better } = row
  if (better === 0 || base === null || head === null || text === '=' || text === '') return text
  return { text, tone: (head - base) * better > 0 ? 'good' : 'bad' }
}

const findingLine = (mark: string, { severity, rule, subject, message }: PlanDifference['findings']['added'][number]) =>
  `${mark} ${severity} ${rule} (${subject}): ${message}`

/** `title`: what was compared. */
export const differenceDocument = (difference: PlanDifference, title: string): Document => {
  const { rows, findings, survival, bottlenecks, currency } = difference
  const moved =
    bottlenecks.base === bottlenecks.head
      ? `limited by ${bottlenecks.head ?? 'nothing'}, as before`
      : `limited by ${bottlenecks.head ?? 'nothing'} instead of ${bottlenecks.base ?? 'nothing'}`
  return {
    title,
    sections: [
      {
        table: {
          columns: [
            { name: 'of', align: 'left' },
            { name: 'quantity', align: 'left' },
            { name: 'before', align: 'right' },
            { name: 'after', align: 'right' },
            { name: 'change', align: 'right' },
          ],
          rows: rows.map((row) => [
            row.subject,
            row.quantity,
            format(row.base, row.unit, currency),
            format(row.head, row.unit, currency),
            toned(row, changeText(row)),
          ]),
        },
        lines: [
          moved,
          ...(survival.gained.length === 0 ? [] : [`survives now: ${survival.gained.join(', ')}`]),
          ...(survival.lost.length === 0
            ? []
            : [{ text: `no longer survives: ${survival.lost.join(', ')}`, tone: 'bad' as const }]),
        ],
      },
      {
        title: 'Findings',
        lines:
          findings.added.length + findings.removed.length + findings.changed.length === 0
            ? ['none came, none went']
            : [
                ...findings.added.map((finding): Cell => ({ text: findingLine('new:', finding), tone: 'bad' })),
                ...findings.changed.map((finding): Cell => findingLine('changed:', finding)),
                ...findings.removed.map((finding): Cell => ({ text: findingLine('gone:', finding), tone: 'good' })),
              ],
      },
    ],
  }
}

export const formatDifference = (difference: PlanDifference, title: string, options: TextOptions): string =>
  renderText(differenceDocument(difference, title), options)

export const differenceMarkdown = (difference: PlanDifference, title: string): string =>
  renderMarkdown(differenceDocument(difference, title))

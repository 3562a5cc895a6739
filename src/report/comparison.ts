/** The comparison for a reader: one row per quantity, and one sentence per reason to doubt. */
import type { Comparison, ComparisonRow } from '../contract/comparison.js'
import { type Cell, type Document, renderMarkdown, renderText, type Tone } from './document.js'
import { paintFor } from './paint.js'
import { formatQuantity, formatSignedRatio } from './quantity.js'
import type { FormatOptions } from './result.js'

const tones = { pass: 'good', fail: 'bad', invalid: 'dim' } satisfies Record<ComparisonRow['verdict'], Tone>

/** `1.23 ms ± 40 µs`: a prediction with its interval, a measurement with the spread of equal runs. */
const withWidth = (value: number | null, width: number | undefined, unit: ComparisonRow['unit']): string =>
  width === undefined || value === null
    ? formatQuantity(value, unit)
    : `${formatQuantity(value, unit)} ± ${formatQuantity(width, unit)}`

/** The subject stands only on the first of its rows. */
const tableRows = (rows: readonly ComparisonRow[]): Cell[][] =>
  rows.map((row, index) => [
    rows[index - 1]?.subject === row.subject ? '' : row.subject,
    row.quantity,
    withWidth(row.predicted, row.halfWidth, row.unit),
    withWidth(row.measured, row.spread, row.unit),
    formatSignedRatio(row.errorRatio),
    { text: row.verdict, tone: tones[row.verdict] },
  ])

/** Every distinct reason once, with the rows that it explains. */
const doubts = (rows: readonly ComparisonRow[]): string[] => {
  const byReason = new Map<string, { suspect: ComparisonRow['suspect']; about: string[] }>()
  for (const row of rows) {
    if (row.why === undefined) continue
    const entry = byReason.get(row.why) ?? { suspect: row.suspect, about: [] }
    entry.about.push(`${row.subject} ${row.quantity}`)
    byReason.set(row.why, entry)
  }
  return [...byReason].map(([why, { suspect, about }]) => {
    const shown = about.length > 3 ? `${about.slice(0, 3).join(', ')} and ${about.length - 3} more` : about.join(', ')
    return `${suspect === undefined ? '' : `${suspect}: `}${why} (${shown})`
  })
}

export const comparisonDocument = (comparison: Comparison): Document => {
  const { rows, runs, validity, stack } = comparison
  const count = (verdict: ComparisonRow['verdict']): number => rows.filter((row) => row.verdict === verdict).length
  const reasons = doubts(rows)
  return {
    title: `${stack.experiment.name} of ${stack.topology.name}: predicted beside measured`,
    sections: [
      {
        table: {
          columns: [
            { name: 'subject', align: 'left' },
            { name: 'quantity', align: 'left' },
            { name: 'predicted', align: 'right' },
            { name: 'measured', align: 'right' },
            { name: 'error', align: 'right' },
            { name: 'verdict', align: 'left' },
          ],
          rows: tableRows(rows),
        },
      },
      {
        lines: [
          `${count('pass')} within tolerance, ${count('fail')} not, ${count('invalid')} cannot be judged; error = (predicted − measured) / measured`,
          ...(runs.counted + runs.disturbed === 1
            ? []
            : [
                `measured: medians of ${runs.counted} runs ± half their range${runs.disturbed === 0 ? '' : `; ${runs.disturbed} more were disturbed and left out`}`,
              ]),
        ],
      },
      ...(reasons.length === 0 ? [] : [{ title: 'what to distrust', lines: reasons }]),
      ...(validity.verdict === 'valid' ? [] : [{ title: 'the measurement is in doubt', lines: validity.reasons }]),
    ],
  }
}

export const formatComparison = (comparison: Comparison, { columns, color }: FormatOptions): string =>
  renderText(comparisonDocument(comparison), { columns, paint: paintFor(color) })

export const comparisonMarkdown = (comparison: Comparison): string => renderMarkdown(comparisonDocument(comparison))

/** The comparison for a reader: one row per quantity, and one sentence per reason to doubt. */
import type { Comparison, ComparisonRow } from '../contract/comparison.js'
import { type Cell, type Document, renderMarkdown, renderText, type Tone } from './document.js'
import { paintFor } from './paint.js'
import { formatQuantity, formatSignedRatio } from './quantity.js'
import type { FormatOptions } from './result.js'

const tones = { pass: 'good', fail: 'bad', invalid: 'dim' } satisfies Record<ComparisonRow['verdict'], Tone>

/** The subject stands only on the first of its rows. */
const tableRows = (rows: readonly ComparisonRow[]): Cell[][] =>
  rows.map((row, index) => [
    rows[index - 1]?.subject === row.subject ? '' : row.subject,
    row.quantity,
    formatQuantity(row.predicted, row.unit),
    formatQuantity(row.measured, row.unit),
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
  const { rows, validity, stack } = comparison
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

/** Theory beside simulation for a reader. */
import type { Basis, CheckRow, TheoryCheck } from '../sim/analytic/check.js'
import { type Cell, type Document, renderText, type Section } from './document.js'
import { paintFor } from './paint.js'
import { formatQuantity, formatSignedRatio, missing } from './quantity.js'

const right = (name: string) => ({ name, align: 'right' }) as const
const left = (name: string, optional = false) => ({ name, align: 'left', optional }) as const

const marks = { exact: '=', approximation: '≈', 'does-not-apply': '≠' } satisfies Record<Basis, string>

/** `latency.p95` of a class is its p95; `pools.main.waiting` of a pool is who waits for it. */
const quantityText = ({ quantity }: CheckRow): string => {
  const words = quantity.split('.')
  if (quantity === 'ratePerSecond') return 'rate'
  if (quantity === 'queue.mean') return 'in it'
  if (quantity === 'utilization.cpu') return 'cpu'
  if (quantity === 'completion.mean') return 'done'
  if (words[0] === 'pools') return words[2] === 'inUse' ? 'in use' : 'waiting'
  return words[1] ?? quantity
}

/** Only an exact formula outside of the interval is news; one run in twenty has it there by chance. */
const verdict = ({ inside, basis }: CheckRow): Cell => {
  if (inside === null) return missing
  if (inside) return basis === 'exact' ? { text: 'inside', tone: 'good' } : 'inside'
  return basis === 'exact' ? { text: 'outside', tone: 'bad' } : { text: 'outside', tone: 'dim' }
}

const rowCells = (row: CheckRow): readonly Cell[] => [
  row.subject,
  quantityText(row),
  row.theory === null ? 'unbounded' : formatQuantity(row.theory, row.unit),
  marks[row.basis],
  formatQuantity(row.simulated, row.unit),
  row.halfWidth === null ? missing : formatQuantity(row.halfWidth, row.unit),
  formatSignedRatio(row.difference),
  verdict(row),
  row.formula,
]

const table = (rows: readonly CheckRow[]): Section => ({
  table: {
    columns: [
      left('of'),
      left('quantity'),
      right('theory'),
      left(''),
      right('simulated'),
      right('±'),
      right('off by'),
      left('interval'),
      left('formula', true),
    ],
    rows: rows.map(rowCells),
  },
})

/** Each reason once, with whom it concerns. */
const reasons = (rows: readonly CheckRow[], caveats: ReadonlySet<string>): readonly Cell[] => {
  const found = new Map<string, Set<string>>()
  for (const { subject, why, basis } of rows) {
    if (why === undefined || caveats.has(why) || basis === 'does-not-apply') continue
    const text = why.startsWith(`${subject}: `) ? why.slice(subject.length + 2) : why
    found.set(text, (found.get(text) ?? new Set()).add(subject))
  }
  return [...found].map(([why, subjects]) => `≈ ${[...subjects].join(', ')}: ${why}`)
}

const summaryLine = ({ summary, caveats }: TheoryCheck): Cell => {
  const { exact, inside, outside } = summary
  if (caveats.some(({ basis }) => basis === 'does-not-apply'))
    return { text: 'theory does not apply to this run; its numbers are shown for orientation', tone: 'strong' }
  if (exact === 0) return 'theory is approximate here: no formula is exact'
  if (inside + outside === 0) return `${exact} exact; the run tells no half-widths, so nothing can be judged`
  return `${exact} exact: ${inside} inside the 95 % interval of the simulation, ${outside} outside`
}

export const checkDocument = (check: TheoryCheck): Document => {
  const caveats = new Set(check.caveats.map(({ what }) => what))
  return {
    title: `${check.topology.name}: theory beside simulation, ${check.load}`,
    sections: [
      table(check.rows),
      {
        lines: [
          { text: '= exact   ≈ approximation   ≠ does not apply', tone: 'dim' },
          ...check.caveats.map(
            ({ what, why, basis }): Cell => `${basis === 'does-not-apply' ? '≠' : '≈'} ${what}: ${why}`,
          ),
          ...reasons(check.rows, caveats),
          summaryLine(check),
        ],
      },
    ],
  }
}

export const formatCheck = (
  check: TheoryCheck,
  { columns, color }: { readonly columns: number; readonly color: boolean },
): string => renderText(checkDocument(check), { columns, paint: paintFor(color) })

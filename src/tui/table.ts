/** A table in a rectangle: columns that have no room are left out, rows that have none are scrolled. */
import { cut, padded } from './cells.js'
import type { Style } from './style.js'

export interface TableColumn {
  readonly name: string
  readonly align: 'left' | 'right'
  /** The higher, the earlier it is left out where there is no room; absent: never. */
  readonly dispensable?: number
  /** Cells that it takes at least, so that columns do not jump as values change. */
  readonly least?: number
  /** Takes what the others leave, down to `least`. */
  readonly takesRest?: true
  /** Belongs to the column before it. */
  readonly isBeside?: true
}

export interface TableRow {
  readonly cells: readonly string[]
  readonly tone?: 'good' | 'bad' | 'dim' | undefined
}

export interface TableOptions {
  readonly width: number
  /** With the line of column names. */
  readonly height: number
  /** Undefined: none is marked. */
  readonly selected: number | undefined
  readonly style: Style
}

const gutter = 2
const gapBefore = ({ isBeside }: TableColumn): number => (isBeside === true ? 1 : 2)

/** Narrower than this, names tell nothing. */
const leastName = 12

interface Shown {
  readonly index: number
  readonly column: TableColumn
  readonly width: number
}

export const tableLines = (
  columns: readonly TableColumn[],
  rows: readonly TableRow[],
  { width, height, selected, style }: TableOptions,
): readonly string[] => {
  if (height <= 0) return []
  const { paint, glyphs } = style
  const shown = widths(columns, rows, width - gutter)
  const line = (cells: readonly string[]): string =>
    shown
      .map(({ index, column, width: cell }, place) => {
        const gap = place === 0 ? 0 : gapBefore(column)
        return ' '.repeat(gap) + padded(cells[index] ?? '', cell, glyphs.more, column.align)
      })
      .join('')
      .trimEnd()
  const visible = scrolled(rows.length, height - 1, selected)
  const mark = (row: number): string => {
    if (row === selected) return glyphs.selected
    if (row === visible.from && row > 0) return glyphs.above
    return row === visible.to - 1 && row < rows.length - 1 ? glyphs.below : ' '
  }
  return [
    paint.dim(cut(`  ${line(columns.map(({ name }) => name))}`, width, glyphs.more)),
    ...rows.slice(visible.from, visible.to).map(({ cells, tone }, i) => {
      const row = visible.from + i
      const text = cut(`${mark(row)} ${line(cells)}`, width, glyphs.more)
      const painted = tone === undefined ? text : paint[tone](text)
      return row === selected ? paint.strong(painted) : painted
    }),
  ]
}

/** Which rows are to be seen: the selected one among them. */
const scrolled = (count: number, room: number, selected = 0): { readonly from: number; readonly to: number } => {
  const from = Math.max(0, Math.min(selected - room + 1, count - room))
  return { from, to: Math.min(count, from + room) }
}

const widths = (columns: readonly TableColumn[], rows: readonly TableRow[], room: number): readonly Shown[] => {
  const natural = (index: number, { name, least = 0 }: TableColumn): number =>
    Math.max(name.length, least, ...rows.map(({ cells }) => [...(cells[index] ?? '')].length))
  let shown: readonly Shown[] = columns.map((column, index) => ({ index, column, width: natural(index, column) }))
  /** Needed when those that can give way have given way. */
  const needed = ({ index, column, width }: Shown): number => {
    if (column.takesRest) return column.least ?? 0
    return index === 0 ? Math.min(width, leastName) : width
  }
  const total = (value: (one: Shown) => number): number =>
    shown.reduce((sum, one, place) => sum + value(one) + (place === 0 ? 0 : gapBefore(one.column)), 0)
  while (total(needed) > room) {
    const dispensable = shown.filter(({ column }) => column.dispensable !== undefined)
    const first = dispensable.toSorted((a, b) => (b.column.dispensable ?? 0) - (a.column.dispensable ?? 0))[0]
    if (first === undefined) break
    shown = shown.filter((one) => one !== first)
  }
  for (const gives of [({ column }: Shown) => column.takesRest === true, ({ index }: Shown) => index === 0]) {
    const excess = total(({ width }) => width) - room
    if (excess <= 0) break
    shown = shown.map((one) => (gives(one) ? { ...one, width: Math.max(needed(one), one.width - excess) } : one))
  }
  return shown
}

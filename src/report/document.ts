/** What a report says, apart from how it is set: sections of tables and lines, rendered for a terminal or as Markdown. */
import type { Paint } from './problems.js'

export interface Document {
  readonly title: string
  readonly sections: readonly Section[]
}

export interface Section {
  /** Absent: the section goes on where the one before it ends. */
  readonly title?: string
  readonly table?: Table
  readonly lines?: readonly Cell[]
}

export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface Column {
  readonly name: string
  readonly align: 'left' | 'right'
  /** Left out where the terminal is too narrow; the last such column goes first. */
  readonly optional?: boolean
}

export type Tone = 'good' | 'bad' | 'dim' | 'strong'
export type Cell = string | { readonly text: string; readonly tone: Tone }

const textOf = (cell: Cell | undefined): string =>
  cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text

const painted = (cell: Cell, text: string, paint: Paint): string =>
  typeof cell === 'string' ? text : paint[cell.tone](text)

/** Columns of characters; all our text is in scripts whose characters take one. */
const widthOf = (text: string): number => [...text].length

const separator = '  '

/** Natural widths; too wide for `columns`: optional columns go, last first, then the first column is cut. */
const layout = (table: Table, columns: number): readonly { readonly index: number; readonly width: number }[] => {
  let shown = table.columns.map((column, index) => ({
    index,
    width: Math.max(widthOf(column.name), ...table.rows.map((row) => widthOf(textOf(row[index])))),
  }))
  const total = (): number => shown.reduce((sum, { width }) => sum + width + separator.length, -separator.length)
  while (total() > columns) {
    const drop = shown.findLast(({ index }) => table.columns[index]?.optional === true)
    if (drop === undefined) break
    shown = shown.filter((entry) => entry !== drop)
  }
  const excess = total() - columns
  const first = shown[0]
  if (excess > 0 && first !== undefined)
    shown = [{ ...first, width: Math.max(4, first.width - excess) }, ...shown.slice(1)]
  return shown
}

/** Cut with an ellipsis, else filled with spaces. */
const fitted = (text: string, width: number): { readonly text: string; readonly fill: string } => {
  const characters = [...text]
  return characters.length > width
    ? { text: `${characters.slice(0, width - 1).join('')}…`, fill: '' }
    : { text, fill: ' '.repeat(width - characters.length) }
}

const tableText = (table: Table, columns: number, paint: Paint): string[] => {
  const shown = layout(table, columns)
  const line = (cellOf: (index: number) => Cell): string =>
    shown
      .map(({ index, width }) => {
        const cell = cellOf(index)
        const { text, fill } = fitted(textOf(cell), width)
        return table.columns[index]?.align === 'right'
          ? fill + painted(cell, text, paint)
          : painted(cell, text, paint) + fill
      })
      .join(separator)
      .trimEnd()
  return [
    line((index) => ({ text: table.columns[index]?.name ?? '', tone: 'dim' })),
    ...table.rows.map((row) => line((index) => row[index] ?? '')),
  ]
}

/** Breaks at spaces; continuation lines are indented by two. */
export const wrap = (text: string, columns: number): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const next = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(next) > columns) {
      lines.push(line)
      line = `  ${word}`
    } else line = next
  }
  return [...lines, line]
}

export interface TextOptions {
  /** Width of the terminal. */
  readonly columns: number
  readonly paint: Paint
}

/** Plain text, never wider than `columns` as far as words allow; ends with a newline. */
export const renderText = (document: Document, { columns, paint }: TextOptions): string => {
  const blocks = document.sections.map((section) => [
    ...(section.title === undefined ? [] : [paint.strong(section.title)]),
    ...(section.table === undefined ? [] : tableText(section.table, columns, paint)),
    ...(section.lines ?? []).flatMap((cell) => wrap(textOf(cell), columns).map((line) => painted(cell, line, paint))),
  ])
  const title = wrap(document.title, columns).map((line) => paint.strong(line))
  return `${[title, ...blocks].map((lines) => lines.join('\n')).join('\n\n')}\n`
}

const escapeMarkdown = (text: string): string => text.replace(/([|<>`*_\\])/g, '\\$1')

const tableMarkdown = (table: Table): string => {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    row(table.columns.map((column) => escapeMarkdown(column.name))),
    row(table.columns.map((column) => (column.align === 'right' ? '--:' : ':--'))),
    ...table.rows.map((cells) => row(table.columns.map((_, index) => escapeMarkdown(textOf(cells[index]))))),
  ].join('\n')
}

export const renderMarkdown = (document: Document): string => {
  const blocks = document.sections.flatMap((section) => [
    ...(section.title === undefined ? [] : [`## ${escapeMarkdown(section.title)}`]),
    ...(section.table === undefined ? [] : [tableMarkdown(section.table)]),
    ...(section.lines === undefined || section.lines.length === 0
      ? []
      : [section.lines.map((cell) => `- ${escapeMarkdown(textOf(cell))}`).join('\n')]),
  ])
  return `${[`# ${escapeMarkdown(document.title)}`, ...blocks].join('\n\n')}\n`
}

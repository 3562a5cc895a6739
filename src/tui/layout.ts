/** Where things are in a terminal, from 60 × 16 cells on. Everything is as wide as the terminal, and one row lower. */

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Layout {
  /** Rows of charts, each with the widths of those in it. */
  readonly charts: readonly { readonly height: number; readonly widths: readonly number[] }[]
  /** Beside each other, or one above the other. */
  readonly isBeside: boolean
  readonly requests: Size
  readonly resources: Size
  readonly detail: Size
  readonly log: Size
}

export const least = { columns: 60, rows: 16 } as const

export const headerHeight = 2
export const footerHeight = 1

/** Cells between what is beside each other. */
export const gutter = 2

/** From here on both tables have room for everything beside each other. */
const besideFrom = 190

/** From here on there are two rows of charts. */
const tall = 36

export interface Content {
  readonly requests: number
  readonly resources: number
}

/** `rows` of the terminal: the last one stays empty, since a full screen makes it scroll. Undefined: it is too small. */
export const layoutOf = (columns: number, rows: number, content: Content): Layout | undefined => {
  if (columns < least.columns || rows < least.rows) return undefined
  const body = rows - 1 - headerHeight - footerHeight
  const charts = chartRows(columns, body)
  const left = body - charts.reduce((sum, { height }) => sum + height, 0)
  return columns >= besideFrom ? beside(columns, left, charts, content) : stacked(columns, left, charts, content)
}

const chartRows = (columns: number, body: number): Layout['charts'] => {
  if (body >= tall) {
    // Odd, so that there is a row in the middle for its label.
    const height = body < 40 ? 9 : columns >= besideFrom && body >= 44 ? 13 : 11
    return [
      { height, widths: divided(columns, 2) },
      { height, widths: divided(columns, 2) },
    ]
  }
  const height = body < 16 ? 5 : body < 23 ? 7 : 9
  return [{ height, widths: divided(columns, columns >= 150 ? 4 : columns >= 110 ? 3 : 2) }]
}

/** Without gaps at the ends. */
const divided = (columns: number, parts: number): readonly number[] => {
  const room = columns - gutter * (parts - 1)
  return Array.from({ length: parts }, (_, i) => Math.floor((room * (i + 1)) / parts) - Math.floor((room * i) / parts))
}

/** Requests and what happened on the left, components and the detail on the right. */
const beside = (columns: number, height: number, charts: Layout['charts'], content: Content): Layout => {
  const [left = 0, right = 0] = divided(columns, 2)
  const requests = Math.min(content.requests + 1, Math.max(2, height - 4))
  const detail = height >= 14 ? 4 : height >= 9 ? 2 : 0
  return {
    charts,
    isBeside: true,
    requests: { width: left, height: requests },
    resources: { width: right, height: Math.min(content.resources + 1, height - detail) },
    detail: { width: right, height: detail },
    log: { width: left, height: height - requests },
  }
}

/** Requests, components, the detail, what happened. What is short of rows scrolls. */
const stacked = (columns: number, height: number, charts: Layout['charts'], content: Content): Layout => {
  const detail = height >= 12 ? (height >= 20 ? 2 : 1) : 0
  const log = Math.max(1, Math.min(8, Math.floor(height / 6)))
  const room = height - detail - log
  const requests = Math.min(content.requests + 1, Math.max(2, Math.floor(room * 0.4)))
  const resources = Math.min(content.resources + 1, room - requests)
  const spare = room - requests - resources
  return {
    charts,
    isBeside: false,
    requests: { width: columns, height: requests },
    resources: { width: columns, height: resources },
    detail: { width: columns, height: detail },
    log: { width: columns, height: log + spare },
  }
}

/**
 * A curve with its interval in a terminal: braille dots on shaded cells, or plain ASCII. No colour is needed to read it, and
 * it is as wide as it is told, never wider.
 */

export interface Series {
  /** What marks it where there are several. */
  readonly mark: string
  /** Its points alone, without a line through them: what was measured. */
  readonly onlyPoints?: boolean
  readonly points: readonly CurvePoint[]
}

export interface CurvePoint {
  readonly x: number
  /** Null: there is none. */
  readonly y: number | null
  /** 95 % half-width; absent: none is known. */
  readonly halfWidth?: number | undefined
}

export interface CurveOptions {
  readonly title: string
  readonly xLabel: string
  readonly formatY: (y: number) => string
  /** Below the axis, in their order. */
  readonly xTicks: readonly { readonly x: number; readonly label: string }[]
  readonly columns: number
  /** Of the plot itself; default 10. */
  readonly rows?: number
  readonly ascii: boolean
}

/** A span of values that is drawn by their logarithm: from this ratio of its ends on. */
const logarithmicFrom = 50

export const curveLines = (series: readonly Series[], options: CurveOptions): readonly string[] => {
  const { columns, rows = 10, ascii, formatY } = options
  const points = series.flatMap((one) => one.points)
  const bounds = points.flatMap(({ y, halfWidth = 0 }) => (y === null ? [] : [y - halfWidth, y + halfWidth]))
  const values = points.flatMap(({ y }) => (y === null ? [] : [y]))
  if (values.length === 0) return [`${options.title}: nothing to draw`]
  const isLogarithmic = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= logarithmicFrom
  const floor = isLogarithmic ? Math.min(...values) / 1.2 : Math.min(0, ...bounds)
  const scale = scaleOf(floor, Math.max(...bounds), isLogarithmic)
  const labels = [rows - 1, Math.floor((rows - 1) / 2), 0].map((row) => ({
    row: rows - 1 - row,
    // The middle of the row, in dots.
    text: formatY(scale.value((4 * row + 1.5) / (4 * rows - 1))),
  }))
  const margin = Math.max(...labels.map(({ text }) => [...text].length))
  const width = Math.max(8, columns - margin - 2)
  const xs = points.map(({ x }) => x)
  const low = Math.min(...xs)
  const span = Math.max(...xs) - low || 1
  const column = (x: number): number => (x - low) / span
  const canvas = new Canvas(width, rows, ascii)
  const lines = series.filter(({ onlyPoints = false }) => !onlyPoints)
  for (const one of series)
    draw(canvas, one, { column, height: scale.share, isOnly: lines.length === 1 && one === lines[0] })
  const axis = ascii ? { side: '|', corner: '+', line: '-' } : { side: '┤', corner: '└', line: '─' }
  const body = canvas.lines().map((line, row) => {
    const label = labels.find((one) => one.row === row)?.text ?? ''
    return `${label.padStart(margin)} ${label === '' && !ascii ? '│' : axis.side}${line}`.trimEnd()
  })
  return [
    `${options.title}${isLogarithmic ? ', logarithmic' : ''}`,
    ...body,
    `${' '.repeat(margin)} ${axis.corner}${axis.line.repeat(width)}`,
    ...tickLine(options, { margin, width, column }),
    `${' '.repeat(margin + 2)}${centered(options.xLabel, width)}`.trimEnd(),
  ]
}

/** 0…1 from the bottom to the top of the plot, and back. */
const scaleOf = (floor: number, ceiling: number, isLogarithmic: boolean) => {
  const to = (y: number): number => (isLogarithmic ? Math.log(Math.max(y, floor)) : y)
  const from = to(floor)
  const span = to(ceiling) - from || 1
  return {
    share: (y: number): number => (to(y) - from) / span,
    value: (share: number): number => (isLogarithmic ? Math.exp(from + share * span) : from + share * span),
  }
}

interface Drawing {
  readonly column: (x: number) => number
  readonly height: (y: number) => number
  /** Then it has a band, and its mark is not needed. */
  readonly isOnly: boolean
}

const draw = (
  canvas: Canvas,
  { mark, points, onlyPoints = false }: Series,
  { column, height, isOnly }: Drawing,
): void => {
  const known = points.map(({ x, y, halfWidth }) => ({ x: column(x), y, halfWidth }))
  const ends = (i: number, share: number, which: -1 | 0 | 1): number | undefined => {
    const [a, b] = [known[i], known[i + 1] ?? known[i]]
    if (a === undefined || b === undefined || a.y === null || b.y === null) return undefined
    if (which !== 0 && (a.halfWidth === undefined || b.halfWidth === undefined)) return undefined
    const at = (point: { y: number | null; halfWidth?: number | undefined }): number =>
      height((point.y ?? 0) + which * (point.halfWidth ?? 0))
    return at(a) + (at(b) - at(a)) * share
  }
  /** Which two points `x` lies between, and where. */
  const place = (x: number): readonly [number, number] => {
    const next = known.findIndex((point) => point.x > x)
    const i = next < 0 ? Math.max(0, known.length - 2) : Math.max(0, next - 1)
    const [a, b] = [known[i], known[i + 1]]
    return a === undefined || b === undefined ? [i, 0] : [i, Math.min(1, Math.max(0, (x - a.x) / (b.x - a.x)))]
  }
  if (onlyPoints) {
    for (const { x, y } of known) if (y !== null) canvas.mark(x, height(y), mark)
    return
  }
  if (isOnly)
    canvas.eachColumn((x, shade) => {
      const [i, share] = place(x)
      const [lower, upper] = [ends(i, share, -1), ends(i, share, 1)]
      if (lower !== undefined && upper !== undefined) shade(lower, upper)
    })
  canvas.eachDot((x, dot) => {
    const [i, share] = place(x)
    const y = ends(i, share, 0)
    if (y !== undefined) dot(y)
  })
  for (const { x, y } of known) if (y !== null) canvas.mark(x, height(y), isOnly ? undefined : mark)
}

/** Cells of two by four dots. */
class Canvas {
  private readonly dots: Uint8Array
  private readonly shaded: Uint8Array
  private readonly marks: (string | undefined)[]

  constructor(
    private readonly width: number,
    private readonly rows: number,
    private readonly ascii: boolean,
  ) {
    this.dots = new Uint8Array(width * rows)
    this.shaded = new Uint8Array(width * rows)
    this.marks = new Array(width * rows)
  }

  /** Calls with the place (0…1) of each column of cells, and what shades a part of its height. */
  eachColumn(visit: (x: number, shade: (from: number, to: number) => void) => void): void {
    const { width, rows } = this
    for (let column = 0; column < width; column++)
      visit(column / (width - 1), (from, to) => {
        for (let row = this.rowOf(from); row >= this.rowOf(to); row--)
          if (row >= 0 && row < rows) this.shaded[row * width + column] = 1
      })
  }

  /** The same for each column of dots. The line is closed between neighbours. */
  eachDot(visit: (x: number, dot: (y: number) => void) => void): void {
    const { width } = this
    let before: number | undefined
    for (let column = 0; column < 2 * width; column++) {
      let here: number | undefined
      visit(column / (2 * width - 1), (y) => {
        here = this.dotOf(y)
      })
      if (here !== undefined)
        for (const y of between(before ?? here, here)) {
          const cell = (y >> 2) * width + (column >> 1)
          this.dots[cell] = (this.dots[cell] as number) | (brailleBits[y & 3]?.[column & 1] ?? 0)
        }
      before = here
    }
  }

  /** A point that was simulated. */
  mark(x: number, y: number, mark: string | undefined): void {
    const cell = this.rowOf(y) * this.width + Math.round(x * (this.width - 1))
    this.marks[cell] = mark ?? (this.ascii ? 'o' : '●')
  }

  lines(): readonly string[] {
    return Array.from({ length: this.rows }, (_, row) =>
      Array.from({ length: this.width }, (__, column) => this.cell(row * this.width + column)).join(''),
    )
  }

  private cell(index: number): string {
    const { ascii } = this
    const mark = this.marks[index]
    if (mark !== undefined) return mark
    const dots = this.dots[index] as number
    if (dots > 0) return ascii ? '*' : String.fromCharCode(0x2800 + dots)
    if (this.shaded[index] === 1) return ascii ? ':' : '░'
    return ' '
  }

  private rowOf(y: number): number {
    return this.dotOf(y) >> 2
  }

  /** From the top. */
  private dotOf(y: number): number {
    const last = 4 * this.rows - 1
    return Math.max(0, Math.min(last, Math.round((1 - y) * last)))
  }
}

/** Of the dots of a cell, by row and column (Unicode, Braille Patterns). */
const brailleBits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
]

/** From just behind `from` to `to`, both ends in whichever order. */
const between = (from: number, to: number): readonly number[] => {
  const length = Math.max(1, Math.abs(to - from))
  const step = Math.sign(to - from)
  return Array.from({ length }, (_, i) => to - step * i)
}

const centered = (text: string, width: number): string => {
  const shown = [...text].slice(0, width).join('')
  return ' '.repeat(Math.floor((width - [...shown].length) / 2)) + shown
}

/** As many labels as have room, the first and the last among them. */
const tickLine = (
  { xTicks }: CurveOptions,
  { margin, width, column }: { margin: number; width: number; column: (x: number) => number },
): readonly string[] => {
  const line = new Array<string>(width).fill(' ')
  const free = (from: number, to: number): boolean =>
    from >= 0 && to <= width && line.slice(Math.max(0, from - 1), to + 1).every((c) => c === ' ')
  const order = [xTicks[0], xTicks.at(-1), ...xTicks.slice(1, -1)]
  for (const tick of order) {
    if (tick === undefined) continue
    const label = [...tick.label]
    const center = Math.round(column(tick.x) * (width - 1))
    const from = Math.max(0, Math.min(width - label.length, center - Math.floor(label.length / 2)))
    if (free(from, from + label.length)) for (const [i, c] of label.entries()) line[from + i] = c
  }
  return [`${' '.repeat(margin + 2)}${line.join('')}`.trimEnd()]
}

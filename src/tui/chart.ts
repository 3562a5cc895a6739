/**
 * Measured beside predicted over the time of a run, with axes and units: an area of blocks, which every font has, and a line
 * of dashes across it.
 */
import { Canvas } from './canvas.js'
import { cut, padded } from './cells.js'
import { scaleOf } from './scale.js'
import type { Style } from './style.js'

export interface Sample {
  /** Seconds of the run. */
  readonly from: number
  readonly to: number
  /** Null: there is none. */
  readonly value: number | null
}

export interface ChartOptions {
  readonly title: string
  readonly measured: readonly Sample[]
  readonly predicted: readonly Sample[]
  /** How samples that share a column are told: the mean, or the worst. */
  readonly fold: 'mean' | 'max'
  readonly from: number
  readonly to: number
  /** Of the axis at least; the values may need more. */
  readonly ceiling?: number
  readonly format: (value: number) => string
  /** By the logarithm, where the values span it. */
  readonly mayBeLogarithmic?: boolean
  /** Injected or undone, in seconds of the run. */
  readonly marks: readonly { readonly at: number; readonly isUndone: boolean }[]
  readonly tone: 'good' | 'bad'
  readonly width: number
  readonly height: number
  readonly style: Style
}

/** Of the values at the axis, so that charts beside each other begin in one column. */
const labelWidth = 8

export const chartLines = (options: ChartOptions): readonly string[] => {
  const { measured, predicted, width, height, style, from, to, format } = options
  const { paint, glyphs } = style
  const rows = height - 2
  const columns = width - labelWidth - 1
  if (rows < 2 || columns < 8) return [paint.strong(cut(options.title, width, glyphs.more))]
  const values = [...measured, ...predicted].flatMap(({ value, ...span }) =>
    value === null || span.to <= from || span.from >= to ? [] : [value],
  )
  const scale = scaleOf(values, options.ceiling, options.mayBeLogarithmic === true)
  const canvas = new Canvas(columns, rows, glyphs)
  for (const { at, isUndone } of options.marks)
    if (!isUndone) canvas.vertical(Math.floor(((at - from) / (to - from)) * columns))
  const heights = (samples: readonly Sample[]): readonly (number | null)[] =>
    inColumns(samples, { from, to, count: columns, fold: options.fold }).map((value) =>
      value === null ? null : scale.share(value),
    )
  canvas.predict(heights(predicted))
  canvas.measure(heights(measured))
  const middle = (rows - 1) / 2
  const labels = new Map([
    [0, scale.value(1)],
    [rows - 1, scale.value(0)],
    ...(rows >= 5 && Number.isInteger(middle) ? [[middle, scale.value(0.5)] as const] : []),
  ])
  const body = canvas.rows().map((row, i) => {
    const label = labels.get(i)
    const axis = padded(label === undefined ? '' : format(label), labelWidth, glyphs.more, 'right')
    const painted = row.map(({ text, kind }) => {
      if (kind === 'measured') return paint[options.tone](text)
      return kind === 'during' ? paint.dim(text) : text
    })
    return `${paint.dim(axis + (label === undefined ? glyphs.side : glyphs.tick))}${painted.join('')}`
  })
  const title = `${options.title}${scale.isLogarithmic ? '  log' : ''}`
  return [paint.strong(cut(title, width, glyphs.more)), ...body, timeAxis(options, columns)]
}

/** One value for each of `count` columns: a sample stands for its whole span. */
const inColumns = (
  samples: readonly Sample[],
  { from, to, count, fold }: { from: number; to: number; count: number; fold: 'mean' | 'max' },
): readonly (number | null)[] => {
  const sums = new Float64Array(count)
  const weights = new Float64Array(count)
  const perColumn = (to - from) / count
  for (const { value, ...span } of samples) {
    if (value === null || span.to <= from || span.from >= to) continue
    const first = Math.max(0, Math.floor((span.from - from) / perColumn + 1e-9))
    const last = Math.min(count - 1, Math.max(first, Math.ceil((span.to - from) / perColumn - 1e-9) - 1))
    for (let column = first; column <= last; column++) {
      const weight = weights[column] as number
      const sum = sums[column] as number
      sums[column] = fold === 'mean' || weight === 0 ? sum + value : Math.max(sum, value)
      weights[column] = fold === 'mean' ? weight + 1 : 1
    }
  }
  return Array.from(sums, (sum, column) => (weights[column] === 0 ? null : sum / (weights[column] as number)))
}

/** When it begins and ends, and what struck in between. */
const timeAxis = ({ from, to, marks, style: { paint, glyphs } }: ChartOptions, columns: number): string => {
  const cells: string[] = new Array(columns).fill(glyphs.rule)
  const write = (text: string, at: number): void => {
    for (const [i, character] of [...text].entries()) cells[at + i] = character
  }
  const end = ` ${timeLabel(to)}`
  write(`${timeLabel(from)} `, 0)
  write(end, columns - end.length)
  const marked = new Set<number>()
  for (const { at, isUndone } of marks) {
    if (at < from || at > to) continue
    const column = Math.min(columns - 1, Math.floor(((at - from) / (to - from)) * columns))
    cells[column] = isUndone ? glyphs.undone : glyphs.fault
    marked.add(column)
  }
  const painted = cells.map((cell, column) => (marked.has(column) ? paint.bad(cell) : paint.dim(cell)))
  return `${' '.repeat(labelWidth)}${paint.dim(glyphs.corner)}${painted.join('')}`
}

/** `90 s`, `12:30` (minutes and seconds), `2:00:00`. */
export const timeLabel = (seconds: number): string => {
  const whole = Math.floor(seconds)
  if (whole < 120) return `${whole} s`
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`
  return `${Math.floor(whole / 3600)}:${two((whole % 3600) / 60)}:${two(whole % 60)}`
}

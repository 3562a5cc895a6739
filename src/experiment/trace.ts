/** Recorded arrivals as CSV. */
import { suggestion } from '../lib/did-you-mean.js'
import type { Parsed } from '../lib/units.js'

const maxArrivals = 10_000_000

export interface Trace {
  /** Seconds since the start, ascending. */
  readonly times: Float64Array
  /** Where the file tells the request class of each arrival. */
  readonly classes?: RecordedClasses
}

export interface RecordedClasses {
  readonly ids: readonly string[]
  /** Of each arrival: index into `ids`. */
  readonly of: Uint16Array
}

const cellsOf = (line: string): readonly string[] => line.split(/[,;\t]/).map((cell) => cell.trim())

/**
 * An arrival a line: its time in seconds, ascending. A heading may name the columns: `at` (or `time`) is the time, `class` the
 * request class, which must be among `known`; without one the first column is the time. Other columns, blank lines and comments
 * (`#`) are passed over.
 */
export const parseTrace = (text: string, known: readonly string[]): Parsed<Trace> => {
  let times = new Float64Array(1024)
  let of = new Uint16Array(0)
  const ids: string[] = []
  const indices = new Map<string, number>()
  let [timeColumn, classColumn] = [0, -1]
  let count = 0
  let isFirst = true
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const wrong = (message: string, hint?: string): Parsed<Trace> => ({
      ok: false,
      message: `line ${index + 1}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    })
    const cells = cellsOf(line)
    if (isFirst && /^[A-Za-z]/.test(cells[0] ?? '')) {
      isFirst = false
      const names = cells.map((name) => name.toLowerCase())
      timeColumn = Math.max(
        0,
        names.findIndex((name) => name === 'at' || name === 'time'),
      )
      classColumn = names.indexOf('class')
      continue
    }
    isFirst = false
    const cell = cells[timeColumn] ?? ''
    const at = cell === '' ? Number.NaN : Number(cell)
    if (!Number.isFinite(at) || at < 0) return wrong(`expected a time in seconds, got "${cell}"`)
    if (count > 0 && at < (times[count - 1] as number)) return wrong(`${cell} comes before the line above it`)
    if (count >= maxArrivals) return { ok: false, message: `more than ${maxArrivals} arrivals` }
    if (count >= times.length) times = longer(times, new Float64Array(2 * count))
    if (classColumn >= 0) {
      if (count >= of.length) of = longer(of, new Uint16Array(times.length))
      const name = cells[classColumn] ?? ''
      let id = indices.get(name)
      if (id === undefined) {
        if (!known.includes(name)) return wrong(`no request class "${name}"`, suggestion(name, known))
        id = ids.push(name) - 1
        indices.set(name, id)
      }
      of[count] = id
    }
    times[count++] = at
  }
  if (count === 0) return { ok: false, message: 'it holds no arrivals' }
  const classes = classColumn < 0 ? {} : { classes: { ids, of: of.slice(0, count) } }
  return { ok: true, value: { times: times.slice(0, count), ...classes } }
}

const longer = <T extends Float64Array | Uint16Array>(from: T, to: T): T => {
  to.set(from)
  return to
}

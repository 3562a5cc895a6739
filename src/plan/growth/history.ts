/** A rate of growth from what was measured: a line through the logarithms (constant relative growth), with its interval. */
import { linearRegression } from 'simple-statistics'
import { invalidInput } from '../../lib/errors.js'
import { studentT } from '../../lib/student-t.js'

export interface Fitted {
  /** Relative, per month. */
  readonly ratePerMonth: number
  /** Ends of the 95 % interval. */
  readonly low: number
  readonly high: number
  readonly points: number
  /** The day of the last point, ISO. */
  readonly until: string
  /** Of January to December, relative to the trend; undefined: there are not two whole years. */
  readonly season: readonly number[] | undefined
}

interface Point {
  readonly date: Date
  readonly value: number
}

const wrong = (file: string, line: number, message: string, hint: string) =>
  invalidInput({ message, hint, position: { file, line, column: 1 } })

/** `date,value` by line; a first line of names is passed over. Throws PlimsollError for what is neither. */
export const parseHistory = (text: string, file: string): readonly Point[] => {
  const points: Point[] = []
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [day = '', number = ''] = line.split(/[,;\t]/).map((cell) => cell.trim())
    const date = /^\d{4}-\d{2}(-\d{2})?/.test(day)
      ? new Date(day.length === 7 ? `${day}-01` : day)
      : new Date(Number.NaN)
    if (Number.isNaN(date.getTime())) {
      if (points.length === 0 && i === 0) continue
      throw wrong(file, i + 1, `expected a date such as 2026-11-30, got "${day}"`, 'each line: date,load')
    }
    const value = Number(number)
    if (number === '' || !(value > 0))
      throw wrong(file, i + 1, `expected a load of more than 0, got "${number}"`, 'each line: date,load')
    points.push({ date, value })
  }
  if (points.length < 3)
    throw wrong(file, 1, `${points.length} points: a rate with an interval needs at least 3`, 'each line: date,load')
  return points.toSorted((a, b) => a.date.getTime() - b.date.getTime())
}

/** A month is the twelfth part of a year. */
const months = (date: Date): number => date.getTime() / ((365.25 / 12) * 86_400_000)

/** Mean of the residuals of each month of the year, as factors whose mean is 1. */
const seasonOf = (points: readonly Point[], trend: (x: number) => number): readonly number[] | undefined => {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || months(last.date) - months(first.date) < 23) return undefined
  const sums = Array.from({ length: 12 }, () => ({ sum: 0, count: 0 }))
  for (const { date, value } of points) {
    const month = sums[date.getUTCMonth()]
    if (month === undefined) continue
    month.sum += Math.log(value) - trend(months(date))
    month.count += 1
  }
  if (sums.some(({ count }) => count === 0)) return undefined
  const factors = sums.map(({ sum, count }) => Math.exp(sum / count))
  const mean = factors.reduce((sum, factor) => sum + factor, 0) / 12
  return factors.map((factor) => factor / mean)
}

/** Least squares of ln(load) on time; the interval of the slope by Student's t with n − 2 degrees of freedom. */
export const fitGrowth = (points: readonly Point[]): Fitted => {
  const data = points.map(({ date, value }): [number, number] => [months(date), Math.log(value)])
  const centre = data.reduce((sum, [x]) => sum + x, 0) / data.length
  const centred = data.map(([x, y]): [number, number] => [x - centre, y])
  const { m, b } = linearRegression(centred)
  const residual = centred.reduce((sum, [x, y]) => sum + (y - b - m * x) ** 2, 0)
  const spread = centred.reduce((sum, [x]) => sum + x ** 2, 0)
  const freedom = points.length - 2
  const halfWidth = spread === 0 ? Number.POSITIVE_INFINITY : studentT(freedom) * Math.sqrt(residual / freedom / spread)
  return {
    ratePerMonth: Math.expm1(m),
    low: Math.expm1(m - halfWidth),
    high: Math.expm1(m + halfWidth),
    points: points.length,
    until: (points.at(-1)?.date ?? new Date(0)).toISOString().slice(0, 10),
    season: seasonOf(points, (x) => b + m * (x - centre)),
  }
}

/** Values as a file has them. */
import { sizeUnits } from '../../lib/units.js'

/** At most three significant digits, which `up` does not let fall below the value, nor else rise above it. */
const rounded = (value: number, up: boolean): number => {
  if (value <= 0) return 0
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1)
  const steps = value / unit
  return Number(((up ? Math.ceil(steps - 1e-9) : Math.floor(steps + 1e-9)) * unit).toPrecision(3))
}

/** `250ms`, `4s`, `10m`: two significant digits. */
export const durationText = (seconds: number, round: 'up' | 'down' = 'down'): string => {
  const up = round === 'up'
  if (seconds < 0.001) return `${Math.max(1, rounded(seconds * 1e6, up))}us`
  if (seconds < 1) return `${rounded(seconds * 1e3, up)}ms`
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60}m`
  return `${rounded(seconds, up)}s`
}

/** The largest whole number of the largest unit that is not above it. */
export const sizeText = (bytes: number): string => {
  const units = Object.entries(sizeUnits).reverse()
  const [unit, size] = units.find(([, each]) => bytes >= 10 * each) ?? ['B', 1]
  return `${Math.max(1, Math.floor(bytes / size))}${unit}`
}

/** A whole number of at most two significant digits, not above it, at least 1. */
export const roundCount = (value: number): number => Math.max(1, Math.floor(rounded(value, false)))

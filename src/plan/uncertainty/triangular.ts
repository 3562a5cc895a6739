/** Draws of an uncertain number. */
import type { UncertainNumber, Written } from '../../lib/document/uncertain.js'
import { type RandomStream, randomStream } from '../../lib/random.js'

/**
 * The value below which a share `u` of a triangular distribution on [low, high] with this mode lies, by inversion of its
 * distribution function: S. Kotz and J. R. van Dorp, "Beyond Beta", 2004, chapter 1.
 */
export const triangular = (u: number, low: number, mode: number, high: number): number => {
  const width = high - low
  if (width === 0) return mode
  return u * width < mode - low
    ? low + Math.sqrt(u * width * (mode - low))
    : high - Math.sqrt((1 - u) * width * (high - mode))
}

const leadingNumber = /^\s*[+]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/

/** What a value is written as, in the unit of `like`, which is not zero. */
const written = (value: number, like: Written): string => {
  const digits = leadingNumber.exec(like.text)?.[0] ?? ''
  const perUnit = like.value / Number(digits)
  return `${Number((value / perUnit).toPrecision(12))}${like.text.slice(digits.length)}`
}

export interface Draws {
  readonly path: string
  /** The next one, as it could stand in the file. */
  readonly next: () => string
}

/** A stream of its own for each path, so that another uncertain number changes none of them. Counts are rounded. */
export const drawsOf = ({ path, low, mid, high, isWhole }: UncertainNumber, seed: number): Draws => {
  const stream: RandomStream = randomStream(seed, `uncertain ${path}`)
  return {
    path,
    next: () => {
      const value = triangular(stream.uniform(), low.value, mid.value, high.value)
      // Without width there is nothing to write otherwise, and zero has no unit to go by.
      if (high.value === low.value) return mid.text
      return isWhole ? String(Math.round(value)) : written(value, high)
    },
  }
}

/**
 * Confidence intervals of quotients and quantiles from batches: consecutive intervals of one run, or whole replications.
 *
 * Of a quotient R = Σn/Σd over b batches, by the delta method: Var R ≈ b/(b − 1)·Σ(nᵢ − R·dᵢ)²/(Σd)² (A. M. Law, Simulation
 * Modeling and Analysis, 9.5.3; batch means: Schmeiser 1982). Of a quantile, by the interval of the share of samples below
 * it, carried over by the pooled distribution (R. S. Woodruff 1952): no density has to be estimated.
 */
import { studentT } from '../../lib/student-t.js'
import type { LatencyHistogram } from '../histogram.js'
import type { Quotient } from './interval-series.js'

export const confidence = 0.95

/** Sums of each `size` consecutive values; what is left over at the beginning, nearest to the warm-up, is dropped. */
export const inBatches = (values: Float64Array, size: number): Float64Array => {
  const count = Math.floor(values.length / size)
  const skipped = values.length - count * size
  const sums = new Float64Array(count)
  for (let i = 0; i < count * size; i++) {
    const batch = Math.floor(i / size)
    sums[batch] = (sums[batch] as number) + (values[skipped + i] as number)
  }
  return sums
}

export const batched = ({ over, under }: Quotient, size: number): Quotient =>
  size === 1 ? { over, under } : { over: inBatches(over, size), under: inBatches(under, size) }

const sum = (values: Float64Array): number => {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}

/** What each batch is above its share; null without a denominator. */
const residuals = ({ over, under }: Quotient): Float64Array | null => {
  const whole = sum(under)
  if (!(whole > 0)) return null
  const quotient = sum(over) / whole
  return over.map((value, i) => value - quotient * (under[i] as number))
}

/** Of residuals, whose mean is 0. Null: they do not vary. */
const lagOneCorrelation = (values: Float64Array): number | null => {
  let squares = 0
  let products = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    squares += value * value
    if (i > 0) products += value * (values[i - 1] as number)
  }
  return squares > 0 ? products / squares : null
}

/**
 * The autocorrelation of lag 1 that stands out from that of independent batches, whose estimate has mean −1/b and variance
 * (b − 2)/(b² − 1) (von Neumann 1941), by more than a quarter of its standard deviation; else 0. The bar is low: a correlation that is
 * missed costs coverage, a false alarm only width.
 */
export const standingCorrelation = (quotient: Quotient): number => {
  const left = residuals(quotient)
  const correlation = left === null ? null : lagOneCorrelation(left)
  if (left === null || correlation === null) return 0
  const b = left.length
  const excess = correlation + 1 / b
  return excess > 0.25 * Math.sqrt((b - 2) / (b * b - 1)) ? excess : 0
}

/** Batches that still correlate beyond this tell no more how much. */
const largestCorrelation = 0.8

export interface Spread {
  /** Of the quotient. */
  readonly standardError: number
  readonly freedom: number
}

/**
 * `dependent`: batches of one run; where they still correlate, the variance is multiplied by that of an autoregressive process
 * of order 1, (1 + r)/(1 − r) (as in ASAP3: Steiger, Lada, Wilson, Joines, Alexopoulos, Goldsman 2005). Null: fewer than two
 * batches, or nothing to divide by.
 */
export const spreadOf = (quotient: Quotient, dependent: boolean): Spread | null => {
  const left = residuals(quotient)
  // Batches in which there is nothing to divide by say nothing.
  const b = quotient.under.reduce((count, value) => (value > 0 ? count + 1 : count), 0)
  if (left === null || b < 2) return null
  let squares = 0
  for (const value of left) squares += value * value
  const r = dependent ? Math.min(largestCorrelation, standingCorrelation(quotient)) : 0
  const variance = (((b / (b - 1)) * squares) / sum(quotient.under) ** 2) * ((1 + r) / (1 - r))
  return { standardError: Math.sqrt(variance), freedom: b - 1 }
}

export const halfWidthOf = ({ standardError, freedom }: Spread): number => studentT(freedom, confidence) * standardError

/** Half-width of a quotient by how it varies from one replication to the next. */
export const acrossOf = (over: readonly number[], under: readonly number[]): number | null => {
  const spread = spreadOf({ over: Float64Array.from(over), under: Float64Array.from(under) }, false)
  return spread === null ? null : halfWidthOf(spread)
}

/** How many independent samples would tell as much of the mean as these do. */
export const independentSamples = (pooled: LatencyHistogram, mean: Spread): number =>
  mean.standardError > 0 ? Math.min(pooled.count, pooled.variance() / mean.standardError ** 2) : pooled.count

/** Fewer independent samples beyond a quantile say too little of it. */
const fewestBeyond = 5

/** Whether so many independent samples tell the quantile `q`. */
export const tellsQuantile = (independent: number, q: number): boolean =>
  independent * Math.min(q, 1 - q) >= fewestBeyond * (1 - 1e-9)

/**
 * Half-width of the quantile `q` of pooled samples, from that of the share of samples that are at most as large. Null: so few
 * lie beyond it that they cannot tell. `independent`: what all samples are worth. (It is judged by the mean, because samples that
 * are too few do not show by themselves how much they vary.)
 */
export const quantileHalfWidth = (
  pooled: LatencyHistogram,
  q: number,
  shareHalfWidth: number,
  independent: number,
): number | null => {
  if (!tellsQuantile(independent, q)) return null
  const at = pooled.quantile(q)
  const below = at - pooled.quantile(Math.max(0, q - shareHalfWidth))
  // Near the ends the upper half reaches as far as the largest sample: twice the lower half stands in for the mean of both.
  return q + shareHalfWidth < 1
    ? Math.min(2 * below, (pooled.quantile(q + shareHalfWidth) - at + below) / 2)
    : 2 * below
}

/**
 * Where the warm-up of a run ends: MSER-5 (K. P. White, "An effective truncation heuristic for bias reduction in simulation
 * output", 1997; White, Cobb, Spratt 2000). Of the means of five consecutive observations, those before d are dropped, d such
 * that the standard error of what remains, as if independent, is least: min Σ(zᵢ − z̄)²/(n − d)², i ≥ d.
 *
 * A least in the second half means that there is no steady state, or, with observations that correlate, nothing: at the end of an
 * M/M/1 run at ρ = 0.8 it lies there by chance in one of six. So it counts only where the means of both halves differ by more than
 * chance; else the least of the first half is taken.
 */
import { studentT } from '../../lib/student-t.js'
import type { Quotient } from './interval-series.js'

export interface WarmUp {
  readonly method: 'MSER-5'
  /** Of the measured time: what was declared as warm-up is not part of it. */
  readonly seconds: number
  /** False: no steady state is in sight. Run longer. */
  readonly converged: boolean
}

/** Fewer groups than this at the end say nothing (a well-known weakness of the method). */
const fewest = 5

/** Null: too short a series to tell. `lengthSeconds` is that of one observation. */
export const warmUpOf = ({ over, under }: Quotient, lengthSeconds: number): WarmUp | null => {
  const groups = Math.floor(over.length / 5)
  if (groups < 4 * fewest) return null
  // Each group has its end in observations; groups in which nothing happened are left out.
  const means: number[] = []
  const ends: number[] = []
  for (let group = 0; group < groups; group++) {
    let [total, count] = [0, 0]
    for (let i = 5 * group; i < 5 * group + 5; i++) {
      total += over[i] as number
      count += under[i] as number
    }
    if (count === 0) continue
    means.push(total / count)
    ends.push(5 * group + 5)
  }
  const n = means.length
  if (n < 4 * fewest) return null
  const [early, late] = leastErrors(means)
  const converged = early.error <= late.error || !halvesDiffer(means)
  const { truncation } = converged ? early : late
  const seconds = truncation === 0 ? 0 : (ends[truncation - 1] as number) * lengthSeconds
  return { method: 'MSER-5', seconds, converged }
}

interface Least {
  readonly truncation: number
  readonly error: number
}

/** Of truncations in the first half, and beyond. */
const leastErrors = (means: readonly number[]): readonly [Least, Least] => {
  const n = means.length
  let early: Least = { truncation: 0, error: Number.POSITIVE_INFINITY }
  let late = early
  // From the last backwards, so that mean and squares of z[d…] come in one pass (Welford).
  let mean = 0
  let squares = 0
  for (let d = n - 1, count = 1; d >= 0; d--, count++) {
    const value = means[d] as number
    const delta = value - mean
    mean += delta / count
    squares += delta * (value - mean)
    if (count < fewest) continue
    const error = squares / count ** 2
    if (d > n / 2) late = error <= late.error ? { truncation: d, error } : late
    else early = error <= early.error ? { truncation: d, error } : early
  }
  return [early, late]
}

/** Parts of each half, long enough to be nearly independent. */
const parts = 8

/** By Welch's test at 95 %, each half in eight parts. */
const halvesDiffer = (means: readonly number[]): boolean => {
  const half = Math.floor(means.length / 2)
  const first = meanAndVariance(means.slice(0, half))
  const second = meanAndVariance(means.slice(half))
  return Math.abs(first.mean - second.mean) > studentT(2 * (parts - 1)) * Math.sqrt(first.variance + second.variance)
}

/** Of the mean of all. */
const meanAndVariance = (values: readonly number[]): { readonly mean: number; readonly variance: number } => {
  const edge = (part: number): number => Math.round((part * values.length) / parts)
  const each = Array.from({ length: parts }, (_, part) => meanOf(values.slice(edge(part), edge(part + 1))))
  const mean = meanOf(each)
  const squares = each.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, variance: squares / (parts - 1) / parts }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

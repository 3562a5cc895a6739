/**
 * Where the warm-up of a run ends: MSER-5 (K. P. White, "An effective truncation heuristic for bias reduction in simulation
 * output", 1997; White, Cobb, Spratt 2000). Of the means of five consecutive observations, those before d are dropped, d such
 * that the standard error of what remains, as if independent, is least: min Σ(zᵢ − z̄)²/(n − d)², i ≥ d.
 */
import type { Quotient } from './interval-series.js'

export interface WarmUp {
  readonly method: 'MSER-5'
  /** Of the measured time: what was declared as warm-up is not part of it. */
  readonly seconds: number
  /** False: the least lies in the second half, so there may be no steady state in sight. Run longer. */
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
  // From the last backwards, so that mean and squares of z[d…] come in one pass (Welford).
  let mean = 0
  let squares = 0
  let least = Number.POSITIVE_INFINITY
  let truncation = 0
  for (let d = n - 1, count = 1; d >= 0; d--, count++) {
    const value = means[d] as number
    const delta = value - mean
    mean += delta / count
    squares += delta * (value - mean)
    if (count < fewest) continue
    const error = squares / count ** 2
    if (error <= least) {
      least = error
      truncation = d
    }
  }
  const seconds = truncation === 0 ? 0 : (ends[truncation - 1] as number) * lengthSeconds
  return { method: 'MSER-5', seconds, converged: truncation <= n / 2 }
}

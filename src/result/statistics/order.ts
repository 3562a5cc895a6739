/** What ordered values say without assuming a distribution. */

const ordered = (values: readonly (number | null)[]): number[] =>
  values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)

/** Null counts as later, or more, than any number; null: so is the median. */
export const median = (values: readonly (number | null)[]): number | null => {
  const sorted = ordered(values)
  if (sorted.length === 0) return null
  const upper = sorted[Math.floor(sorted.length / 2)] as number
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] as number
  const middle = (lower + upper) / 2
  return Number.isFinite(middle) ? middle : null
}

/**
 * Half of the interval between the order statistics that hold the median with probability 95 % at least, by the binomial
 * distribution (H. A. David, Order Statistics, 7.1). Null: fewer than six values, or the interval has no end.
 */
export const medianHalfWidth = (values: readonly (number | null)[]): number | null => {
  const n = values.length
  // The k-th smallest and largest: P(fewer than k of n on one side) ≤ 2.5 %.
  let [k, tail] = [0, 0]
  for (let probability = 0.5 ** n; tail + probability <= 0.025; k++) {
    tail += probability
    probability *= (n - k) / (k + 1)
  }
  if (k === 0) return null
  const sorted = ordered(values)
  const half = ((sorted[n - k] as number) - (sorted[k - 1] as number)) / 2
  return Number.isFinite(half) ? half : null
}

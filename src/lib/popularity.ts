/** How often each of `n` keys is asked for. `zipf(s)`: the key of rank k has weight k^−s. */
export type Popularity = { readonly law: 'uniform' } | { readonly law: 'zipf'; readonly exponent: number }

/**
 * Cumulative probabilities of keys 0…n−1 (key 0 is the most popular). A draw is `search(cdf, u)` for u uniform in [0,1).
 * Shared by the simulator, the load generator and the workload service, so that all ask for the same keys.
 */
export const cumulative = (popularity: Popularity, n: number): Float64Array => {
  const cdf = new Float64Array(n)
  let sum = 0
  for (let k = 0; k < n; k++) {
    sum += popularity.law === 'zipf' ? (k + 1) ** -popularity.exponent : 1
    cdf[k] = sum
  }
  for (let k = 0; k < n; k++) cdf[k] = (cdf[k] ?? 0) / sum
  return cdf
}

/** The first index whose cumulative probability exceeds `u`. */
export const search = (cdf: Float64Array, u: number): number => {
  let low = 0
  let high = cdf.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((cdf[middle] ?? 1) > u) high = middle
    else low = middle + 1
  }
  return low
}

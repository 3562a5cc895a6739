/** Retries: when, and how many. Pure: time and randomness are handed in. */

export interface Backoff {
  readonly backoffSeconds: number
  readonly maxBackoffSeconds: number | undefined
  readonly jitter: 'none' | 'full' | 'equal'
}

/**
 * Seconds to wait before retry number `retry` (1 is the first retry): backoff · 2^(retry−1), at most the maximum;
 * jitter `full` draws from [0, d), `equal` from [d/2, d) (M. Brooker, "Exponential Backoff and Jitter", AWS 2015).
 * `uniform` is in [0, 1).
 */
export const backoffSeconds = (policy: Backoff, retry: number, uniform: number): number => {
  // The exponent is bounded: nothing times infinity is no number.
  const grown = policy.backoffSeconds * 2 ** Math.min(retry - 1, 1000)
  const delay = Math.min(grown, policy.maxBackoffSeconds ?? grown)
  switch (policy.jitter) {
    case 'none':
      return delay
    case 'full':
      return delay * uniform
    case 'equal':
      return delay * (0.5 + 0.5 * uniform)
  }
}

export interface RetryBudget {
  /** A first attempt was made. */
  first(): void
  /** May a retry be made now? If so it is counted. */
  take(): boolean
}

/** Unused retries are saved up to this many, so that a long calm does not pay for a storm. */
export const retryBudgetCap = 10

/**
 * A token bucket: each first attempt earns `share` of a retry. At any time Σ retries ≤ share · Σ first attempts.
 * Undefined share: no limit.
 */
export const retryBudget = (share: number | undefined): RetryBudget => {
  if (share === undefined) return { first: () => {}, take: () => true }
  const cap = Math.max(retryBudgetCap, share)
  let earned = 0
  return {
    first: () => {
      earned = Math.min(cap, earned + share)
    },
    take: () => {
      // Sums of shares such as 0.1 fall short of 1 by rounding.
      if (earned < 1 - 1e-9) return false
      earned -= 1
      return true
    },
  }
}

import type { Station } from './mmc.js'

export interface FiniteAnswer {
  /** Share of arrivals turned away. */
  readonly blockedProbability: number
  /** Accepted arrivals per second: X = λ(1 − blocked). */
  readonly throughputPerSecond: number
  readonly utilization: number
  readonly inSystem: number
  /** Mean time at the station of those that were accepted (Little's law). */
  readonly responseSeconds: number
}

/**
 * M/M/c/K: room for `capacity` in all, those in service included (capacity ≥ servers); further arrivals are turned away.
 * p(n) ∝ aⁿ/n! up to c, then times a/c each. Computed as ratios to the largest term, so that nothing overflows.
 * Source: Gross & Harris, §2.4.
 */
export const mmck = (station: Station, capacity: number): FiniteAnswer => {
  const { arrivalRatePerSecond: lambda, serviceSeconds, servers } = station
  const offered = lambda * serviceSeconds
  const logWeights = [0]
  for (let n = 1; n <= capacity; n++)
    logWeights.push((logWeights[n - 1] ?? 0) + Math.log(offered) - Math.log(Math.min(n, servers)))
  const largest = logWeights.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY)
  let sum = 0
  let inSystem = 0
  let busy = 0
  let full = 0
  logWeights.forEach((logWeight, n) => {
    const weight = Math.exp(logWeight - largest)
    sum += weight
    inSystem += n * weight
    busy += Math.min(n, servers) * weight
    full = weight
  })
  const throughputPerSecond = lambda * (1 - full / sum)
  return {
    blockedProbability: full / sum,
    throughputPerSecond,
    utilization: busy / sum / servers,
    inSystem: inSystem / sum,
    responseSeconds: throughputPerSecond > 0 ? inSystem / sum / throughputPerSecond : serviceSeconds,
  }
}

/**
 * Stations whose speed depends on how many are there: several servers, cores of which a quota leaves a part, a whole
 * subnetwork behind a limit (flow-equivalent server). `pace[n − 1]` is the mean time between departures when n are there; the
 * last entry holds for all larger n. It never grows.
 */
export type Pace = Float64Array

/** c servers (c > 0, not necessarily whole: 1.5 cores serve two at 0.75 each), S seconds each: S/min(n, c). */
export const serversPace = (serviceSeconds: number, servers: number): Pace =>
  Float64Array.from({ length: Math.max(1, Math.ceil(servers)) }, (_, i) => serviceSeconds / Math.min(i + 1, servers))

/** The shortest time between departures: that of a crowd. */
export const limitSeconds = (pace: Pace): number => pace[pace.length - 1] ?? 0

export interface LoadDependentAnswer {
  /** Mean number there; Infinity: it cannot keep up. */
  readonly inSystem: number
  /** λ times the time between departures of a crowd. */
  readonly utilization: number
  /** P(as many there as the pace has entries, or more): an arrival adds to the crowd. Of c servers: Erlang C. */
  readonly crowdProbability: number
  /** Mean number beyond those entries. */
  readonly beyond: number
}

const crowded = (utilization: number): LoadDependentAnswer => ({
  inSystem: Number.POSITIVE_INFINITY,
  utilization,
  crowdProbability: 1,
  beyond: Number.POSITIVE_INFINITY,
})

/**
 * The station under Poisson arrivals, as births and deaths: p(n) ∝ Π λ·pace(i), geometric beyond the last entry. `closing` < 1
 * multiplies the last ratio: 1 − 1/N is what a closed network of N takes off it (see `meanField`). O(entries).
 * Source: Gross and Harris, §2.1; Kleinrock I, §3.2.
 */
export const loadDependent = (arrivalRatePerSecond: number, pace: Pace, closing = 1): LoadDependentAnswer => {
  const last = limitSeconds(pace)
  const utilization = arrivalRatePerSecond * last
  const ratio = utilization * closing
  if (ratio >= 1) return crowded(utilization)
  let weight = 1
  let total = 1
  let number = 0
  for (let n = 1; n < pace.length; n++) {
    weight *= arrivalRatePerSecond * (pace[n - 1] ?? 0)
    total += weight
    number += n * weight
    if (total > 1e250) {
      weight *= 1e-250
      total *= 1e-250
      number *= 1e-250
    }
  }
  // State L = entries, the first of the geometric tail.
  const first = weight * arrivalRatePerSecond * last
  const crowd = first / (1 - ratio)
  const beyond = (crowd * ratio) / (1 - ratio)
  const all = total + crowd
  return {
    inSystem: (number + pace.length * crowd + beyond) / all,
    utilization,
    crowdProbability: crowd / all,
    beyond: beyond / all,
  }
}

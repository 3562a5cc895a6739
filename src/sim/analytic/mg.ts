import { fromWait, mmc, type Station, type StationAnswer, unstable } from './mmc.js'

export type { StationAnswer }

/**
 * M/G/1, Pollaczek–Khinchine: Wq = ρS(1 + cv²)/(2(1 − ρ)). Exact for any service time; `scv` is its squared coefficient
 * of variation (0 constant, 1 exponential). Source: Kleinrock, Queueing Systems I, §5.6.
 */
export const mg1 = (arrivalRatePerSecond: number, serviceSeconds: number, scv: number): StationAnswer =>
  mgc({ arrivalRatePerSecond, serviceSeconds, servers: 1 }, scv)

/**
 * What constant service waits at c servers, over half of the wait of M/M/c: Cosmetatos' 1 + (1 − ρ)(c − 1)(√(4 + 5c) − 2)/(16cρ), at most
 * its limit in light traffic, 2c/(c + 1). Source: G. P. Cosmetatos, Approximate explicit formulae for the average queueing
 * time in the processes M/D/r and D/M/r, INFOR 13, 1975. The limit: the least of c uniform residual times, S/(c + 1).
 */
export const constantServiceFactor = (servers: number, utilization: number): number =>
  utilization > 0
    ? 1 +
      Math.min(
        (servers - 1) / (servers + 1),
        ((1 - utilization) * (servers - 1) * (Math.sqrt(4 + 5 * servers) - 2)) / (16 * servers * utilization),
      )
    : 1

/**
 * M/G/c by Page: Wq = cv²·Wq(M/M/c) + (1 − cv²)·Wq(M/D/c), with Cosmetatos' M/D/c. Exact for c = 1 (Pollaczek–Khinchine) and for
 * exponential service. Gamma service of cv² = 0 and 4: within 1 and 3 % at ρ ≥ 0.7, c ≤ 10.
 * Source: E. Page, Queueing Theory in OR, 1972; H. C. Tijms, Stochastic Models, 1994, §4.3; Lee and Longton 1959 is its (1 + cv²)/2 without the correction.
 */
export const mgc = (station: Station, scv: number): StationAnswer => {
  const { utilization, waitProbability, waitSeconds } = mmc(station)
  if (utilization >= 1) return unstable(utilization)
  const constant = constantServiceFactor(station.servers, utilization) / 2
  return fromWait(station, waitProbability, waitSeconds * (scv + (1 - scv) * constant))
}

/**
 * Variance of the wait of M/G/1, first come, first served, by Takács: Wq² + λE[S³]/(3(1 − ρ)), with the third moment of a gamma
 * distribution, S³(1 + cv²)(1 + 2cv²). Source: L. Takács 1962; Kleinrock I, §5.7.
 */
export const mg1WaitVariance = (arrivalRatePerSecond: number, serviceSeconds: number, scv: number): number => {
  const { waitSeconds, utilization } = mg1(arrivalRatePerSecond, serviceSeconds, scv)
  if (utilization >= 1) return Number.POSITIVE_INFINITY
  const third = serviceSeconds ** 3 * (1 + scv) * (1 + 2 * scv)
  return waitSeconds ** 2 + (arrivalRatePerSecond * third) / (3 * (1 - utilization))
}

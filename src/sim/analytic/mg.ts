import { fromWait, mmc, type Station, type StationAnswer, unstable } from './mmc.js'

export type { StationAnswer }

/**
 * M/G/1, Pollaczek–Khinchine: Wq = ρS(1 + cv²)/(2(1 − ρ)). Exact for any service time; `scv` is its squared coefficient
 * of variation (0 constant, 1 exponential). Source: Kleinrock, Queueing Systems I, §5.6.
 */
export const mg1 = (arrivalRatePerSecond: number, serviceSeconds: number, scv: number): StationAnswer =>
  mgc({ arrivalRatePerSecond, serviceSeconds, servers: 1 }, scv)

/**
 * M/G/c by Allen and Cunneen: the wait of M/M/c times (1 + cv²)/2. Exact for c = 1 (Pollaczek–Khinchine) and for
 * exponential service; otherwise an approximation, within some per cent under heavy load.
 * Source: A. O. Allen, Probability, Statistics and Queueing Theory (2nd ed.), §5.3.
 */
export const mgc = (station: Station, scv: number): StationAnswer => {
  const { utilization, waitProbability, waitSeconds } = mmc(station)
  return utilization >= 1 ? unstable(utilization) : fromWait(station, waitProbability, (waitSeconds * (1 + scv)) / 2)
}

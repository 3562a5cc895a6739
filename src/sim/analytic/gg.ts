/**
 * General arrivals and general service, by two moments: `arrivalScv` and `serviceScv` are the squared coefficients of
 * variation of the times between arrivals and of service (0 constant, 1 exponential).
 */
import { fromWait, mmc, type Station, type StationAnswer, unstable } from './mmc.js'

/**
 * G/G/c by Allen and Cunneen: the wait of M/M/c times (ca² + cs²)/2. Exact for M/G/1 and M/M/c; for G/G/1 it is Kingman's
 * heavy-traffic approximation. Source: A. O. Allen, Probability, Statistics and Queueing Theory (2nd ed.), §5.3.
 */
export const allenCunneen = (station: Station, arrivalScv: number, serviceScv: number): StationAnswer => {
  const { utilization, waitProbability, waitSeconds } = mmc(station)
  return utilization >= 1
    ? unstable(utilization)
    : fromWait(station, waitProbability, (waitSeconds * (arrivalScv + serviceScv)) / 2)
}

/**
 * An upper bound on the mean wait of any G/G/1: Wq ≤ λ(σa² + σs²)/(2(1 − ρ)), tight as ρ → 1.
 * Source: J. F. C. Kingman, Some inequalities for the queue GI/G/1, Biometrika 49, 1962.
 */
export const kingmanBoundSeconds = (
  arrivalRatePerSecond: number,
  serviceSeconds: number,
  arrivalScv: number,
  serviceScv: number,
): number => {
  const utilization = arrivalRatePerSecond * serviceSeconds
  if (utilization >= 1) return Number.POSITIVE_INFINITY
  if (arrivalRatePerSecond === 0) return 0
  const variances = arrivalScv / arrivalRatePerSecond ** 2 + serviceScv * serviceSeconds ** 2
  return (arrivalRatePerSecond * variances) / (2 * (1 - utilization))
}

/** φ1: how much longer constant service waits at c servers than half of M/M/c (Cosmetatos 1975). */
const cosmetatos = (servers: number, utilization: number): number =>
  Math.min(
    0.24,
    ((1 - utilization) * (servers - 1) * (Math.sqrt(4 + 5 * servers) - 2)) /
      (16 * servers * Math.max(utilization, 1e-12)),
  )

/**
 * Whitt's correction φ of Allen and Cunneen's wait. 1 for M/G/1 and M/M/c. (For Poisson arrivals `mgc` is closer.)
 * Source: W. Whitt, Approximations for the GI/G/m queue, Production and Operations Management 2(2), 1993, (2.24)–(2.25).
 */
export const whittFactor = (servers: number, utilization: number, arrivalScv: number, serviceScv: number): number => {
  const gamma = cosmetatos(servers, utilization)
  const phi1 = 1 + gamma
  const phi3 = (1 - 4 * gamma) * Math.exp((-2 * (1 - utilization)) / (3 * Math.max(utilization, 1e-12)))
  const phi4 = Math.min(1, (phi1 + phi3) / 2)
  const mean = (arrivalScv + serviceScv) / 2
  const psi = mean >= 1 ? 1 : phi4 ** (2 * (1 - mean))
  if (arrivalScv >= serviceScv) {
    const whole = 4 * arrivalScv - 3 * serviceScv
    return whole > 0 ? ((4 * (arrivalScv - serviceScv)) / whole) * phi1 + (serviceScv / whole) * psi : 1
  }
  const whole = 2 * arrivalScv + 2 * serviceScv
  return ((serviceScv - arrivalScv) / whole) * phi3 + ((serviceScv + 3 * arrivalScv) / whole) * psi
}

/** G/G/c by Whitt: Allen and Cunneen's wait times φ. */
export const ggc = (station: Station, arrivalScv: number, serviceScv: number): StationAnswer => {
  const rough = allenCunneen(station, arrivalScv, serviceScv)
  if (!Number.isFinite(rough.waitSeconds) || rough.waitSeconds === 0) return rough
  const factor = whittFactor(station.servers, rough.utilization, arrivalScv, serviceScv)
  return fromWait(station, rough.waitProbability, rough.waitSeconds * factor)
}

/**
 * Erlang(k)/M/1, exactly: what each of k servers with queues of their own gets when Poisson arrivals go to them in turn.
 * σ is the root in (0, 1) of σ = (kλ/(kλ + μ(1 − σ)))^k, λ the rate at one server; P(wait) = σ, Wq = σS/(1 − σ).
 * Source: Kleinrock, Queueing Systems I, §6.4 (GI/M/1).
 */
export const erlangArrivalsM1 = (
  arrivalRatePerSecond: number,
  serviceSeconds: number,
  stages: number,
): StationAnswer => {
  const station = { arrivalRatePerSecond, serviceSeconds, servers: 1 }
  const utilization = arrivalRatePerSecond * serviceSeconds
  if (utilization >= 1) return unstable(utilization)
  if (utilization === 0) return fromWait(station, 0, 0)
  // The map is increasing and convex with fixed points σ and 1: from 0 on it climbs to σ and never passes it.
  let sigma = 0
  for (let i = 0; i < 100_000; i++) {
    const next = (1 + (1 - sigma) / (stages * utilization)) ** -stages
    if (Math.abs(next - sigma) <= 1e-15 * next) break
    sigma = next
  }
  return fromWait(station, sigma, (sigma * serviceSeconds) / (1 - sigma))
}

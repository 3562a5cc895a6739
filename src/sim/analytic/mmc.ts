import { erlangC } from './erlang.js'
import { quantileOf } from './quantile.js'

/** An open station in steady state: Poisson arrivals, first come first served. Times in seconds. */
export interface Station {
  readonly arrivalRatePerSecond: number
  readonly serviceSeconds: number
  readonly servers: number
}

export interface StationAnswer {
  /** Share of time that a server is busy: U = λ·S/c. */
  readonly utilization: number
  readonly waitProbability: number
  /** Mean time in the queue. */
  readonly waitSeconds: number
  /** Mean time at the station, service included. */
  readonly responseSeconds: number
  /** Mean number at the station: Little's law, L = λ·R. */
  readonly inSystem: number
  /** Mean number in the queue. */
  readonly inQueue: number
}

/** What a station answers that cannot keep up: everything grows without bound. */
export const unstable = (utilization: number): StationAnswer => ({
  utilization,
  waitProbability: 1,
  waitSeconds: Number.POSITIVE_INFINITY,
  responseSeconds: Number.POSITIVE_INFINITY,
  inSystem: Number.POSITIVE_INFINITY,
  inQueue: Number.POSITIVE_INFINITY,
})

/** The other means follow from that of the wait by Little's law. */
export const fromWait = (station: Station, waitProbability: number, waitSeconds: number): StationAnswer => {
  const { arrivalRatePerSecond, serviceSeconds, servers } = station
  const responseSeconds = waitSeconds + serviceSeconds
  return {
    utilization: (arrivalRatePerSecond * serviceSeconds) / servers,
    waitProbability,
    waitSeconds,
    responseSeconds,
    inSystem: arrivalRatePerSecond * responseSeconds,
    inQueue: arrivalRatePerSecond * waitSeconds,
  }
}

/**
 * M/M/c: Wq = C(c, a) / (cμ − λ). With one server this is M/M/1: Wq = ρS/(1 − ρ).
 * Source: Kleinrock, Queueing Systems I, §3.5; Gross & Harris, §2.3.
 */
export const mmc = (station: Station): StationAnswer => {
  const { arrivalRatePerSecond: lambda, serviceSeconds, servers } = station
  const offered = lambda * serviceSeconds
  if (offered >= servers && offered > 0) return unstable(offered / servers)
  const waitProbability = erlangC(servers, offered)
  return fromWait(station, waitProbability, (waitProbability * serviceSeconds) / (servers - offered))
}

export const mm1 = (arrivalRatePerSecond: number, serviceSeconds: number): StationAnswer =>
  mmc({ arrivalRatePerSecond, serviceSeconds, servers: 1 })

/**
 * The time in the queue that a share `p` of arrivals does not exceed: P(Wq > t) = C(c, a)·e^(−(cμ − λ)t); 0 when fewer
 * than 1 − p wait at all. Source: Gross & Harris, §2.3.
 */
export const mmcWaitQuantile = (station: Station, p: number): number => {
  const { arrivalRatePerSecond: lambda, serviceSeconds, servers } = station
  const { waitProbability, utilization } = mmc(station)
  if (utilization >= 1) return Number.POSITIVE_INFINITY
  if (waitProbability <= 1 - p) return 0
  return (Math.log(waitProbability / (1 - p)) * serviceSeconds) / (servers - lambda * serviceSeconds)
}

/**
 * The time at the station that a share `p` of arrivals does not exceed. The time is service plus, with probability C, an
 * independent exponential wait of rate cμ − λ: P(T > t) = e^(−μt)·(1 + C·(1 − e^(−μt(c − 1 − a)))/(c − 1 − a)), whose
 * limit for c − 1 = a is e^(−μt)·(1 + C·μt). For c = 1 it is exponential of rate μ − λ.
 * Source: Gross & Harris, §2.3 (problem 2.19), Kleinrock I, §3.5.
 */
export const mmcResponseQuantile = (station: Station, p: number): number => {
  const { arrivalRatePerSecond: lambda, serviceSeconds, servers } = station
  const { waitProbability, utilization, responseSeconds } = mmc(station)
  if (utilization >= 1) return Number.POSITIVE_INFINITY
  if (serviceSeconds === 0) return 0
  const spare = servers - 1 - lambda * serviceSeconds
  const tail = (t: number): number => {
    const x = t / serviceSeconds
    const factor = Math.abs(spare) < 1e-9 ? x : -Math.expm1(-x * spare) / spare
    return Math.exp(-x) * (1 + waitProbability * factor)
  }
  return quantileOf(tail, p, responseSeconds)
}

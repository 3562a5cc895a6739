/** M/M/c whose customers give up waiting: a pool with an acquire timeout, a queue whose messages expire. */
import { erlangB } from './erlang.js'
import type { Station } from './mmc.js'

export interface ImpatientAnswer {
  /** Share of arrivals that find all servers busy. */
  readonly waitProbability: number
  /** Share of arrivals that give up. */
  readonly abandonProbability: number
  /** Of those that are served. */
  readonly throughputPerSecond: number
  readonly utilization: number
  /** Mean time in the queue, of all arrivals, those that give up included. */
  readonly waitSeconds: number
  /** Mean number in the queue (Little's law). */
  readonly inQueue: number
}

const answerOf = (
  { arrivalRatePerSecond, serviceSeconds, servers }: Station,
  waitProbability: number,
  abandonProbability: number,
  waitSeconds: number,
): ImpatientAnswer => {
  const throughputPerSecond = arrivalRatePerSecond * (1 - abandonProbability)
  return {
    waitProbability,
    abandonProbability,
    throughputPerSecond,
    utilization: (throughputPerSecond * serviceSeconds) / servers,
    waitSeconds,
    inQueue: arrivalRatePerSecond * waitSeconds,
  }
}

/**
 * Erlang A, M/M/c+M: patience is exponential with mean `patienceSeconds`. p(n) by births and deaths, n > c leaving at
 * cμ + (n − c)θ; stable at any load. Source: C. Palm 1957; Garnett, Mandelbaum, Reiman, M&SOM 4(3), 2002.
 */
export const erlangA = (station: Station, patienceSeconds: number): ImpatientAnswer => {
  const { arrivalRatePerSecond: lambda, serviceSeconds, servers } = station
  const offered = lambda * serviceSeconds
  if (offered === 0) return answerOf(station, 0, 0, 0)
  // Relative to p(c): below, Σ p(n)/p(c) for n ≤ c is 1/B(c, a).
  let below = 1 / erlangB(servers, offered) - 1
  let state = 1
  let busy = 1
  let waiting = 0
  for (let k = 1; ; k++) {
    const ratio = lambda / (servers / serviceSeconds + k / patienceSeconds)
    state *= ratio
    busy += state
    waiting += k * state
    if (busy > 1e200) {
      for (const scale of [1e-200]) {
        below *= scale
        state *= scale
        busy *= scale
        waiting *= scale
      }
    }
    if (ratio < 1 && k * state < 1e-17 * (waiting + busy)) break
  }
  const total = below + busy
  const inQueue = waiting / total
  return answerOf(station, busy / total, inQueue / patienceSeconds / lambda, inQueue / lambda)
}

/**
 * M/M/c+D: everybody gives up after exactly `patienceSeconds`. The wait of one who would stay has density
 * λp(c − 1)·e^(λ·min(x, τ) − cμx), which is normalized together with Σ p(n), n < c.
 * Source: D. Y. Barrer 1957; Gnedenko and Kovalenko, Introduction to Queueing Theory; Baccelli and Hebuterne 1981.
 */
export const mmcTimeout = (station: Station, patienceSeconds: number): ImpatientAnswer => {
  const { arrivalRatePerSecond: lambda, serviceSeconds, servers } = station
  const offered = lambda * serviceSeconds
  if (offered === 0) return answerOf(station, 0, 0, 0)
  const capacity = servers / serviceSeconds
  const drift = capacity - lambda
  const horizon = drift * patienceSeconds
  // All in units of λp(c − 1)·max(1, e^(−δτ)), so that overload does not overflow.
  const scale = horizon < 0 ? Math.exp(horizon) : 1
  const end = horizon < 0 ? 1 : Math.exp(-horizon)
  const idle = scale / (lambda * erlangB(servers - 1, offered))
  const small = Math.abs(horizon) < 1e-6
  const before = small ? patienceSeconds * scale : (scale - end) / drift
  const after = end / capacity
  const total = idle + before + after
  // ∫ x·e^(−δx) over (0, τ): who is served; τ for all who give up.
  const served = small ? (patienceSeconds ** 2 / 2) * scale : (before - patienceSeconds * end) / drift
  return answerOf(station, (before + after) / total, after / total, (served + patienceSeconds * after) / total)
}

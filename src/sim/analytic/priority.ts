/**
 * Stations that serve classes by priority, highest first. σ(k) is the load of the first k classes. A class is unbounded from
 * the first one on that the station cannot keep up with.
 */
import { erlangC } from './erlang.js'

export interface PriorityClass {
  readonly arrivalRatePerSecond: number
  readonly serviceSeconds: number
  /** Squared coefficient of variation of the service time. */
  readonly scv: number
}

/** λE[S²]/2: what an arrival finds left of the service under way. */
const residualSeconds = ({ arrivalRatePerSecond, serviceSeconds, scv }: PriorityClass): number =>
  (arrivalRatePerSecond * serviceSeconds ** 2 * (1 + scv)) / 2

/**
 * M/G/1 with priorities that do not interrupt: mean waits Wq(k) = W0 / ((1 − σ(k−1))(1 − σ(k))), W0 = Σ λS²(1 + cv²)/2.
 * Source: A. Cobham (1954); Kleinrock, Queueing Systems II, §3.6.
 */
export const priorityWaits = (classes: readonly PriorityClass[]): readonly number[] => {
  const residual = classes.reduce((sum, each) => sum + residualSeconds(each), 0)
  let before = 0
  return classes.map(({ arrivalRatePerSecond, serviceSeconds }) => {
    const above = before
    before += arrivalRatePerSecond * serviceSeconds
    return before < 1 ? residual / ((1 - above) * (1 - before)) : Number.POSITIVE_INFINITY
  })
}

/**
 * M/G/1 with priorities that interrupt, work going on where it stopped: mean responses
 * R(k) = S(k)/(1 − σ(k−1)) + Σ(i ≤ k) λS²(1 + cv²)/2 / ((1 − σ(k−1))(1 − σ(k))).
 * Source: Kleinrock, Queueing Systems II, §3.7; Conway, Maxwell, Miller 1967.
 */
export const preemptiveResponses = (classes: readonly PriorityClass[]): readonly number[] => {
  let before = 0
  let residual = 0
  return classes.map((each) => {
    const above = before
    before += each.arrivalRatePerSecond * each.serviceSeconds
    residual += residualSeconds(each)
    return before < 1
      ? each.serviceSeconds / (1 - above) + residual / ((1 - above) * (1 - before))
      : Number.POSITIVE_INFINITY
  })
}

/**
 * M/M/c, classes of one mean service time, priorities that do not interrupt: mean waits
 * Wq(k) = C(c, a)·S/c / ((1 − σ(k−1))(1 − σ(k))), σ per server. Exact.
 * Source: O. Kella and U. Yechiali, Waiting times in the non-preemptive priority M/M/c queue, Stochastic Models 1(2), 1985.
 */
export const mmcPriorityWaits = (
  arrivalRatesPerSecond: readonly number[],
  serviceSeconds: number,
  servers: number,
): readonly number[] => {
  const offered = arrivalRatesPerSecond.reduce((sum, rate) => sum + rate * serviceSeconds, 0)
  const atHead = (erlangC(servers, offered) * serviceSeconds) / servers
  let before = 0
  return arrivalRatesPerSecond.map((rate) => {
    const above = before
    before += (rate * serviceSeconds) / servers
    return before < 1 ? atHead / ((1 - above) * (1 - before)) : Number.POSITIVE_INFINITY
  })
}

/**
 * M/M/c, classes of one mean service time, priorities that interrupt: the first k classes never notice the others, so that
 * their numbers together are those of M/M/c, and a class's own is the difference. Exact. Mean responses by Little's law.
 * Source: Gross and Harris, Fundamentals of Queueing Theory, §3.4; A. B. Bondi and J. P. Buzen, SIGMETRICS 1984.
 */
export const mmcPreemptiveResponses = (
  arrivalRatesPerSecond: readonly number[],
  serviceSeconds: number,
  servers: number,
): readonly number[] => {
  let rate = 0
  let inSystem = 0
  return arrivalRatesPerSecond.map((own) => {
    rate += own
    const offered = rate * serviceSeconds
    if (offered >= servers) return Number.POSITIVE_INFINITY
    const before = inSystem
    inSystem = offered + (erlangC(servers, offered) * offered) / (servers - offered)
    return own > 0 ? (inSystem - before) / own : serviceSeconds
  })
}

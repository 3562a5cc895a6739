/**
 * Processor sharing: all who are there are served at once, each by at most one core. Such a station is insensitive: its
 * number of customers depends on service times through their mean only, so that M/G/c-PS has the mean response of M/M/c,
 * exactly, for several cores and for several classes, too.
 * Source: Kleinrock, Queueing Systems II, §4.4; F. P. Kelly, Reversibility and Stochastic Networks, §3.3 (symmetric queues).
 */
import { mmc, type Station } from './mmc.js'

/** M/G/1-PS: R(x) = x/(1 − ρ) for a job that needs x seconds; Infinity when it cannot keep up. */
export const sharedResponseSeconds = (jobSeconds: number, utilization: number): number =>
  utilization >= 1 ? Number.POSITIVE_INFINITY : jobSeconds / (1 - utilization)

/** The factor by which sharing stretches every job: 1/(1 − ρ) on one core, 1 + C(c, a)/(c − a) on c. */
export const sharingStretch = (station: Station): number => {
  const { responseSeconds, utilization } = mmc(station)
  if (utilization >= 1) return Number.POSITIVE_INFINITY
  return station.serviceSeconds > 0 ? responseSeconds / station.serviceSeconds : 1
}

/**
 * Variance of the response of a job of squared coefficient of variation `scv` that is stretched to `responseSeconds`, of
 * which sharing itself contributes 2ρ/(2 − ρ)·R², ρ = 1 − 1/stretch. Exact for M/M/1-PS, (2 + ρ)/(2 − ρ)·R²; otherwise an approximation.
 * Source: E. G. Coffman, R. R. Muntz, H. Trotter, Waiting time distributions for processor-sharing systems, JACM 17(1), 1970.
 */
export const sharedResponseVariance = (responseSeconds: number, stretch: number, scv: number): number => {
  const utilization = 1 - 1 / stretch
  return responseSeconds ** 2 * (scv + (2 * utilization) / (2 - utilization))
}

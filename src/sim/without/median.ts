import { type Distribution, meanSeconds, scv } from '../../lib/distribution.js'
import { fittedQuantile } from '../analytic/gamma.js'

/** In seconds. Exponential: ln 2 of the mean; gamma by inversion. */
export const medianSeconds = (distribution: Distribution): number => {
  switch (distribution.shape) {
    case 'lognormal':
      return distribution.p50Seconds
    case 'exponential':
      return Math.LN2 * distribution.meanSeconds
    case 'gamma': {
      const mean = meanSeconds(distribution)
      return fittedQuantile({ mean, variance: scv(distribution) * mean ** 2 }, 0.5)
    }
    default:
      return meanSeconds(distribution)
  }
}

/** What an external dependency takes of us: all callers together, counted over the last second. */
import { type Limiter, makeLimiter } from '../../../policy/limiter.js'
import type { Endpoint } from '../endpoint.js'

const quotas = new WeakMap<Endpoint, Limiter>()

/** The one limiter of the external behind `endpoint`. */
export const quotaOf = (endpoint: Endpoint, ratePerSecond: number): Limiter => {
  let limiter = quotas.get(endpoint)
  if (limiter === undefined) {
    limiter = makeLimiter({ algorithm: 'sliding-window', ratePerSecond, burst: 0 })
    quotas.set(endpoint, limiter)
  }
  return limiter
}

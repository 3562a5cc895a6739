/** How a cache that was empty fills: after a restart, a flush, a deployment. */
import { type KeyGroup, rootOf, total, ttlLruCache } from './cache.js'

export interface WarmUp {
  /** The hit ratio once it is warm. */
  readonly hitRatio: number
  /** Until memory is full and the first key is evicted; infinite: it never is. */
  readonly fillSeconds: number
  /** The expected hit ratio at a moment after the cache was empty. */
  readonly hitRatioAt: (seconds: number) => number
  /** Until the hit ratio is this share of what it is going to be. */
  readonly secondsUntil: (share: number) => number
}

/**
 * LRU with room for `capacity` keys and a time to live. Until either has an effect (the characteristic time is the time to
 * fill, too) whatever was asked for is there: h(t) = Σ q·(1 − e^(−λ·q·t)). From then on the hit ratio is the one
 * of a warm cache; with a time to live it first swings about that, which is left out.
 */
export const lruWarmUp = (
  groups: readonly KeyGroup[],
  capacity: number,
  ratePerSecond: number,
  ttlSeconds: number,
): WarmUp => {
  const warm = ttlLruCache(groups, capacity, ratePerSecond, ttlSeconds)
  const seen = (seconds: number): number =>
    total(groups, (probability) => probability * -Math.expm1(-probability * ratePerSecond * seconds))
  const hitRatioAt = (seconds: number): number =>
    seconds >= Math.min(warm.characteristicTime, ttlSeconds) ? warm.hitRatio : Math.min(warm.hitRatio, seen(seconds))
  return {
    hitRatio: warm.hitRatio,
    fillSeconds: warm.characteristicTime,
    hitRatioAt,
    secondsUntil: (share) => rootOf((seconds) => hitRatioAt(seconds) - share * warm.hitRatio),
  }
}

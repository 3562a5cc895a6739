/** Hit ratios of caches under independent requests for keys of known popularity. */

/** Keys that are alike: `count` of them, each asked for with probability `probability`. */
export interface KeyGroup {
  readonly count: number
  readonly probability: number
}

/** Above this many ranks, neighbours (within 1 % of their rank) are treated as alike. */
const singleRanks = 10_000

/** Probabilities of `keys` keys, of Zipf's law with this exponent (0: uniform), in groups of equal popularity. */
export const zipfGroups = (keys: number, exponent: number): readonly KeyGroup[] => {
  if (exponent === 0) return [{ count: keys, probability: 1 / keys }]
  const groups: { count: number; weight: number }[] = []
  let sum = 0
  for (let rank = 1; rank <= keys; ) {
    const count = rank <= singleRanks ? 1 : Math.min(keys - rank + 1, Math.floor(rank / 100))
    const weight = (rank + (count - 1) / 2) ** -exponent
    groups.push({ count, weight })
    sum += count * weight
    rank += count
  }
  return groups.map(({ count, weight }) => ({ count, probability: weight / sum }))
}

/** The root of an increasing function on [0, ∞), by doubling and bisection. */
const rootOf = (increasing: (x: number) => number): number => {
  let high = 1
  while (increasing(high) < 0) {
    high *= 2
    if (high > 1e300) return Number.POSITIVE_INFINITY
  }
  let low = 0
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2
    if (increasing(middle) < 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}

const total = (groups: readonly KeyGroup[], each: (probability: number) => number): number =>
  groups.reduce((sum, { count, probability }) => sum + count * each(probability), 0)

export interface CacheAnswer {
  readonly hitRatio: number
  /** Mean number of keys stored. */
  readonly stored: number
  /** Time (in the unit of 1/rate) that a key stays without being asked for; infinite when all that is stored fits. */
  readonly characteristicTime: number
}

/**
 * LRU with room for `capacity` keys, by Che's approximation: a key is a hit when it was asked for within the
 * characteristic time T, which solves Σ(1 − e^(−q·T)) = capacity. Time is counted in requests.
 * Source: Che, Tung, Wang (2002); Fricker, Robert, Roberts (2012).
 */
export const lruCache = (groups: readonly KeyGroup[], capacity: number): CacheAnswer =>
  ttlLruCache(groups, capacity, 1, Number.POSITIVE_INFINITY)

/**
 * Time to live T, not renewed by hits: in each cycle of a key one miss is followed by λT hits, h = λT/(1 + λT).
 * Source: Jung, Berger, Balakrishnan (2003), fixed TTL.
 */
export const ttlHitRatio = (ratePerSecond: number, ttlSeconds: number): number =>
  ttlSeconds === Number.POSITIVE_INFINITY ? 1 : (ratePerSecond * ttlSeconds) / (1 + ratePerSecond * ttlSeconds)

/** Time to live renewed by each hit: a hit is a request within T of the last, h = 1 − e^(−λT). */
export const renewedTtlHitRatio = (ratePerSecond: number, ttlSeconds: number): number =>
  -Math.expm1(-ratePerSecond * ttlSeconds)

/**
 * LRU and a fixed time to live together, at `ratePerSecond` requests in all. Per key the smaller of the two hit
 * probabilities (an upper bound on the true one); the characteristic time follows from the keys that then fit. When
 * all live keys fit, only the time to live matters.
 */
export const ttlLruCache = (
  groups: readonly KeyGroup[],
  capacity: number,
  ratePerSecond: number,
  ttlSeconds: number,
): CacheAnswer => {
  const hit = (probability: number, time: number): number =>
    Math.min(
      ttlHitRatio(probability * ratePerSecond, ttlSeconds),
      time === Number.POSITIVE_INFINITY ? 1 : -Math.expm1(-probability * ratePerSecond * time),
    )
  const storedAt = (time: number): number => total(groups, (probability) => hit(probability, time))
  const fits = storedAt(Number.POSITIVE_INFINITY) <= capacity
  const characteristicTime = fits ? Number.POSITIVE_INFINITY : rootOf((time) => storedAt(time) - capacity)
  return {
    // Poisson arrivals see time averages: a key is found with the probability that it is stored.
    hitRatio: total(groups, (probability) => probability * hit(probability, characteristicTime)),
    stored: storedAt(characteristicTime),
    characteristicTime,
  }
}

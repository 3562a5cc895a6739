/** Hit ratios of caches under independent requests for keys of known popularity. */

/** Keys that are alike: `count` of them, each asked for with probability `probability`. */
export interface KeyGroup {
  readonly count: number
  readonly probability: number
}

/** Above this many ranks, neighbours (within 1 % of their rank) are treated as alike. */
const singleRanks = 10_000

/** They take a while to make, and whoever plans asks for the same ones again and again. */
const remembered = new Map<string, readonly KeyGroup[]>()
const mostRemembered = 64

/** Probabilities of `keys` keys, of Zipf's law with this exponent (0: uniform), in groups of equal popularity; the first `singles` ranks stand alone. */
export const zipfGroups = (keys: number, exponent: number, singles = singleRanks): readonly KeyGroup[] => {
  if (exponent === 0) return [{ count: keys, probability: 1 / keys }]
  const key = `${keys} ${exponent} ${singles}`
  let found = remembered.get(key)
  if (found === undefined) {
    found = makeZipfGroups(keys, exponent, singles)
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(key, found)
  }
  return found
}

const makeZipfGroups = (keys: number, exponent: number, singles: number): readonly KeyGroup[] => {
  const groups: { count: number; weight: number }[] = []
  let sum = 0
  for (let rank = 1; rank <= keys; ) {
    const count = rank <= singles ? 1 : Math.min(keys - rank + 1, Math.floor(rank / 100))
    const weight = (rank + (count - 1) / 2) ** -exponent
    groups.push({ count, weight })
    sum += count * weight
    rank += count
  }
  return groups.map(({ count, weight }) => ({ count, probability: weight / sum }))
}

/** The root of an increasing function on [0, ∞), by doubling and bisection. */
export const rootOf = (increasing: (x: number) => number): number => {
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

/** Σ over all keys of a function of how often each is asked for. */
export const total = (groups: readonly KeyGroup[], each: (probability: number) => number): number =>
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
 * Random eviction with room for `capacity` keys: a stored key is evicted at a rate 1/T, h = q·T/(1 + q·T), and T solves
 * Σh = capacity. First in, first out has the same hit ratio. Time is counted in requests.
 * Source: Gelenbe (1973), exact for RANDOM and FIFO as a product form; the characteristic time: Fricker, Robert, Roberts (2012).
 */
export const randomCache = (groups: readonly KeyGroup[], capacity: number): CacheAnswer =>
  evictingCache(groups, capacity, (probability, time) => ttlHitRatio(probability, time))

/**
 * Perfect LFU with room for `capacity` keys: the most popular are always there. The best that any policy can do when requests
 * are independent. `groups` by falling popularity, as `zipfGroups` makes them.
 */
export const lfuCache = (groups: readonly KeyGroup[], capacity: number): CacheAnswer => {
  let room = capacity
  let hitRatio = 0
  for (const { count, probability } of groups) {
    const stored = Math.min(room, count)
    hitRatio += stored * probability
    room -= stored
  }
  const stored = capacity - room
  return { hitRatio: Math.min(1, hitRatio), stored, characteristicTime: Number.POSITIVE_INFINITY }
}

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
 * Mean time for which a key stays once it was stored, asked for at `rate`, when it leaves after `ttl`, or earlier once it was not
 * asked for during T. The probability a(t) that it is still there solves a′(t) = −λe^(−λT)·a(t − T) with a jump of
 * −e^(−λT) at T (the gap before t that is longer than T ends at t); its integral to the ttl is summed term by term.
 */
export const storedSeconds = (rate: number, ttl: number, characteristicTime: number): number => {
  if (ttl <= characteristicTime) return ttl
  if (rate === 0 || characteristicTime <= 0) return characteristicTime
  const idle = Math.exp(-rate * characteristicTime)
  const decay = rate * idle
  // A hot key: it is never idle for so long. (The terms below would be 0/0.)
  if (decay * ttl < 1e-15) return ttl
  // Without a time to live, or when the key has long been gone before it ends.
  if (!(decay * ttl <= 20)) return Math.expm1(rate * characteristicTime) / rate
  let sum = ttl
  let logFactorial = 0
  for (let k = 1; k * characteristicTime < ttl; k++) {
    logFactorial += Math.log(k)
    const left = ttl - k * characteristicTime
    // (decay·left)^k / k!
    const power = Math.exp(k * Math.log(decay * left) - logFactorial)
    const term = (power * left) / (k + 1) + (power * idle) / decay
    sum += k % 2 === 1 ? -term : term
    if (term < 1e-15 * ttl) break
  }
  return sum
}

/**
 * LRU and a fixed time to live together, at `ratePerSecond` requests in all: a key that stays for A seconds once it was stored is
 * hit with probability λA/(1 + λA), Che's characteristic time follows from the keys that then fit. When all live keys
 * fit, only the time to live matters.
 */
export const ttlLruCache = (
  groups: readonly KeyGroup[],
  capacity: number,
  ratePerSecond: number,
  ttlSeconds: number,
): CacheAnswer =>
  evictingCache(groups, capacity, (probability, time) =>
    ttlHitRatio(1, probability * ratePerSecond * storedSeconds(probability * ratePerSecond, ttlSeconds, time)),
  )

/** `hit`: of a key, by its popularity and the characteristic time, which is found such that as many keys are stored as there is room for. */
const evictingCache = (
  groups: readonly KeyGroup[],
  capacity: number,
  hit: (probability: number, time: number) => number,
): CacheAnswer => {
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

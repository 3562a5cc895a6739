/** Hit ratios of the data sets that share one cache's memory, under each of Redis' policies and a time to live for each. */
import type { EvictionPolicy } from '../cache/cache.js'
import { type KeyGroup, rootOf, storedSeconds } from './cache.js'

/** Keys of one kind in a cache. */
export interface CachedSet {
  readonly groups: readonly KeyGroup[]
  /** Requests for keys of this set. */
  readonly ratePerSecond: number
  /** Infinite: keys do not expire. */
  readonly ttlSeconds: number
  /** What one key and its value take, overhead included. */
  readonly entryBytes: number
}

export interface SharedCacheAnswer {
  /** Of each set. */
  readonly hitRatios: readonly number[]
  /** Mean memory in use. */
  readonly bytes: number
  /** Everything that is live fits: nothing is evicted or refused. */
  readonly fits: boolean
}

/** The share of its time for which a key is stored, asked for at `rate`; `pressure` is what all keys of a cache have in common, and grows with memory. */
type Presence = (rate: number, ttlSeconds: number, pressure: number) => number

const cycle = (rate: number, storedFor: number): number =>
  storedFor === Number.POSITIVE_INFINITY ? 1 : (rate * storedFor) / (1 + rate * storedFor)

/** Pressure: Che's characteristic time. */
const recency: Presence = (rate, ttl, time) => cycle(rate, storedSeconds(rate, ttl, time))

/** Pressure: the mean time until a key is drawn. */
const random: Presence = (rate, ttl, time) =>
  cycle(rate, time === Number.POSITIVE_INFINITY ? ttl : time * -Math.expm1(-ttl / time))

/** Pressure: how long ago a key must have been due to be stored no longer, counted back from the longest time to live. */
const soonestExpiry =
  (longest: number): Presence =>
  (rate, ttl, time) =>
    cycle(rate, Math.max(0, Math.min(ttl, ttl - longest + time)))

/** Pressure: the time in which an empty cache fills; who was asked for by then stays. */
const firstCome: Presence = (rate, _, time) => -Math.expm1(-rate * time)

/** Pressure: requests until there is room again, as a share p/(1 − p) of misses that find some. */
const admission: Presence = (rate, ttl, odds) =>
  cycle(rate, odds === Number.POSITIVE_INFINITY ? ttl : (ttl * odds) / (1 + odds))

export const sharedCache = (
  sets: readonly CachedSet[],
  capacityBytes: number,
  policy: EvictionPolicy,
): SharedCacheAnswer => {
  if (policy === 'allkeys-lfu') return mostPopular(sets, capacityBytes)
  // Keys that never leave once they are in: those have their memory, the others share what is left.
  const isPermanent = (set: CachedSet): boolean =>
    !policy.startsWith('allkeys') && set.ttlSeconds === Number.POSITIVE_INFINITY
  const permanent = share(sets.filter(isPermanent), capacityBytes, firstCome)
  const passing = sets.filter((set) => !isPermanent(set))
  const rest = share(passing, capacityBytes - permanent.bytes, presenceOf(policy, passing))
  const ratios = { permanent: [...permanent.hitRatios], passing: [...rest.hitRatios] }
  return {
    hitRatios: sets.map((set) => (isPermanent(set) ? ratios.permanent : ratios.passing).shift() ?? 0),
    bytes: permanent.bytes + rest.bytes,
    fits: permanent.fits && rest.fits,
  }
}

const presenceOf = (policy: EvictionPolicy, sets: readonly CachedSet[]): Presence => {
  switch (policy) {
    case 'noeviction':
      return admission
    case 'allkeys-random':
      return random
    case 'volatile-ttl':
      return soonestExpiry(Math.max(0, ...sets.map(({ ttlSeconds }) => ttlSeconds)))
    default:
      return recency
  }
}

/** The pressure under which the sets fill the memory, and what follows. */
const share = (sets: readonly CachedSet[], capacityBytes: number, presence: Presence): SharedCacheAnswer => {
  const bytesAt = (pressure: number): number =>
    sum(sets, (set) => set.entryBytes * sumOf(set, (rate) => presence(rate, set.ttlSeconds, pressure)))
  const all = bytesAt(Number.POSITIVE_INFINITY)
  const fits = all <= capacityBytes
  const pressure = fits
    ? Number.POSITIVE_INFINITY
    : capacityBytes <= 0
      ? 0
      : rootOf((candidate) => bytesAt(candidate) - capacityBytes)
  return {
    hitRatios: sets.map((set) => hitRatioOf(set, (rate) => presence(rate, set.ttlSeconds, pressure))),
    bytes: fits ? all : Math.max(0, capacityBytes),
    fits,
  }
}

/** Perfect LFU: keys by how often they are asked for, until memory is full. Those stay, but for their time to live. */
const mostPopular = (sets: readonly CachedSet[], capacityBytes: number): SharedCacheAnswer => {
  const keys = sets
    .flatMap((set, index) =>
      set.groups.map(({ count, probability }) => {
        const rate = probability * set.ratePerSecond
        return { index, count, probability, rate, presence: cycle(rate, set.ttlSeconds), entryBytes: set.entryBytes }
      }),
    )
    .sort((a, b) => b.rate - a.rate)
  const hitRatios = sets.map(() => 0)
  let left = capacityBytes
  let fits = true
  for (const { index, count, probability, presence, entryBytes } of keys) {
    const each = presence * entryBytes
    const stored = each === 0 ? count : Math.min(count, left / each)
    if (stored < count) fits = false
    left -= stored * each
    hitRatios[index] = (hitRatios[index] ?? 0) + stored * probability * presence
  }
  return { hitRatios: hitRatios.map((ratio) => Math.min(1, ratio)), bytes: capacityBytes - left, fits }
}

const sum = <T>(items: readonly T[], each: (item: T) => number): number =>
  items.reduce((before, item) => before + each(item), 0)

const sumOf = ({ groups, ratePerSecond }: CachedSet, each: (rate: number) => number): number =>
  sum(groups, ({ count, probability }) => count * each(probability * ratePerSecond))

/** Poisson arrivals see time averages: a key is found with the probability that it is stored. */
const hitRatioOf = ({ groups, ratePerSecond }: CachedSet, presence: (rate: number) => number): number =>
  sum(groups, ({ count, probability }) => count * probability * presence(probability * ratePerSecond))

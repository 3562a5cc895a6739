/** Locks and locked rows: for each key a queue of its own with one server, which is held as long as the work under it takes. */
import type { DataId, Topology } from '../../../topology/types.js'
import { type KeyGroup, zipfGroups } from '../cache.js'
import type { Moments } from '../gamma.js'
import type { Exclusion } from './flow-tree.js'
import type { Wait } from './timing.js'

/** One name for all that excludes each other: `cache.product`; the lock (the rows) of a component where it is about no data. */
export const exclusionId = ({ component, data, by }: Exclusion): string =>
  `${component}.${data ?? (by === 'lock' ? 'lock' : 'rows')}`

/** Keys by falling popularity; without a data set one. */
export const keyGroups = (topology: Topology, data: DataId | undefined): readonly KeyGroup[] => {
  const set = data === undefined ? undefined : topology.data[data]
  if (set === undefined) return zipfGroups(1, 0)
  return zipfGroups(set.keys, set.popularity.law === 'zipf' ? set.popularity.exponent : 0)
}

/**
 * The wait for the lock of a key, over all keys: each an M/G/1 queue at its part of the rate (Pollaczek and Khinchine), its wait taken to be
 * exponential once it is not zero. Without bound where the hottest key is always locked.
 */
export const exclusionWait = (groups: readonly KeyGroup[], ratePerSecond: number, held: Moments): Wait => {
  let mean = 0
  let square = 0
  let waiting = 0
  const second = held.variance + held.mean ** 2
  for (const { count, probability } of groups) {
    const rate = ratePerSecond * probability
    const busy = rate * held.mean
    if (!(busy < 1)) return { waitSeconds: Infinity, waitVariance: Infinity, waitProbability: 1 }
    if (busy === 0) continue
    const weight = count * probability
    const wait = (rate * second) / (2 * (1 - busy))
    mean += weight * wait
    square += (weight * 2 * wait ** 2) / busy
    waiting += weight * busy
  }
  return { waitSeconds: mean, waitVariance: Math.max(0, square - mean ** 2), waitProbability: waiting }
}

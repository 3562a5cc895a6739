/** What a law of popularity means for single keys. */
import { type KeyGroup, zipfGroups } from '../../sim/analytic/cache.js'
import { shardOf } from '../../sim/state/shards.js'
import type { DataSet } from '../../topology/types.js'

/** Keys from the most popular on; without a data set one key is all there is. */
export const groupsOf = (data: DataSet | undefined): readonly KeyGroup[] =>
  zipfGroups(data?.keys ?? 1, data?.popularity.law === 'zipf' ? data.popularity.exponent : 0)

/** Share of requests that want the most popular key. */
export const hottestShare = (data: DataSet | undefined): number => groupsOf(data)[0]?.probability ?? 1

/** Beyond these ranks keys are so many and so alike that every shard has its part of them. */
const rankedKeys = 10_000

/** Share of requests that each shard gets, keys being spread by their hash. */
export const shardShares = (data: DataSet, shards: number): readonly number[] => {
  const shares = new Array<number>(shards).fill(0)
  let key = 0
  for (const { count, probability } of groupsOf(data)) {
    const ranked = Math.max(0, Math.min(count, rankedKeys - key))
    for (let i = 0; i < ranked; i++) {
      const shard = shardOf(key + i, shards)
      shares[shard] = (shares[shard] ?? 0) + probability
    }
    const rest = ((count - ranked) * probability) / shards
    if (rest > 0) for (let shard = 0; shard < shards; shard++) shares[shard] = (shares[shard] ?? 0) + rest
    key += count
  }
  return shares
}

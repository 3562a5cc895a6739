/** A cache whose keys are divided among several processes. */
import { ttlLruCache } from './cache.js'

export interface Shard {
  /** The share of requests that it gets: of a hot key, all of its requests. */
  readonly load: number
  readonly hitRatio: number
}

/** One cache for each shard, each with its own memory: who gets how much of the load, and how often it answers. */
export const shardedCache = (
  /** Of key 0, 1, 2, … */
  probabilities: ArrayLike<number>,
  shards: number,
  shardOf: (key: number) => number,
  capacityPerShard: number,
  ratePerSecond: number,
  ttlSeconds: number,
): readonly Shard[] => {
  const keys = Array.from({ length: shards }, (): number[] => [])
  for (let key = 0; key < probabilities.length; key++) keys[shardOf(key)]?.push(probabilities[key] ?? 0)
  return keys.map((own) => {
    const load = own.reduce((a, b) => a + b, 0)
    if (load === 0) return { load, hitRatio: 0 }
    const groups = own.map((probability) => ({ count: 1, probability: probability / load }))
    return { load, hitRatio: ttlLruCache(groups, capacityPerShard, ratePerSecond * load, ttlSeconds).hitRatio }
  })
}

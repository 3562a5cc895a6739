/**
 * The shard that a key belongs to, as Redis Cluster and hashed shards do it: a hash of the key, 16384 slots, of which each shard has a
 * contiguous part. The hash is ours (MurmurHash3's finalizer), not CRC16 of the key's name: as even, but not the same.
 */
const slots = 16_384

export const shardOf = (key: number, shards: number): number => {
  if (shards <= 1) return 0
  let hash = key | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash ^= hash >>> 16
  return Math.floor(((hash & (slots - 1)) * shards) / slots)
}

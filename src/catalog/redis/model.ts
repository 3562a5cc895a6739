import type { ModelDefaults } from '../../contract/model.js'

/** What a key takes in memory besides its value: dictionary entry, object header, key string, expiry. redis.io, memory optimization; MEMORY USAGE of a short key. */
export const cacheEntryBytes = 96

/** The size of a cached value about which no data set says anything. */
export const defaultValueBytes = 256

/**
 * One thread executes commands; a small GET over a socket, its system calls included. Failover as Redis is configured unless told otherwise:
 * `down-after-milliseconds 30000` of sentinels, `cluster-node-timeout 15000`; an election takes about a second.
 */
export const redisModel: ModelDefaults = {
  visitCpuSeconds: 25e-6,
  startupSeconds: 0.1,
  eventLoops: 1,
  onStop: 'reset',
  failover: {
    sentinel: { election: 'supervised', detectSeconds: 30, promoteSeconds: 1 },
    cluster: { election: 'masters', detectSeconds: 15, promoteSeconds: 1 },
  },
}

/** A cache that fails fast: one that is gone or hangs costs a lookup at most `commandMilliseconds`. */
import { Redis } from 'ioredis'
import type { Binding } from '../contract/workload.js'
import type { Cache } from './frame.js'

/** A healthy cache answers in well under a millisecond; beyond this it counts as an error. */
export const commandMilliseconds = 250

/** Reconnects at once first, then at most this long apart, for as long as the service runs. */
const reconnectMilliseconds = (times: number): number => Math.min(25 * times, 250)

export interface CacheClient extends Cache {
  readonly connected: boolean
  close(): void
}

export const openRedis = (binding: Binding, name: string, onChange: (connected: boolean) => void): CacheClient => {
  const [address] = binding.addresses
  if (address === undefined) throw new Error('no instance of the cache is bound')
  const redis = new Redis({
    host: address.host,
    port: address.port,
    ...(binding.password === undefined ? {} : { password: binding.password }),
    ...(binding.user === undefined ? {} : { username: binding.user }),
    connectionName: name.replaceAll(/[^\w.:-]/g, '-'),
    connectTimeout: 1000,
    commandTimeout: commandMilliseconds,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectMilliseconds,
  })
  let connected = false
  const become = (now: boolean): void => {
    if (connected === now) return
    connected = now
    onChange(now)
  }
  redis.on('ready', () => become(true))
  redis.on('close', () => become(false))
  // Without a listener ioredis prints each failed attempt; `close` tells us all that we need.
  redis.on('error', () => {})
  const quietly = async (work: Promise<unknown>): Promise<void> => {
    await work.catch(() => {})
  }
  return {
    get connected() {
      return connected
    },
    get: (key) =>
      redis.getBuffer(key).then(
        (value) => (value === null ? 'miss' : 'hit'),
        () => 'error',
      ),
    set: (key, value, ttlSeconds) =>
      quietly(
        ttlSeconds === undefined
          ? redis.set(key, value)
          : redis.set(key, value, 'PX', Math.max(1, Math.round(ttlSeconds * 1000))),
      ),
    delete: (key) => quietly(redis.del(key)),
    close: () => redis.disconnect(),
  }
}

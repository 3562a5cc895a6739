import { describe, expect, it } from 'vitest'
import { redisConf } from '../../../src/catalog/redis/config.js'
import type { StoreComponent } from '../../../src/topology/types.js'
import { contextOf, store } from '../../support/config-context.js'

const lines = (over: Partial<StoreComponent> = {}, folder = '/tmp'): readonly string[] =>
  redisConf(contextOf(store(over), { folder, listen: { host: '127.0.0.1', port: 6400 } })).split('\n')

describe('redis.conf', () => {
  it('listens where it is told, and nowhere else', () => {
    expect(lines()).toEqual(expect.arrayContaining(['bind 127.0.0.1', 'port 6400']))
    expect(lines().some((line) => line.startsWith('unixsocket'))).toBe(false)
  })

  it('has the memory and the eviction of the topology', () => {
    expect(lines({ memoryBytes: 1000.7, eviction: 'volatile-ttl' })).toEqual(
      expect.arrayContaining(['maxmemory 1000', 'maxmemory-policy volatile-ttl']),
    )
    expect(lines({ memoryBytes: undefined })).toContain('maxmemory 0')
  })

  it.each([
    ['none', ['save ""', 'appendonly no']],
    ['aof', ['save ""', 'appendonly yes']],
    ['rdb', ['save "60 1000"', 'appendonly no']],
  ] as const)('persists by %s', (persistence, expected) => {
    expect(lines({ persistence })).toEqual(expect.arrayContaining([...expected]))
  })

  it('quotes its folder', () => {
    expect(lines({}, '/tmp/a "b\\c')).toContain('dir "/tmp/a \\"b\\\\c"')
  })
})

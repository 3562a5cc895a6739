import { oneOf } from '../../lib/document/schema.js'
import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const redis: EngineDescriptor = {
  engine: 'redis',
  role: 'store',
  summary: 'in-memory store: cache, locks, counters, queues',
  options: {
    ...pick(storeOptions, [
      'mode',
      'masters',
      'replicasPerMaster',
      'memory',
      'eviction',
      'maxConnections',
      'replication',
      'failover',
      'sentinels',
      'queues',
    ]),
    persistence: oneOf(['none', 'aof', 'rdb']).default('none'),
  },
  accepts: ['lookup', 'query', 'write', 'reserve', 'release', 'lock', 'publish'],
  guards: ['lua', 'none'],
  roles: ['primary', 'replica'],
}

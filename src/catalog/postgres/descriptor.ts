import { count } from '../../lib/document/scalars.js'
import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const postgres: EngineDescriptor = {
  engine: 'postgres',
  role: 'store',
  summary: 'PostgreSQL, a relational database',
  options: {
    ...pick(storeOptions, ['readReplicas', 'memory', 'replication', 'failover', 'shards']),
    maxConnections: count(1, 262_143).default(100),
    reservedConnections: count(0, 1000).default(3),
  },
  accepts: ['query', 'write', 'transaction', 'reserve', 'release'],
  guards: ['row-lock', 'version', 'none'],
  roles: ['primary', 'replica'],
}

import { count } from '../../lib/document/scalars.js'
import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const mysql: EngineDescriptor = {
  engine: 'mysql',
  role: 'store',
  summary: 'MySQL or MariaDB, a relational database',
  options: {
    ...pick(storeOptions, ['readReplicas', 'memory', 'replication', 'failover', 'shards']),
    maxConnections: count(1, 100_000).default(151),
    reservedConnections: count(0, 1000).default(1),
  },
  accepts: ['query', 'write', 'transaction', 'reserve', 'release'],
  guards: ['row-lock', 'version', 'none'],
  roles: ['primary', 'replica'],
}

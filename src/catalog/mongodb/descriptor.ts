import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const mongodb: EngineDescriptor = {
  engine: 'mongodb',
  role: 'store',
  summary: 'MongoDB, a document database',
  options: pick(storeOptions, ['readReplicas', 'memory', 'maxConnections', 'replication', 'failover', 'shards']),
  accepts: ['query', 'write', 'transaction', 'reserve', 'release'],
  guards: ['version', 'none'],
  roles: ['primary', 'replica'],
}

import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const etcd: EngineDescriptor = {
  engine: 'etcd',
  role: 'store',
  summary: 'etcd, a consistent store of configuration and locks',
  options: pick(storeOptions, ['memory', 'maxConnections']),
  accepts: ['query', 'write', 'lock'],
  roles: [],
}

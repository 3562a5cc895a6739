import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const kafka: EngineDescriptor = {
  engine: 'kafka',
  role: 'store',
  summary: 'Kafka, a log of topics',
  options: pick(storeOptions, ['replicationFactor', 'topics', 'maxConnections']),
  accepts: ['publish'],
  roles: [],
}

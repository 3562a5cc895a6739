import type { EngineDescriptor } from '../../topology/engine.js'
import { pick, storeOptions } from '../../topology/schema/options.js'

export const rabbitmq: EngineDescriptor = {
  engine: 'rabbitmq',
  role: 'store',
  summary: 'RabbitMQ, a message broker',
  options: pick(storeOptions, ['queues', 'memory', 'maxConnections']),
  accepts: ['publish'],
  roles: [],
}

import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const logstash: EngineDescriptor = {
  engine: 'logstash',
  role: 'monitor',
  summary: 'moves logs',
  options: pick(monitorOptions, ['source', 'index']),
  accepts: [],
  roles: [],
}

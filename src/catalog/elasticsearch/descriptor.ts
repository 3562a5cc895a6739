import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const elasticsearch: EngineDescriptor = {
  engine: 'elasticsearch',
  role: 'monitor',
  summary: 'keeps and searches logs',
  options: pick(monitorOptions, ['retention', 'memory']),
  accepts: [],
  roles: [],
}

import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const alertmanager: EngineDescriptor = {
  engine: 'alertmanager',
  role: 'monitor',
  summary: 'routes alerts',
  options: pick(monitorOptions, ['source']),
  accepts: [],
  roles: [],
}

import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const kibana: EngineDescriptor = {
  engine: 'kibana',
  role: 'monitor',
  summary: 'shows logs',
  options: pick(monitorOptions, ['source']),
  accepts: [],
  roles: [],
}

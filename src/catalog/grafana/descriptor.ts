import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const grafana: EngineDescriptor = {
  engine: 'grafana',
  role: 'monitor',
  summary: 'shows dashboards',
  options: pick(monitorOptions, ['source']),
  accepts: [],
  roles: [],
}

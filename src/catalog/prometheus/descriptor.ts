import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const prometheus: EngineDescriptor = {
  engine: 'prometheus',
  role: 'monitor',
  summary: 'collects metrics',
  options: pick(monitorOptions, ['scrapeInterval', 'retention', 'targets']),
  accepts: [],
  roles: [],
}

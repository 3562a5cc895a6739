import type { EngineDescriptor } from '../../topology/engine.js'
import { monitorOptions, pick } from '../../topology/schema/options.js'

export const loki: EngineDescriptor = {
  engine: 'loki',
  role: 'monitor',
  summary: 'keeps logs',
  options: pick(monitorOptions, ['retention']),
  accepts: [],
  roles: [],
}

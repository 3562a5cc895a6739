import type { EngineDescriptor } from '../../topology/engine.js'
import { externalOptions } from '../../topology/schema/options.js'

export const external: EngineDescriptor = {
  engine: 'external',
  role: 'external',
  summary: 'a dependency that is not ours: latency, errors and limits',
  options: externalOptions,
  accepts: ['call'],
  roles: [],
}

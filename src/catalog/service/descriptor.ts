import type { EngineDescriptor } from '../../topology/engine.js'
import { serviceOptions } from '../../topology/schema/options.js'

export const service: EngineDescriptor = {
  engine: 'service',
  role: 'service',
  summary: 'the workload service, or your own program in its place',
  options: serviceOptions,
  accepts: ['call'],
  roles: [],
}

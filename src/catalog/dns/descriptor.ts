import type { EngineDescriptor } from '../../topology/engine.js'
import { balancerOptions, pick } from '../../topology/schema/options.js'

export const dns: EngineDescriptor = {
  engine: 'dns',
  role: 'balancer',
  summary: 'name service that answers with one of several addresses',
  options: pick(balancerOptions, ['upstream', 'weights', 'policy', 'health', 'nextUpstream']),
  accepts: [],
  roles: [],
}

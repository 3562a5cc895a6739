import type { EngineDescriptor } from '../../topology/engine.js'
import { balancerOptions, pick } from '../../topology/schema/options.js'

export const cdn: EngineDescriptor = {
  engine: 'cdn',
  role: 'balancer',
  summary: 'content delivery network in front of an origin',
  options: pick(balancerOptions, [
    'upstream',
    'weights',
    'policy',
    'health',
    'nextUpstream',
    'hitRatio',
    'ttl',
    'cacheMemory',
  ]),
  accepts: [],
  roles: [],
}

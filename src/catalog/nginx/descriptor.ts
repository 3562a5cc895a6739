import type { EngineDescriptor } from '../../topology/engine.js'
import { balancerOptions, pick } from '../../topology/schema/options.js'

export const nginx: EngineDescriptor = {
  engine: 'nginx',
  role: 'balancer',
  summary: 'reverse proxy and load balancer',
  options: pick(balancerOptions, [
    'upstream',
    'weights',
    'balance',
    'workers',
    'health',
    'nextUpstream',
    'connectTimeout',
    'readTimeout',
    'keepalive',
    'rateLimit',
  ]),
  accepts: [],
  roles: [],
}

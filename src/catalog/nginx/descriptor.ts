import { about, refused } from '../../lib/document/schema.js'
import { z } from '../../lib/document/zod.js'
import type { EngineDescriptor } from '../../topology/engine.js'
import { balancerOptions, passiveHealth, passiveHealthShape, pick } from '../../topology/schema/options.js'

const ofPlus = refused(
  'has no meaning for engine nginx: only nginx Plus checks actively',
  'maxFails, or engine: haproxy',
)

export const nginx: EngineDescriptor = {
  engine: 'nginx',
  role: 'balancer',
  summary: 'reverse proxy and load balancer',
  options: {
    ...pick(balancerOptions, [
      'upstream',
      'weights',
      'balance',
      'workers',
      'nextUpstream',
      'connectTimeout',
      'readTimeout',
      'keepalive',
      'rateLimit',
    ]),
    health: about(
      passiveHealth,
      z
        .strictObject({ ...passiveHealthShape, interval: ofPlus, timeout: ofPlus, rise: ofPlus, fall: ofPlus })
        .optional(),
    ),
  },
  accepts: [],
  roles: [],
}

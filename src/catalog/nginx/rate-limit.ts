import type { ConfigContext } from '../../contract/engine.js'
import { notYet } from '../../lib/errors.js'
import type { BalancerComponent, RateLimit } from '../../topology/types.js'

/** Lines for the http block, the server block and the limited location; all empty without a limit. */
export interface RateLimitParts {
  readonly http: readonly string[]
  readonly server: readonly string[]
  readonly location: readonly string[]
}

/** What each limit is counted for. A caller without a key is counted by its address: nginx does not count empty keys. */
const keys: Readonly<Record<RateLimit['per'], { readonly key: string; readonly http: readonly string[] }>> = {
  all: { key: '"all"', http: [] },
  address: { key: '$binary_remote_addr', http: [] },
  'api-key': {
    key: '$plimsoll_limit_key',
    http: [
      'map $http_x_api_key $plimsoll_limit_key {',
      '    "" $binary_remote_addr;',
      '    default $http_x_api_key;',
      '}',
    ],
  },
}

/** nginx counts whole requests per second or per minute; a rate that is neither is rounded to requests per minute. */
const rate = (perSecond: number): string =>
  Number.isInteger(perSecond) ? `${perSecond}r/s` : `${Math.max(1, Math.round(perSecond * 60))}r/m`

/** `limit_req`: 429 with Retry-After for what exceeds the burst; a token bucket serves its burst at once, a leaky one paces it. */
export const rateLimitParts = (context: ConfigContext, balancer: BalancerComponent): RateLimitParts => {
  const limit = balancer.rateLimit
  if (limit === undefined) return { http: [], server: [], location: [] }
  if (limit.algorithm === 'sliding-window')
    throw notYet(
      'rateLimit algorithm: sliding-window with nginx',
      context.topology.source.locate(['components', balancer.id, 'rateLimit']),
      'token-bucket or leaky-bucket',
    )
  const { key, http } = keys[limit.per]
  const burst = Math.round(limit.burst)
  return {
    http: [
      ...http,
      `limit_req_zone ${key} zone=limit:10m rate=${rate(limit.ratePerSecond)};`,
      'limit_req_status 429;',
      '',
    ],
    server: [
      'error_page 429 @limited;',
      'location @limited {',
      `    add_header Retry-After ${Math.max(1, Math.ceil(1 / limit.ratePerSecond))} always;`,
      '    add_header X-Request-ID $plimsoll_request_id always;',
      '    return 429;',
      '}',
    ],
    location: [
      `limit_req zone=limit${burst > 0 ? ` burst=${burst}` : ''}${limit.algorithm === 'token-bucket' && burst > 0 ? ' nodelay' : ''};`,
    ],
  }
}

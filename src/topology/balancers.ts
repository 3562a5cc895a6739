import { activeHealthDefaults } from '../policy/active-health.js'
import { type BuildScope, common, type FieldsOf, fieldsOf } from './component-common.js'
import { balancerOptions } from './schema/options.js'
import { lookUp, type RawComponent, report, reportKey } from './scope.js'
import { normalizedShares } from './shares.js'
import type { BalancerComponent, RateLimit } from './types.js'

export const balancer = (scope: BuildScope, raw: RawComponent): BalancerComponent => {
  const fields = fieldsOf(raw, balancerOptions)
  const health = fields.get('health')
  const next = fields.get('nextUpstream')
  const upstreams = upstreamsOf(scope, raw, fields)
  return {
    ...common(scope, raw, fields, fields.get('replicas') ?? 1),
    role: 'balancer',
    upstreams,
    balance: fields.get('balance') ?? fields.get('policy') ?? 'round_robin',
    workers: fields.get('workers') ?? 1,
    health: { maxFails: health?.get('maxFails') ?? 1, failTimeoutSeconds: health?.get('failTimeout') ?? 10 },
    activeHealth: activeHealthOf(scope, fields),
    nextUpstream: {
      for: next?.get('for')?.filter((cause) => cause !== undefined) ?? ['error', 'timeout'],
      tries: next?.get('tries') ?? 0,
      timeoutSeconds: next?.get('timeout'),
    },
    connectTimeoutSeconds: fields.get('connectTimeout') ?? 60,
    readTimeoutSeconds: fields.get('readTimeout') ?? 60,
    keepalive: fields.get('keepalive') ?? 32,
    rateLimit: rateLimitOf(scope, fields),
    cache: cacheOf(fields),
  }
}

const cacheOf = (fields: FieldsOf<typeof balancerOptions>): BalancerComponent['cache'] => {
  if (!(['hitRatio', 'ttl', 'cacheMemory'] as const).some((key) => fields.has(key))) return undefined
  return {
    hitRatio: fields.get('hitRatio'),
    ttlSeconds: fields.get('ttl'),
    memoryBytes: fields.get('cacheMemory'),
  }
}

const activeHealthOf = (
  scope: BuildScope,
  fields: FieldsOf<typeof balancerOptions>,
): BalancerComponent['activeHealth'] => {
  const health = fields.get('health')
  if (health === undefined) return undefined
  if (!health.has('interval')) {
    for (const key of ['timeout', 'rise', 'fall'] as const)
      if (health.has(key))
        reportKey(scope, health.path(key), `"${key}" has a meaning only beside "interval"`, 'it is about active checks')
    return undefined
  }
  const intervalSeconds = health.get('interval')
  if (intervalSeconds === undefined) return undefined
  return {
    intervalSeconds,
    // As haproxy: without a timeout of its own a probe has until the next one.
    timeoutSeconds: health.get('timeout') ?? intervalSeconds,
    rise: health.get('rise') ?? activeHealthDefaults.rise,
    fall: health.get('fall') ?? activeHealthDefaults.fall,
  }
}

const rateLimitOf = (scope: BuildScope, fields: FieldsOf<typeof balancerOptions>): RateLimit | undefined => {
  const limit = fields.get('rateLimit')
  if (limit === undefined) return undefined
  const algorithm = limit.get('algorithm') ?? 'token-bucket'
  const ratePerSecond = limit.get('rate') ?? 1
  const burst = limit.get('burst') ?? 0
  const windowSeconds = limit.get('window')
  if (limit.has('window') && algorithm !== 'sliding-window')
    reportKey(scope, limit.path('window'), `"window" has no meaning for ${algorithm}`, 'algorithm: sliding-window')
  else if (windowSeconds !== undefined && ratePerSecond * windowSeconds + burst < 1)
    report(
      scope,
      limit.path('window'),
      'window: at this rate not one request fits into it',
      'a longer window, or a burst',
    )
  return { per: limit.get('per') ?? 'all', algorithm, ratePerSecond, burst, windowSeconds }
}

const upstreamsOf = (
  scope: BuildScope,
  raw: RawComponent,
  fields: FieldsOf<typeof balancerOptions>,
): BalancerComponent['upstreams'] => {
  if (fields.has('upstream') && fields.has('weights')) {
    reportKey(scope, fields.path('weights'), `"${raw.id}" has both "upstream" and "weights"`, 'keep one of the two')
  } else if (!fields.has('upstream') && !fields.has('weights')) {
    report(
      scope,
      raw.at,
      `component "${raw.id}" (${raw.descriptor?.engine}) needs "upstream"`,
      'the component to which it hands requests on',
    )
  }
  const known = (name: string, at: readonly (string | number)[]): void => {
    const found = lookUp(scope, 'component', scope.components, name, at)?.found
    const role = found?.descriptor?.role
    if (role !== undefined && role !== 'service' && role !== 'balancer') {
      report(
        scope,
        at,
        `"${raw.id}" cannot hand requests on to "${name}", which is a ${role} (${found?.descriptor?.engine})`,
      )
    }
  }
  const upstream = fields.get('upstream')
  if (upstream !== undefined) known(upstream, fields.path('upstream'))
  const weights = fields.get('weights')
  if (weights === undefined) return upstream === undefined ? [] : [{ component: upstream, weight: 1 }]
  const at = fields.path('weights')
  for (const name of weights.keys()) {
    if (scope.components.has(name)) known(name, [...at, name])
    else lookUp(scope, 'component', scope.components, name, [...at, name], reportKey)
  }
  const shares = normalizedShares(scope, [...weights.values()], at, `the weights of "${raw.id}"`)
  return [...weights.keys()].map((component, index) => ({ component, weight: shares[index] ?? 0 }))
}

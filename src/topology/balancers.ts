import { type BuildScope, common, type FieldsOf, fieldsOf } from './component-common.js'
import { balancerOptions } from './schema/options.js'
import { lookUp, type RawComponent, report, reportKey } from './scope.js'
import { normalizedShares } from './shares.js'
import type { BalancerComponent, RateLimit } from './types.js'

export const balancer = (scope: BuildScope, raw: RawComponent): BalancerComponent => {
  const fields = fieldsOf(raw, balancerOptions)
  const health = fields.get('health')
  const next = fields.get('nextUpstream')
  const limit = fields.get('rateLimit')
  const upstreams = upstreamsOf(scope, raw, fields)
  const rateLimit: RateLimit | undefined = limit && {
    per: limit.get('per') ?? 'all',
    algorithm: limit.get('algorithm') ?? 'token-bucket',
    ratePerSecond: limit.get('rate') ?? 1,
    burst: limit.get('burst') ?? 0,
  }
  return {
    ...common(scope, raw, fields, fields.get('replicas') ?? 1),
    role: 'balancer',
    upstreams,
    balance: fields.get('balance') ?? fields.get('policy') ?? 'round_robin',
    workers: fields.get('workers') ?? 1,
    health: { maxFails: health?.get('maxFails') ?? 1, failTimeoutSeconds: health?.get('failTimeout') ?? 10 },
    nextUpstream: {
      for: next?.get('for')?.filter((cause) => cause !== undefined) ?? ['error', 'timeout'],
      tries: next?.get('tries') ?? 0,
      timeoutSeconds: next?.get('timeout'),
    },
    connectTimeoutSeconds: fields.get('connectTimeout') ?? 60,
    readTimeoutSeconds: fields.get('readTimeout') ?? 60,
    keepalive: fields.get('keepalive') ?? 32,
    rateLimit,
  }
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

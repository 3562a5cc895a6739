/** Components from their fields: defaults filled in, options checked against each other. Flows and targets come later. */

import type { Fields } from '../lib/document/read.js'
import type { z } from '../lib/document/zod.js'
import type { commonOptions } from './schema/options.js'
import { balancerOptions, externalOptions, serviceOptions, storeOptions } from './schema/options.js'
import { lookUp, type RawComponent, report, reportKey, type Scope } from './scope.js'
import { normalizedShares } from './shares.js'
import { storeShape } from './stores.js'
import type {
  BalancerComponent,
  Component,
  Execution,
  ExternalComponent,
  MonitorComponent,
  RateLimit,
  Scaling,
  ScalingTrigger,
  ServiceComponent,
} from './types.js'

type Common = typeof commonOptions
export type FieldsOf<Options> = Fields<Common & Options>
type BuildScope = Pick<Scope, 'reader' | 'hosts' | 'components'>

const fieldsOf = <O extends z.ZodRawShape>(raw: RawComponent, _options: O): FieldsOf<O> =>
  raw.fields as unknown as FieldsOf<O>

/** What all components have. */
const common = (scope: BuildScope, raw: RawComponent, fields: FieldsOf<object>, replicas: number) => {
  const written = fields.get('host')
  const host = written?.startsWith('host:') === true ? written.slice('host:'.length) : written
  if (host !== undefined) lookUp(scope, 'host', scope.hosts, host, fields.path('host'))
  const resources = fields.get('resources')
  const memory = resources?.get('memory')
  return {
    id: raw.id,
    engine: raw.descriptor?.engine ?? '',
    host,
    zone: fields.get('zone'),
    region: fields.get('region'),
    replicas,
    resources: {
      cpu: resources?.get('cpu'),
      memoryBaseBytes: memory?.baseBytes,
      memoryPerRequestBytes: memory?.perRequestBytes,
    },
    startupSeconds: fields.get('startup') ?? 0,
    restartAfterSeconds: fields.get('restart')?.get('after'),
    demand: fields.get('demand'),
  }
}

const balancer = (scope: BuildScope, raw: RawComponent): BalancerComponent => {
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
    if (!scope.components.has(name)) lookUpKey(scope, name, [...at, name])
    else known(name, [...at, name])
  }
  const shares = normalizedShares(scope, [...weights.values()], at, `the weights of "${raw.id}"`)
  return [...weights.keys()].map((component, index) => ({ component, weight: shares[index] ?? 0 }))
}

const lookUpKey = (scope: BuildScope, name: string, at: readonly (string | number)[]): void => {
  const { document } = scope.reader
  lookUp(
    { reader: { ...scope.reader, document: { ...document, report: document.reportKey } } },
    'component',
    scope.components,
    name,
    at,
  )
}

const service = (scope: BuildScope, raw: RawComponent): ServiceComponent => {
  const fields = fieldsOf(raw, serviceOptions)
  const consumes = fields.has('consumes')
  for (const key of ['slots', 'acknowledge', 'flow'] as const) {
    if (fields.has(key) && !consumes) {
      reportKey(
        scope,
        fields.path(key),
        `"${key}" of "${raw.id}" has a meaning only beside "consumes"`,
        'flows of requests stand below requests',
      )
    }
  }
  if (consumes && !fields.has('flow')) {
    report(scope, raw.at, `component "${raw.id}" consumes a queue and so needs "flow"`, 'what it does for each message')
  }
  const scaling = scalingOf(scope, fields)
  return {
    ...common(scope, raw, fields, fields.get('replicas') ?? scaling?.min ?? 1),
    role: 'service',
    execution: executionOf(scope, fields),
    image: fields.get('image'),
    command: fields.get('command')?.filter((word) => word !== undefined),
    maxInFlight: fields.get('maxInFlight'),
    onAbort: fields.get('onAbort') ?? 'continue',
    pools: {},
    scaling,
    consumes: undefined,
    slots: fields.get('slots') ?? 1,
    acknowledge: fields.get('acknowledge') ?? 'after-work',
    flow: [],
    operations: {},
  }
}

const executionOf = (scope: BuildScope, fields: FieldsOf<typeof serviceOptions>): Execution => {
  const execution = fields.get('execution')
  const model = execution?.get('model')
  if (execution === undefined || model === undefined) return { model: 'event-loop', processes: 1 }
  const meaning = { processes: 'event-loop', threads: 'threads' } as const
  for (const key of ['processes', 'threads'] as const) {
    if (execution.has(key) && model !== meaning[key]) {
      reportKey(scope, execution.path(key), `"${key}" has no meaning for execution model ${model}`)
    }
  }
  if (model === 'event-loop') return { model, processes: execution.get('processes') ?? 1 }
  return model === 'threads' ? { model, threads: execution.get('threads') ?? 200 } : { model }
}

const triggerMetrics = ['cpu', 'memory', 'queueLength', 'queueLengthPerReplica', 'inFlight', 'ratePerReplica'] as const

const scalingOf = (scope: BuildScope, fields: FieldsOf<typeof serviceOptions>): Scaling | undefined => {
  const scaling = fields.get('scaling')
  if (scaling === undefined) return undefined
  const min = scaling.get('min')
  const max = scaling.get('max')
  const replicas = fields.get('replicas')
  if (min !== undefined && max !== undefined && max < min) {
    report(scope, scaling.path('max'), `max: ${max} is below min, which is ${min}`)
  } else if (
    replicas !== undefined &&
    ((min !== undefined && replicas < min) || (max !== undefined && replicas > max))
  ) {
    report(
      scope,
      fields.path('replicas'),
      `replicas: ${replicas} is outside of scaling, which goes from ${min ?? '?'} to ${max ?? '?'}`,
    )
  }
  const triggers = (scaling.get('triggers') ?? []).flatMap((trigger): readonly ScalingTrigger[] => {
    if (trigger === undefined) return []
    const written = triggerMetrics.filter((metric) => trigger.has(metric))
    const [metric, second] = written
    if (metric === undefined) {
      report(scope, trigger.at, 'a trigger needs a metric', `one of: ${triggerMetrics.join(', ')}`)
      return []
    }
    if (second !== undefined)
      reportKey(scope, trigger.path(second), 'a trigger has one metric', 'begin another trigger with "- "')
    const target = trigger.get(metric)
    return target === undefined ? [] : [{ metric, target }]
  })
  return { min: min ?? 1, max: max ?? 1, triggers }
}

const external = (scope: BuildScope, raw: RawComponent): ExternalComponent => {
  const fields = fieldsOf(raw, externalOptions)
  const limit = fields.get('rateLimit')
  return {
    ...common(scope, raw, fields, fields.get('replicas') ?? 1),
    role: 'external',
    latency: fields.get('latency') ?? { shape: 'constant', seconds: 0 },
    errors: fields.get('errors') ?? 0,
    rateLimit: limit && { ratePerSecond: limit.get('rate') ?? 1 },
  }
}

const monitor = (scope: BuildScope, raw: RawComponent): MonitorComponent => {
  const fields = fieldsOf(raw, {})
  const options: Record<string, unknown> = {}
  for (const key of Object.keys(raw.descriptor?.options ?? {})) {
    const value = raw.fields?.get(key)
    if (value === undefined) continue
    options[key] = value
    const names = key === 'source' ? [value] : key === 'targets' ? (value as unknown[]) : []
    names.forEach((name, index) => {
      const at = [...raw.at, key, ...(key === 'targets' ? [index] : [])]
      if (typeof name === 'string') lookUp(scope, 'component', scope.components, name, at)
    })
  }
  return { ...common(scope, raw, fields, fields.get('replicas') ?? 1), role: 'monitor', options }
}

/** The component without its flows, pools and targets; undefined when its engine is unknown. */
export const buildComponent = (scope: BuildScope, raw: RawComponent): Component | undefined => {
  if (raw.fields === undefined) return undefined
  const { descriptor } = raw
  if (descriptor === undefined) {
    common(scope, raw, fieldsOf(raw, {}), 1)
    return undefined
  }
  switch (descriptor.role) {
    case 'balancer':
      return balancer(scope, raw)
    case 'service':
      return service(scope, raw)
    case 'store': {
      const fields = fieldsOf(raw, storeOptions)
      const { replicas, ...shape } = storeShape(scope, raw, fields)
      return { ...common(scope, raw, fields, replicas), role: 'store', ...shape }
    }
    case 'external':
      return external(scope, raw)
    case 'monitor':
      return monitor(scope, raw)
  }
}

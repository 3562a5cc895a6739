/** Components from their fields: defaults filled in, options checked against each other. Flows and targets come later. */
import { balancer } from './balancers.js'
import { type BuildScope, common, fieldsOf } from './component-common.js'
import { externalOptions, storeOptions } from './schema/options.js'
import { lookUp, type RawComponent } from './scope.js'
import { service } from './services.js'
import { storeShape } from './stores.js'
import type { Component, ExternalComponent, MonitorComponent } from './types.js'

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

/** Services without their flows and targets. */
import { type BuildScope, common, type FieldsOf, fieldsOf } from './component-common.js'
import { scalingOf } from './scaling.js'
import { serviceOptions } from './schema/options.js'
import { lookUp, type RawComponent, report, reportKey } from './scope.js'
import type { Execution, Probe, ServiceComponent } from './types.js'

export const service = (scope: BuildScope, raw: RawComponent): ServiceComponent => {
  const fields = fieldsOf(raw, serviceOptions)
  const consumes = fields.has('consumes')
  const consumer = (['flow', 'slots', 'acknowledge'] as const).filter((key) => fields.has(key))
  // With a flow it is `consumes` that is missing, and that is one mistake.
  for (const key of consumer[0] === 'flow' ? (['flow'] as const) : consumer) {
    if (!consumes) {
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
  if (fields.get('command')?.length === 0) report(scope, fields.path('command'), 'command: expected at least one word')
  const scaling = scalingOf(scope, fields)
  return {
    ...common(scope, raw, fields, fields.get('replicas') ?? Math.max(1, scaling?.min ?? 1)),
    role: 'service',
    execution: executionOf(scope, fields),
    image: fields.get('image'),
    command: fields.get('command')?.filter((word) => word !== undefined),
    maxInFlight: fields.get('maxInFlight'),
    shed: fields.get('shed') ?? 'lowest-priority',
    priorities: fields.get('priorities') ?? 'non-preemptive',
    onAbort: fields.get('onAbort') ?? 'continue',
    pools: {},
    scaling,
    consumes: undefined,
    slots: fields.get('slots') ?? 1,
    acknowledge: fields.get('acknowledge') ?? 'after-work',
    flow: [],
    operations: {},
    ...declaredOf(scope, fields),
  }
}

/** What has no meaning for the flows: environment, probes, claims. */
const declaredOf = (
  scope: BuildScope,
  fields: FieldsOf<typeof serviceOptions>,
): Pick<ServiceComponent, 'env' | 'probes' | 'claims'> => {
  const env = fields.get('env')
  const probes = fields.get('probes')
  const throughputPerSecond = fields.get('claims')?.get('throughput')
  const probeOf = (key: 'liveness' | 'readiness'): Probe | undefined => {
    const probe = probes?.get(key)
    const path = probe?.get('path')
    if (probe === undefined || path === undefined) return undefined
    const checks = (probe.get('checks') ?? []).filter((name) => name !== undefined)
    checks.forEach((name, index) => {
      lookUp(scope, 'component', scope.components, name, [...probe.path('checks'), index])
    })
    return { path, checks }
  }
  return {
    ...(env === undefined
      ? {}
      : { env: Object.fromEntries([...env].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))) }),
    ...(probes === undefined ? {} : { probes: { liveness: probeOf('liveness'), readiness: probeOf('readiness') } }),
    ...(throughputPerSecond === undefined ? {} : { claims: { throughputPerSecond } }),
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

/** Services without their flows and targets. */
import { type BuildScope, common, type FieldsOf, fieldsOf } from './component-common.js'
import { serviceOptions } from './schema/options.js'
import { type RawComponent, report, reportKey } from './scope.js'
import type { Execution, Scaling, ScalingTrigger, ServiceComponent } from './types.js'

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

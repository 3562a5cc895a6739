/** `scaling` of a service, checked, with the defaults of Kubernetes and KEDA. */
import type { Fields, Value } from '../lib/document/read.js'
import { type Behavior, defaultBehavior, defaultRules } from '../policy/autoscaler/hpa.js'
import { kedaDefaults } from '../policy/autoscaler/keda.js'
import { isQueueTrigger, metricsDefaults, type Scaling, type ScalingTrigger } from '../policy/autoscaler/scaling.js'
import type { RatePolicy } from '../policy/autoscaler/scaling-rate.js'
import type { BuildScope, FieldsOf } from './component-common.js'
import type { serviceOptions } from './schema/options.js'
import type { ratePolicyShape, scalingShape, triggerShape } from './schema/scaling.js'
import { report, reportKey } from './scope.js'

type ScalingFields = Fields<typeof scalingShape>

/** Limits of the API of Kubernetes. */
const longestPeriodSeconds = 1800
const longestWindowSeconds = 3600

export const scalingOf = (scope: BuildScope, service: FieldsOf<typeof serviceOptions>): Scaling | undefined => {
  const fields = service.get('scaling')
  if (fields === undefined) return undefined
  const triggers = (fields.get('triggers') ?? []).flatMap((trigger) =>
    trigger === undefined ? [] : triggerOf(scope, trigger, service),
  )
  const min = fields.get('min') ?? 1
  const idle = fields.get('idle')
  checkBounds(scope, service, fields)
  checkSleep(scope, fields, service.has('consumes') && triggers.some(isQueueTrigger))
  return {
    min,
    max: fields.get('max') ?? Math.max(1, min),
    triggers,
    everySeconds: fields.get('every') ?? 15,
    tolerance: fields.get('tolerance') ?? defaultRules.tolerance,
    behavior: behaviorOf(scope, fields),
    windowSeconds: fields.get('window') ?? metricsDefaults.windowSeconds,
    metricsLagSeconds: fields.get('metricsLag') ?? metricsDefaults.lagSeconds,
    pollingSeconds: fields.get('polling') ?? kedaDefaults.pollingSeconds,
    cooldownSeconds: fields.get('cooldown') ?? kedaDefaults.cooldownSeconds,
    idle,
  }
}

const triggerMetrics = ['cpu', 'memory', 'queueLength', 'queueLengthPerReplica', 'inFlight', 'ratePerReplica'] as const

const triggerOf = (
  scope: BuildScope,
  trigger: Fields<typeof triggerShape>,
  service: FieldsOf<typeof serviceOptions>,
): readonly ScalingTrigger[] => {
  const [metric, second] = triggerMetrics.filter((name) => trigger.has(name))
  if (metric === undefined) {
    report(scope, trigger.at, 'a trigger needs a metric', `one of: ${triggerMetrics.join(', ')}`)
    return []
  }
  if (second !== undefined)
    reportKey(scope, trigger.path(second), 'a trigger has one metric', 'begin another trigger with "- "')
  if (trigger.has('activation') && !isQueueTrigger({ metric }))
    reportKey(
      scope,
      trigger.path('activation'),
      `"activation" has no meaning beside ${metric}`,
      'triggers with "activation": queueLength, queueLengthPerReplica',
    )
  if (metric === 'memory') checkMemory(scope, trigger, service)
  const target = trigger.get(metric)
  return target === undefined ? [] : [{ metric, target, activation: trigger.get('activation') ?? 0 }]
}

const checkBounds = (scope: BuildScope, service: FieldsOf<typeof serviceOptions>, scaling: ScalingFields): void => {
  const min = scaling.get('min')
  const max = scaling.get('max')
  const replicas = service.get('replicas')
  if (min !== undefined && max !== undefined && max < min) {
    report(scope, scaling.path('max'), `max: ${max} is below min, which is ${min}`)
  } else if (
    replicas !== undefined &&
    ((min !== undefined && replicas < min) || (max !== undefined && replicas > max))
  ) {
    report(
      scope,
      service.path('replicas'),
      `replicas: ${replicas} is outside of scaling, which goes from ${min ?? '?'} to ${max ?? '?'}`,
    )
  }
}

/** A share needs a whole: what a replica may need at most. */
const checkMemory = (
  scope: BuildScope,
  trigger: Fields<typeof triggerShape>,
  service: FieldsOf<typeof serviceOptions>,
): void => {
  const resources = service.get('resources')
  const memory = resources?.get('memory')
  if (memory?.baseBytes === undefined && resources?.has('memory') !== true)
    report(
      scope,
      trigger.path('memory'),
      'memory: a share of what? It needs resources.memory',
      'what a replica may have',
    )
  else if (memory?.baseBytes !== undefined && memory.perRequestBytes !== undefined && !service.has('maxInFlight'))
    report(
      scope,
      trigger.path('memory'),
      'memory: a share of what? With "perRequest" it needs maxInFlight',
      'base and perRequest × maxInFlight are what a replica may need',
    )
}

/** Only messages that wait can wake what has no replicas. */
const checkSleep = (scope: BuildScope, fields: ScalingFields, wakes: boolean): void => {
  const min = fields.get('min')
  const idle = fields.get('idle')
  if ((min === 0 || idle === 0) && !wakes) {
    const key = min === 0 ? 'min' : 'idle'
    report(
      scope,
      fields.path(key),
      `${key}: 0 needs something that waits while nothing runs`,
      '"consumes", and a trigger queueLength or queueLengthPerReplica',
    )
  }
  if (min === 0 && idle !== undefined)
    reportKey(scope, fields.path('idle'), '"idle" has no meaning with min: 0', 'idle is below min')
  if (min === 0 || fields.has('idle')) return
  for (const key of ['polling', 'cooldown'] as const)
    if (fields.has(key))
      reportKey(
        scope,
        fields.path(key),
        `"${key}" has a meaning only with min: 0 or idle: 0`,
        'it is about scaling to 0',
      )
}

const behaviorOf = (scope: BuildScope, fields: ScalingFields): Behavior => {
  const windows = fields.get('stabilization')
  const policies = fields.get('policies')
  const select = fields.get('select')
  const rules = (direction: 'up' | 'down') => ({
    policies: ratePoliciesOf(scope, policies, direction) ?? defaultBehavior[direction].policies,
    select: select?.get(direction) ?? defaultBehavior[direction].select,
  })
  const windowOf = (direction: 'up' | 'down', fallback: number): number => {
    const seconds = windows?.get(direction)
    if (windows !== undefined && seconds !== undefined && seconds > longestWindowSeconds)
      report(scope, windows.path(direction), `${direction}: expected at most 1h`, 'Kubernetes looks back no further')
    return seconds ?? fallback
  }
  const { upSeconds, downSeconds } = defaultBehavior.stabilization
  return {
    stabilization: { upSeconds: windowOf('up', upSeconds), downSeconds: windowOf('down', downSeconds) },
    up: rules('up'),
    down: rules('down'),
  }
}

const ratePoliciesOf = (
  scope: BuildScope,
  lists: Value<typeof scalingShape.policies>,
  direction: 'up' | 'down',
): readonly RatePolicy[] | undefined => {
  const written = lists?.get(direction)
  if (lists === undefined || written === undefined) return undefined
  if (written.length === 0)
    report(
      scope,
      lists.path(direction),
      `policies.${direction}: expected at least one policy`,
      'select: disabled forbids',
    )
  return written.flatMap((policy) => (policy === undefined ? [] : ratePolicyOf(scope, policy)))
}

const ratePolicyOf = (scope: BuildScope, policy: Fields<typeof ratePolicyShape>): readonly RatePolicy[] => {
  const pods = policy.get('pods')
  const percent = policy.get('percent')
  const periodSeconds = policy.get('per')
  if (policy.has('pods') === policy.has('percent'))
    report(scope, policy.at, 'a policy needs either "pods" or "percent"', 'such as { pods: 4, per: 15s }')
  if (percent === 0) report(scope, policy.path('percent'), 'percent: expected a percentage above zero')
  if (periodSeconds !== undefined && periodSeconds > longestPeriodSeconds)
    report(scope, policy.path('per'), 'per: expected at most 30m', 'Kubernetes looks back no further')
  if (periodSeconds === undefined) return []
  if (pods !== undefined) return [{ kind: 'pods', value: pods, periodSeconds }]
  // Shares are ratios in here, percent there.
  return percent === undefined ? [] : [{ kind: 'percent', value: Math.round(percent * 1e8) / 1e6, periodSeconds }]
}

/** One entry per kind of step: what its fields mean. */

import { compileFlow, compileOne, type FlowContext, type StepBody } from './compile.js'
import type { StepKind } from './flow.js'
import { counterNamed, dataNamed, stepTarget } from './references.js'
import { type RawStep, stepFields } from './schema/steps.js'
import type { RawComponent } from './scope.js'
import { report, reportKey } from './scope.js'
import { normalizedShares } from './shares.js'
import type { Target } from './types.js'

/** Gives undefined when something that the step needs is wrong; that is reported where it is found. */
type Compile = (raw: RawStep, path: string, context: FlowContext) => StepBody | undefined

export const compileStep: Compile = (raw, path, context) => table[raw.kind](raw, path, context)

const inner = (context: FlowContext, path: string, name: string): FlowContext => ({
  ...context,
  prefix: `${path}.${name}.`,
})

const sql =
  (kind: 'query' | 'write'): Compile =>
  (raw, _path, context) => {
    const { scope } = context
    const fields = stepFields(raw, 'query')
    const name = stepFields(raw, kind)
    const target = stepTarget(scope, name.get(kind as never) as string | undefined, raw.fields.path(kind), {
      kind,
      service: context.service,
    })
    const key = fields.get('key')
    const ownKey = dataNamed(scope, key, fields.path('key'))
    const invalidates = dataNamed(scope, fields.get('invalidates'), fields.path('invalidates'))
    if (target === undefined) return undefined
    return {
      kind,
      target,
      key: ownKey ?? context.key,
      table: fields.get('table'),
      time: fields.get('time') ?? {},
      invalidates,
      ...(kind === 'query' ? { consistency: fields.get('consistency') } : {}),
    }
  }

const counter =
  (kind: 'reserve' | 'release'): Compile =>
  (raw, _path, context) => {
    const { scope } = context
    const fields = stepFields(raw, 'reserve')
    const named = counterNamed(scope, raw.fields.get(kind) as string | undefined, raw.fields.path(kind))
    const via = stepTarget(scope, fields.get('via'), fields.path('via'), { kind, service: context.service })
    const store = via && scope.components.get(via.component)
    const guard = guardOf(raw, store, context)
    if (named === undefined || via === undefined) return undefined
    return { kind, ...named, via, guard, amount: fields.get('amount') ?? 1, time: fields.get('time') ?? {} }
  }

const guardOf = (raw: RawStep, store: RawComponent | undefined, { scope }: FlowContext) => {
  const fields = stepFields(raw, 'reserve')
  const guard = fields.get('guard')
  const guards = store?.descriptor?.guards
  if (guard !== undefined && guards !== undefined && !guards.includes(guard)) {
    report(
      scope,
      fields.path('guard'),
      `guard: ${guard} has no meaning for "${store?.id}" (${store?.descriptor?.engine})`,
      `one of: ${guards.join(', ')}`,
    )
  }
  return guard ?? guards?.[0] ?? 'none'
}

const priorityOf = (raw: RawStep, target: Target | undefined, { scope }: FlowContext): number => {
  const fields = stepFields(raw, 'publish')
  const priority = fields.get('priority')
  if (priority === undefined || target === undefined) return 0
  const levels =
    target.queue === undefined ? 0 : (scope.stores.get(target.component)?.queues[target.queue]?.priorities ?? 255)
  if (priority < Math.max(1, levels)) return priority
  const what =
    target.queue === undefined
      ? `topic "${target.topic}" has none`
      : `queue "${target.queue}" has ${levels} (0 to ${levels - 1})`
  report(scope, fields.path('priority'), `priority: ${priority} does not exist: ${what}`)
  return 0
}

const table: Readonly<Record<StepKind, Compile>> = {
  compute: (raw) => {
    const cpu = stepFields(raw, 'compute').get('compute')
    return cpu && { kind: 'compute', cpu }
  },
  wait: (raw) => {
    const wait = stepFields(raw, 'wait').get('wait')
    return wait && { kind: 'wait', wait }
  },
  lookup: (raw, path, context) => {
    const { scope, service } = context
    const fields = stepFields(raw, 'lookup')
    const target = stepTarget(scope, fields.get('lookup'), fields.path('lookup'), { kind: 'lookup', service })
    const key = dataNamed(scope, fields.get('key'), fields.path('key'))
    const miss = compileFlow(fields.get('miss'), { ...inner(context, path, 'miss'), key })
    const writes = fields.get('writes') ?? 'aside'
    if (writes !== 'aside' && !fields.has('key'))
      report(
        scope,
        fields.path('writes'),
        `writes: ${writes} needs "key"`,
        'writes of that data set go to the cache, too',
      )
    if (writes !== 'back' && fields.has('flushAfter'))
      reportKey(scope, fields.path('flushAfter'), '"flushAfter" has a meaning only beside "writes: back"')
    if (target === undefined) return undefined
    return {
      kind: 'lookup',
      target,
      key,
      ttlSeconds: fields.get('ttl'),
      renew: fields.get('renew') ?? false,
      hitRatio: fields.get('hitRatio'),
      staleForSeconds: fields.get('staleFor'),
      miss,
      writes,
      flushAfterSeconds: fields.get('flushAfter') ?? 1,
    }
  },
  query: sql('query'),
  write: sql('write'),
  transaction: (raw, path, context) => {
    const fields = stepFields(raw, 'transaction')
    const use = { kind: 'transaction', service: context.service } as const
    const target = stepTarget(context.scope, fields.get('transaction'), fields.path('transaction'), use)
    const steps = compileFlow(fields.get('do'), inner(context, path, 'do'))
    return target && { kind: 'transaction', target, do: steps }
  },
  reserve: counter('reserve'),
  release: counter('release'),
  lock: (raw, path, context) => {
    const { scope, service } = context
    const fields = stepFields(raw, 'lock')
    const target = stepTarget(scope, fields.get('lock'), fields.path('lock'), { kind: 'lock', service })
    const key = dataNamed(scope, fields.get('key'), fields.path('key'))
    const steps = compileFlow(fields.get('do'), inner(context, path, 'do'))
    const ttlSeconds = fields.get('ttl')
    if (target === undefined || ttlSeconds === undefined) return undefined
    return {
      kind: 'lock',
      target,
      key,
      ttlSeconds,
      waitSeconds: fields.get('wait'),
      fencing: fields.get('fencing') ?? false,
      do: steps,
    }
  },
  publish: (raw, _path, context) => {
    const { scope, service } = context
    const fields = stepFields(raw, 'publish')
    const target = stepTarget(scope, fields.get('publish'), fields.path('publish'), { kind: 'publish', service })
    const key = dataNamed(scope, fields.get('key'), fields.path('key'))
    const priority = priorityOf(raw, target, context)
    return target && { kind: 'publish', target, key, priority }
  },
  call: (raw, _path, context) => {
    const fields = stepFields(raw, 'call')
    const use = { kind: 'call', service: context.service } as const
    const target = stepTarget(context.scope, fields.get('call'), fields.path('call'), use)
    return target && { kind: 'call', target }
  },
  saga: (raw, path, context) => {
    const fields = stepFields(raw, 'saga')
    const entries = (fields.get('saga')?.steps ?? []).flatMap((entry, index) => {
      if (entry === undefined) return []
      const own = `${path}.saga.${index}`
      const step = compileOne(entry, own, context)
      const undo = compileFlow(stepFields(entry, 'compute').get('undo'), inner(context, own, 'undo'))
      return step === undefined ? [] : [{ step, undo }]
    })
    return { kind: 'saga', style: fields.get('style') ?? 'orchestrated', entries }
  },
  parallel: (raw, path, context) => {
    const fields = stepFields(raw, 'parallel')
    const written = fields.get('parallel') ?? []
    if (written.length === 0 && fields.get('parallel') !== undefined) {
      report(context.scope, fields.path('parallel'), 'parallel: needs at least one list of steps')
    }
    const branches = written.map((flow, index) => compileFlow(flow, inner(context, path, `parallel.${index}`)))
    return { kind: 'parallel', join: fields.get('join') ?? 'all', branches }
  },
  choose: (raw, path, context) => {
    const fields = stepFields(raw, 'choose')
    const written = fields.get('choose')
    if (written === undefined) return undefined
    const at = fields.path('choose')
    if (written.length === 0) return report(context.scope, at, 'choose: needs at least one { weight, flow }')
    const weights = normalizedShares(
      context.scope,
      written.map((option) => option?.get('weight')),
      at,
      'the weights of "choose"',
    )
    const options = written.map((option, index) => ({
      weight: weights[index] ?? 0,
      flow: compileFlow(option?.get('flow'), inner(context, path, `choose.${index}.flow`)),
    }))
    return { kind: 'choose', options }
  },
  repeat: (raw, path, context) => {
    const fields = stepFields(raw, 'repeat')
    const times = fields.get('repeat')
    const steps = compileFlow(fields.get('do'), inner(context, path, 'do'))
    return times === undefined ? undefined : { kind: 'repeat', times, do: steps }
  },
}

/** Flows as they were written become flows as they are executed: ids, resolved targets, modifiers in fields. */
import type { Fields } from '../lib/document/read.js'
import { compileStep } from './compile-steps.js'
import type { Breaker, Modifiers, Step } from './flow.js'
import type { RawFlow, RawStep, retryShape } from './schema/steps.js'
import { stepFields } from './schema/steps.js'
import { report, type Scope } from './scope.js'
import type { DataId, Retry } from './types.js'

export interface FlowContext {
  readonly scope: Scope
  /** The service that executes the flow; undefined when it is not known. */
  readonly service: string | undefined
  /** What step ids begin with: `view-product/`, `worker/flow.`, then the path of the enclosing step. */
  readonly prefix: string
  /** The key of the lookup around this flow, which its queries inherit. */
  readonly key: DataId | undefined
}

export type StepBody = Step extends infer S
  ? S extends Step
    ? Omit<S, keyof Modifiers | 'id' | 'path'>
    : never
  : never

export const compileFlow = (flow: RawFlow | undefined, context: FlowContext): readonly Step[] =>
  (flow?.steps ?? []).flatMap((step, index) => {
    const compiled = step && compileOne(step, `${context.prefix}${index}`, context)
    return compiled === undefined ? [] : [compiled]
  })

/** One step at `path`, which is its id unless it has its own. */
export const compileOne = (raw: RawStep, path: string, context: FlowContext): Step | undefined => {
  const id = stepId(raw, path, context.scope)
  const modifiers = modifiersOf(raw, path, context)
  const body = compileStep(raw, path, context)
  return body === undefined ? undefined : ({ id, path: raw.at, ...body, ...modifiers } as Step)
}

const stepId = (raw: RawStep, path: string, scope: Scope): string => {
  const own = stepFields(raw, 'compute').get('id')
  const id = own ?? path
  const before = scope.stepIds.get(id)
  if (before === undefined) scope.stepIds.set(id, raw.at)
  else if (own !== undefined) {
    const { line } = scope.reader.document.locate([...before, 'id'])
    report(scope, [...raw.at, 'id'], `id: "${own}" is the id of another step already`, `the other is on line ${line}`)
  }
  return id
}

export const retryOf = (fields: Fields<typeof retryShape> | undefined): Retry | undefined => {
  const attempts = fields?.get('attempts')
  if (fields === undefined || attempts === undefined) return undefined
  return {
    attempts,
    backoffSeconds: fields.get('backoff') ?? 0,
    maxBackoffSeconds: fields.get('max'),
    jitter: fields.get('jitter') ?? 'none',
    budget: fields.get('budget'),
  }
}

const modifiersOf = (raw: RawStep, path: string, context: FlowContext): Modifiers => {
  const fields = stepFields(raw, 'compute')
  const fallback = fields.get('fallback')
  const deadlineSeconds = fields.get('deadline')
  const timeoutSeconds = fields.get('timeout')
  const retry = retryOf(fields.get('retry'))
  const breaker = breakerOf(fields)
  if (fallback === 'stale' && raw.kind !== 'lookup') {
    report(
      context.scope,
      fields.path('fallback'),
      `"fallback: stale" has a meaning only beside "lookup", not "${raw.kind}"`,
      'write "fallback: empty", or other steps',
    )
  }
  return {
    ...(fallback === undefined
      ? {}
      : {
          fallback:
            typeof fallback === 'string'
              ? fallback
              : compileFlow(fallback, { ...context, prefix: `${path}.fallback.` }),
        }),
    ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    ...(retry === undefined ? {} : { retry }),
    ...(breaker === undefined ? {} : { breaker }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  }
}

const breakerOf = (fields: ReturnType<typeof stepFields<'compute'>>): Breaker | undefined => {
  const breaker = fields.get('breaker')
  const errors = breaker?.get('errors')
  const windowSeconds = breaker?.get('window')
  const openSeconds = breaker?.get('open')
  if (errors === undefined || windowSeconds === undefined || openSeconds === undefined) return undefined
  return { errors, windowSeconds, openSeconds, probes: breaker?.get('probes') ?? 1 }
}

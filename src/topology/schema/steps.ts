/** How a flow is written: one key names the step, the others stand beside it. */
import { isMap, isNode, isSeq, type Node } from 'yaml'
import { nearest, suggestion } from '../../lib/did-you-mean.js'
import { described, type Path } from '../../lib/document/nodes.js'
import type { Fields, Reader } from '../../lib/document/read.js'
import {
  boolean,
  count,
  duration,
  id,
  positiveDuration,
  positiveRatio,
  ratio,
  reference,
  tableName,
} from '../../lib/document/scalars.js'
import { about, form, oneOf } from '../../lib/document/schema.js'
import { work, workTime } from '../../lib/document/work-time.js'
import { z } from '../../lib/document/zod.js'
import type { StepKind } from '../flow.js'

/** A step as it was written; its targets are not resolved yet. */
export interface RawStep {
  readonly kind: StepKind
  readonly at: Path
  readonly fields: Fields<z.ZodRawShape>
}

/** `complete`: every step could be read, so that what is missing is really missing. */
export interface RawFlow {
  readonly at: Path
  readonly steps: readonly (RawStep | undefined)[]
  readonly complete: boolean
}

/** A flow for which nothing is written. */
export const noFlow: RawFlow = { at: [], steps: [], complete: true }

export const stepList: z.ZodType<RawFlow> = form(
  z.lazy(() => z.array(stepSchema).meta({ id: 'Flow' })),
  (node, at, reader) => readFlow(node, at, reader, false),
)

const sagaList: z.ZodType<RawFlow> = form(
  z.lazy(() => z.array(sagaStepSchema).meta({ id: 'Saga' })),
  (node, at, reader) => readFlow(node, at, reader, true),
)

export const retryShape = {
  attempts: about('attempts in all, the first one included', count(1, 100)),
  backoff: about('wait before the second attempt; doubles with every further one', duration.optional()),
  max: about('longest wait between two attempts', positiveDuration.optional()),
  jitter: about('how the wait is spread', oneOf(['none', 'full', 'equal']).optional()),
  budget: about('retries may be at most this share of first attempts', ratio.optional()),
}
export const retry = z.strictObject(retryShape).meta({ id: 'Retry' })

const breaker = z
  .strictObject({
    errors: about('share of errors in the window at which it opens', positiveRatio),
    window: positiveDuration,
    open: about('how long it stays open', positiveDuration),
    probes: about('requests let through while half-open', count(1, 1000).optional()),
  })
  .meta({ id: 'Breaker' })

type Fallback = 'stale' | 'empty' | RawFlow
const fallbackWord = oneOf(['stale', 'empty'])
const fallback: z.ZodType<Fallback> = form(
  z.lazy(() => z.union([z.enum(['stale', 'empty']), z.array(stepSchema)]).meta({ id: 'Fallback' })),
  (node, at, reader) => (isSeq(node) ? reader.read(stepList, node, at) : reader.read(fallbackWord, node, at)),
)

const modifierShape = {
  fallback: about('what happens when the step fails: stale, empty, or other steps', fallback.optional()),
  deadline: about('for all attempts together', positiveDuration.optional()),
  retry: about('try again on failure', retry.optional()),
  breaker: about('stop trying while too much fails', breaker.optional()),
  timeout: about('per attempt; includes the wait for a pool', positiveDuration.optional()),
  id: about('the name of this step in results; default: its path', id.optional()),
}

const dataKey = about('data whose keys this is about', reference.optional())
const sqlShape = {
  key: dataKey,
  table: about('default: the data set of the key', tableName.optional()),
  time: about('work in the store: cpu shares the cores of its host, wait does not', work.optional()),
  invalidates: about('data of which the cached value is dropped', reference.optional()),
}
const counterShape = {
  via: about('the pool or store that holds the counter', reference),
  guard: about('what keeps the counter right', oneOf(['row-lock', 'version', 'lua', 'none']).optional()),
  amount: count(1, 1_000_000).optional(),
  time: work.optional(),
}

export const stepShapes = {
  compute: { compute: about('CPU time of the service', workTime), ...modifierShape },
  wait: { wait: about('time without CPU', workTime), ...modifierShape },
  lookup: {
    lookup: about('the cache: on a miss the nested steps run, then the value is stored', reference),
    key: dataKey,
    ttl: about('how long a stored value is good', positiveDuration.optional()),
    renew: about('each hit gives the value its ttl anew', boolean.optional()),
    hitRatio: about('forced while the cache answers; default: what data, memory and ttl give', ratio.optional()),
    staleFor: about("how old a value from the service's own memory may be", positiveDuration.optional()),
    miss: about('steps that run on a miss', stepList.optional()),
    writes: about(
      'what a write of the same data does: delete the value (aside, by `invalidates`), store it as well (through), or leave the store for later (back)',
      oneOf(['aside', 'through', 'back']).optional(),
    ),
    flushAfter: about(
      'writes: back: how long a value waits until the store has it; default 1s',
      positiveDuration.optional(),
    ),
    ...modifierShape,
  },
  query: {
    query: about('own pool, or store[.role] without a pool', reference),
    ...sqlShape,
    consistency: about(
      'what the reader needs: read-your-writes sees what its own client wrote before (default eventual)',
      oneOf(['eventual', 'read-your-writes']).optional(),
    ),
    ...modifierShape,
  },
  write: { write: about('own pool, or store[.role] without a pool', reference), ...sqlShape, ...modifierShape },
  transaction: {
    transaction: about('own pool: the steps share the one connection that it holds', reference),
    do: stepList,
    ...modifierShape,
  },
  reserve: { reserve: about('data.counter', reference), ...counterShape, ...modifierShape },
  release: { release: about('data.counter', reference), ...counterShape, ...modifierShape },
  lock: {
    lock: about('the cache that keeps the lock', reference),
    key: dataKey,
    ttl: about('after this long the lock is free, whatever its holder does', positiveDuration),
    wait: about('how long to wait for it; default: until it is free', duration.optional()),
    fencing: about('writes carry a token that grows with each holder', boolean.optional()),
    do: about('steps that run while it is held', stepList),
    ...modifierShape,
  },
  publish: {
    publish: about('broker.queue or broker.topic', reference),
    key: dataKey,
    priority: about('0 is the lowest', count(0, 254).optional()),
    ...modifierShape,
  },
  call: { call: about('component[.operation] or an external', reference), ...modifierShape },
  saga: {
    saga: about('steps, each with an `undo:` list that runs when a later one fails', sagaList),
    style: oneOf(['orchestrated', 'choreographed']).optional(),
    ...modifierShape,
  },
  parallel: {
    parallel: about('lists of steps that run at the same time', z.array(stepList)),
    join: about('go on after all of them, or after the first', oneOf(['all', 'any']).optional()),
    ...modifierShape,
  },
  choose: {
    choose: about(
      'one of several flows; the weights sum to 100%',
      z.array(z.strictObject({ weight: ratio, flow: stepList })),
    ),
    ...modifierShape,
  },
  repeat: { repeat: about('how often', count(1, 10_000)), do: stepList, ...modifierShape },
} as const satisfies Record<StepKind, z.ZodRawShape>

export const stepKinds = Object.keys(stepShapes) as readonly StepKind[]

const undoShape = { undo: about('runs when a later entry fails, last entry first', stepList.optional()) }
const schemas = (extra: z.ZodRawShape): [z.ZodType, ...z.ZodType[]] =>
  Object.values(stepShapes).map((shape) => z.strictObject({ ...shape, ...extra })) as unknown as [
    z.ZodType,
    ...z.ZodType[],
  ]
const stepSchema: z.ZodType = z.lazy(() => z.union(schemas({})).meta({ id: 'Step' }))
const sagaStepSchema: z.ZodType = z.lazy(() => z.union(schemas(undoShape)).meta({ id: 'SagaStep' }))

/** The fields of a step whose kind is known. */
export const stepFields = <K extends StepKind>(
  step: RawStep,
  _kind: K,
): Fields<(typeof stepShapes)[K] & typeof undoShape> =>
  step.fields as unknown as Fields<(typeof stepShapes)[K] & typeof undoShape>

const readFlow = (node: Node | undefined, at: Path, reader: Reader, inSaga: boolean): RawFlow | undefined => {
  if (!isSeq(node)) {
    reader.tell(node, at, {
      message: `expected a list of steps, got ${described(node)}`,
      ...(isMap(node) ? { hint: 'begin each step with "- "' } : {}),
    })
    return undefined
  }
  const steps = node.items.map((item, index) => readStep(isNode(item) ? item : null, [...at, index], reader, inSaga))
  return { at, steps, complete: !steps.includes(undefined) }
}

const readStep = (written: Node | null, at: Path, reader: Reader, inSaga: boolean): RawStep | undefined => {
  const node = reader.document.resolve(written)
  if (!isMap(node)) {
    const text = described(node)
    reader.tell(written, at, {
      message: `expected a step such as { compute: 2ms }, got ${text}`,
      hint: `one of: ${stepKinds.join(', ')}`,
    })
    return undefined
  }
  const names = reader.document.entriesOf(node).map((entry) => entry.name)
  const named = kindOf(names, at, reader)
  if (named === undefined) return undefined
  const { meant: kind } = named
  const shape: z.ZodRawShape = inSaga ? { ...stepShapes[kind], ...undoShape } : stepShapes[kind]
  const fields = reader.fields(shape, node, at, {
    what: `step "${kind}"`,
    ...(named.spelled === kind ? {} : { told: named }),
    elsewhere: (key) => {
      if (key === 'undo')
        return { message: '"undo" has a meaning only in the entries of a saga', hint: 'put the step into a saga' }
      if (isKind(key))
        return {
          message: `a step has one name: this one has "${kind}" and "${key}"`,
          hint: 'begin another step with "- "',
        }
      return undefined
    },
  })
  return fields === undefined ? undefined : { kind, at, fields }
}

const isKind = (text: string): text is StepKind => Object.hasOwn(stepShapes, text)

/** The key that names a step, as it was written and as it was meant. */
interface StepName {
  readonly spelled: string
  readonly meant: StepKind
}

/** `{ lock, wait }` is a lock, because a lock may have a `wait` beside it. A misspelt name is reported and read as meant. */
const kindOf = (names: readonly string[], at: Path, reader: Reader): StepName | undefined => {
  const kinds = names.filter(isKind)
  const whole = kinds.find((kind) => kinds.every((other) => Object.hasOwn(stepShapes[kind], other)))
  const kind = whole ?? kinds[0]
  if (kind !== undefined) return { spelled: kind, meant: kind }
  const wrong =
    names.find((name) => nearest(name, stepKinds) !== undefined && !knownBeside.has(name)) ??
    names.find((name) => !knownBeside.has(name)) ??
    names[0]
  if (wrong === undefined) {
    reader.document.report(at, { message: 'an empty step', hint: `one of: ${stepKinds.join(', ')}` })
    return undefined
  }
  reader.document.reportKey([...at, wrong], {
    message: `unknown step "${wrong}"`,
    hint: suggestion(wrong, stepKinds) ?? `one of: ${stepKinds.join(', ')}`,
  })
  const meant = knownBeside.has(wrong) ? undefined : nearest(wrong, stepKinds)
  return meant === undefined ? undefined : { spelled: wrong, meant }
}

/** Keys that stand beside steps and so do not name one. */
const knownBeside: ReadonlySet<string> = new Set([
  ...Object.values(stepShapes).flatMap((shape) => Object.keys(shape).filter((key) => !isKind(key))),
  'undo',
])

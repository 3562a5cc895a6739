/** Targets of steps, pools and consumers: `component`, `component.pool`, `.role`, `.queue`, `.topic`, `.operation`, `data.counter`. */
import { suggestion } from '../lib/did-you-mean.js'
import type { Path } from '../lib/document/nodes.js'
import type { StepKind } from './flow.js'
import { lookUp, type RawComponent, report, type Scope } from './scope.js'
import type { DataId, Target } from './types.js'

/** Where a reference stands: in a flow that `service` executes (undefined: which one is not known). */
export interface Use {
  readonly kind: StepKind
  readonly service: string | undefined
}

export const componentNamed = (scope: Scope, name: string, at: Path): RawComponent | undefined =>
  lookUp(scope, 'component', scope.components, name, at)?.found

export const dataNamed = (scope: Scope, name: string | undefined, at: Path): DataId | undefined =>
  name !== undefined && lookUp(scope, 'data set', scope.data, name, at) !== undefined ? name : undefined

/** `component` and what follows its dot. */
const split = (scope: Scope, text: string, at: Path): { owner: string; part: string | undefined } | undefined => {
  const [owner = '', part, ...more] = text.split('.')
  if (owner === '' || part === '' || more.length > 0) {
    return report(scope, at, `"${text}" is no target`, 'write component or component.part')
  }
  return { owner, part }
}

/** The target of a step; undefined when it is wrong (reported) or cannot be judged. */
export const stepTarget = (scope: Scope, text: string | undefined, at: Path, use: Use): Target | undefined => {
  if (text === undefined) return undefined
  const parts = split(scope, text, at)
  const component = parts && componentNamed(scope, parts.owner, at)
  if (parts === undefined || component?.descriptor === undefined) return undefined
  const { part } = parts
  if (use.kind === 'call') return callTarget(scope, component, part, at)
  if (component.descriptor.role === 'service') return poolTarget(scope, component, part, at, use)
  if (use.kind === 'transaction') {
    const hint = 'write a pool of the service, such as app.main'
    return report(scope, at, `"transaction" needs a pool of the service that runs it, got "${text}"`, hint)
  }
  if (!accepts(scope, component, use.kind, at)) return undefined
  return use.kind === 'publish'
    ? channelTarget(scope, component, part, at)
    : roleTarget(scope, component, part, at, use.kind)
}

const writing: ReadonlySet<StepKind> = new Set(['write', 'reserve', 'release', 'lock'])

const accepts = (scope: Scope, component: RawComponent, kind: StepKind, at: Path): boolean => {
  const { descriptor, id } = component
  if (descriptor === undefined || descriptor.accepts.includes(kind)) return true
  const able = [...scope.components.values()]
    .filter((other) => other.descriptor?.accepts.includes(kind))
    .map((c) => c.id)
  const hint = able.length > 0 && able.length <= 12 ? `components that take it: ${able.join(', ')}` : undefined
  report(
    scope,
    at,
    `"${kind}" cannot go to "${id}": engine ${descriptor.engine} (${descriptor.summary}) does not take it`,
    hint,
  )
  return false
}

const callTarget = (scope: Scope, component: RawComponent, part: string | undefined, at: Path): Target | undefined => {
  if (!accepts(scope, component, 'call', at)) return undefined
  const { id } = component
  if (part === undefined) return { component: id }
  const operations = component.fields?.get('operations') as ReadonlyMap<string, unknown> | undefined
  if (operations?.has(part) === true) return { component: id, operation: part }
  if (operations === undefined && component.fields?.has('operations') === true) return undefined
  const hint = suggestion(part, [...(operations?.keys() ?? [])])
  return report(scope, at, `"${id}" has no operation "${part}"`, hint)
}

const poolTarget = (
  scope: Scope,
  component: RawComponent,
  part: string | undefined,
  at: Path,
  use: Use,
): Target | undefined => {
  const pools = scope.pools.get(component.id) ?? new Map<string, Target | undefined>()
  const { id } = component
  if (part === undefined) {
    const names = [...pools.keys()].map((pool) => `${id}.${pool}`)
    const hint = names.length > 0 ? `pools of "${id}": ${names.join(', ')}` : undefined
    return report(scope, at, `"${use.kind}" cannot go to "${id}", which is a service`, hint)
  }
  if (!pools.has(part)) return report(scope, at, `"${id}" has no pool "${part}"`, suggestion(part, [...pools.keys()]))
  if (use.service !== undefined && use.service !== id) {
    const hint = `"${use.service}" executes this step: give it a pool of its own`
    return report(scope, at, `"${id}.${part}" is a pool of another component`, hint)
  }
  const target = pools.get(part)
  const store = target && scope.components.get(target.component)
  if (target === undefined || store === undefined) return undefined
  if (use.kind !== 'transaction' && !accepts(scope, store, use.kind, at)) return undefined
  if (use.kind === 'publish') return report(scope, at, 'a pool has no queues', 'write broker.queue')
  if (!mayWrite(scope, target, use.kind, at)) return undefined
  return { ...target, pool: part }
}

/** `store`, `store.primary` or `store.replica`. */
export const roleTarget = (
  scope: Scope,
  component: RawComponent,
  part: string | undefined,
  at: Path,
  kind: StepKind | 'pool',
): Target | undefined => {
  const { id, descriptor } = component
  if (part === undefined || descriptor === undefined) return { component: id }
  if (!descriptor.roles.includes(part)) {
    const hint = suggestion(part, descriptor.roles)
    return report(scope, at, `"${id}" (${descriptor.engine}) has no role "${part}"`, hint)
  }
  const store = scope.stores.get(id)
  if (part === 'replica' && store !== undefined && store.readReplicas + store.replicasPerMaster === 0) {
    const key = Object.hasOwn(descriptor.options, 'readReplicas') ? 'readReplicas' : 'replicasPerMaster'
    return report(scope, at, `"${id}" has no replicas`, `give it "${key}: 1", or write "${id}"`)
  }
  const target = { component: id, role: part }
  return kind === 'pool' || mayWrite(scope, target, kind, at) ? target : undefined
}

const mayWrite = (scope: Scope, target: Target, kind: StepKind, at: Path): boolean => {
  if (target.role !== 'replica' || !writing.has(kind)) return true
  report(scope, at, `"${kind}" cannot go to a replica of "${target.component}"`, 'write to its primary')
  return false
}

/** A queue or topic of a broker. */
export const channelTarget = (
  scope: Scope,
  component: RawComponent,
  part: string | undefined,
  at: Path,
): Target | undefined => {
  const { id, fields } = component
  const queues = fields?.get('queues') as ReadonlyMap<string, unknown> | undefined
  const topics = fields?.get('topics') as ReadonlyMap<string, unknown> | undefined
  const unreadable = (['queues', 'topics'] as const).some(
    (key) => fields?.has(key) === true && fields.get(key) === undefined,
  )
  const names = [...(queues?.keys() ?? []), ...(topics?.keys() ?? [])]
  if (part === undefined) {
    const hint = names.length > 0 ? `one of: ${names.map((name) => `${id}.${name}`).join(', ')}` : undefined
    return report(scope, at, `"${id}" is a broker: name one of its queues or topics`, hint)
  }
  if (queues?.has(part) === true) return { component: id, queue: part }
  if (topics?.has(part) === true) return { component: id, topic: part }
  if (unreadable) return undefined
  const none = names.length === 0 ? `"${id}" has none: declare them there` : undefined
  return report(scope, at, `"${id}" has no queue or topic "${part}"`, suggestion(part, names) ?? none)
}

/** The queue or topic that a worker takes from. */
export const consumedTarget = (scope: Scope, text: string | undefined, at: Path): Target | undefined => {
  const parts = text === undefined ? undefined : split(scope, text, at)
  const component = parts && componentNamed(scope, parts.owner, at)
  if (parts === undefined || component?.descriptor === undefined) return undefined
  if (!component.descriptor.accepts.includes('publish')) {
    return report(scope, at, `"${component.id}" (${component.descriptor.engine}) has no queues or topics to consume`)
  }
  return channelTarget(scope, component, parts.part, at)
}

/** The store (and role) that a pool connects to. */
export const pooledTarget = (scope: Scope, text: string | undefined, at: Path): Target | undefined => {
  const parts = text === undefined ? undefined : split(scope, text, at)
  const component = parts && componentNamed(scope, parts.owner, at)
  if (parts === undefined || component?.descriptor === undefined) return undefined
  if (!component.descriptor.accepts.includes('query')) {
    const message = `a pool cannot connect to "${component.id}": engine ${component.descriptor.engine} takes no queries`
    return report(scope, at, message)
  }
  return roleTarget(scope, component, parts.part, at, 'pool')
}

/** `data.counter`. */
export const counterNamed = (
  scope: Scope,
  text: string | undefined,
  at: Path,
): { readonly data: DataId; readonly counter: string } | undefined => {
  if (text === undefined) return undefined
  const [data = '', counter, ...more] = text.split('.')
  if (counter === undefined || counter === '' || more.length > 0) {
    return report(scope, at, `"${text}" is no counter`, 'write data.counter, such as product.stock')
  }
  const found = lookUp(scope, 'data set', scope.data, data, at)
  if (found?.found === undefined) return undefined
  const counters = Object.keys(found.found.counters)
  if (counters.includes(counter)) return { data, counter }
  const none = counters.length === 0 ? `declare it: ${data}: { counters: { ${counter}: 100 } }` : undefined
  return report(scope, at, `"${data}" has no counter "${counter}"`, suggestion(counter, counters) ?? none)
}

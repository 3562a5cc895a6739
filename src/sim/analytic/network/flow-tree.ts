/**
 * What serving one request means, as a tree of work in the order in which it happens. From it follow visit counts (the
 * sum of weights), service demands (counts × price) and response times (series add, branches of a fork take the longest).
 * Undo lists and fallbacks are left out: the plan is of a system in which nothing fails.
 */
import type { Distribution, Work } from '../../../lib/distribution.js'
import type { Step } from '../../../topology/flow.js'
import type {
  BalancerComponent,
  ComponentId,
  DataId,
  RequestClass,
  ServiceComponent,
  Target,
  Topology,
} from '../../../topology/types.js'
import type { Place as NetworkPlace } from '../../network.js'
import { preference, wayFromOrigin } from '../../origins.js'
import { type Write, type WrittenCache, writeWay } from '../../written-caches.js'
import type { KeptShare } from './kept-answers.js'

/** Where work happens: a component, or one role of a store whose roles are different machines. */
export interface Place {
  readonly component: ComponentId
  readonly role: string | undefined
}

export type Node =
  | {
      readonly kind: 'work'
      /** The step whose time it is; undefined: a mere visit. */
      readonly step: Step | undefined
      readonly at: Place
      /** Visits of the component, each with the component's own demand. */
      readonly visits: number
      readonly work: Work
      /** The request class that a component serves in it; undefined: its step, or nothing in particular. */
      readonly serves?: string
    }
  | {
      readonly kind: 'series'
      readonly parts: readonly Node[]
      /** Done by one at a time for each key. */
      readonly exclusive?: Exclusion
    }
  | { readonly kind: 'fork'; readonly join: 'all' | 'any'; readonly parts: readonly Node[] }
  /** One of them, by weight; what is left to 1: nothing. */
  | { readonly kind: 'choice'; readonly parts: readonly { readonly weight: number; readonly body: Node }[] }
  /** On average `weight` times: a branch taken with that probability, a repetition, retries. */
  | {
      readonly kind: 'weighted'
      readonly weight: number
      readonly body: Node
      /** What a lookup does on a miss. */
      readonly isMiss?: boolean
    }
  /** Holds one connection of a pool, `app.main`. */
  | { readonly kind: 'hold'; readonly pool: string; readonly body: Node }
  /** From a service's (or a balancer's) taking a call to its answer. */
  | { readonly kind: 'serve'; readonly component: ComponentId; readonly body: Node }
  /** Caused by the request, but its client does not wait for it: `consumer` takes a message. */
  /** Done in the background: nobody waits for it. */
  | { readonly kind: 'later'; readonly body: Node }
  | { readonly kind: 'message'; readonly consumer: ComponentId; readonly body: Node }

/** A lock, or a row that is locked by whoever changes it: of each key of `data` there is one (undefined: one for all). */
export interface Exclusion {
  readonly component: ComponentId
  readonly data: DataId | undefined
  readonly by: 'lock' | 'row'
}

export type Exclusive = Extract<Node, { kind: 'series' }> & { readonly exclusive: Exclusion }

export const isExclusive = (node: Node): node is Exclusive => node.kind === 'series' && node.exclusive !== undefined

export interface TreeContext {
  readonly topology: Topology
  readonly hitRatio: (step: Extract<Step, { kind: 'lookup' }>) => number
  /** How many writes of the store a write makes that a cache gives it later; undefined: that cache is not there. */
  readonly flushesPerWrite: (step: Write, cache: WrittenCache) => number | undefined
  /** What a call takes there and back on its way, in seconds. */
  /** The share of a class that a content delivery network answers itself. */
  readonly keptShare: KeptShare
  readonly placeOf: (component: ComponentId) => NetworkPlace
  readonly roundTripSeconds: (from: ComponentId, to: ComponentId) => number
}

interface Scope {
  /** The component that executes the flow. */
  readonly self: ComponentId
  /** Pools of which the flow holds a connection already. */
  readonly held: ReadonlySet<string>
}

const series = (parts: readonly Node[]): Node => ({ kind: 'series', parts })
const weighted = (weight: number, body: Node): Node => ({ kind: 'weighted', weight, body })
const place = (target: Target): Place => ({ component: target.component, role: target.role })

const visit = (at: Place, step?: Step, work: Work = {}, visits = 1, serves?: string): Node => ({
  kind: 'work',
  step,
  at,
  visits,
  work,
  ...(serves === undefined ? {} : { serves }),
})

const delay = (latency: Distribution): Work => ({ wait: latency })

/** What `from` waits for when it calls `to`: the way there and back, and what is done there. */
const call = (from: ComponentId, to: ComponentId, context: TreeContext, body: Node): Node => {
  const seconds = context.roundTripSeconds(from, to)
  if (seconds <= 0) return body
  const way = visit({ component: from, role: undefined }, undefined, { wait: { shape: 'constant', seconds } }, 0)
  return series([way, body])
}

/** A visit of a store (or whatever the step names) by the flow's own service. */
const ask = (target: Target, scope: Scope, context: TreeContext, step?: Step, work: Work = {}): Node =>
  call(scope.self, target.component, context, visit(place(target), step, work))

/** Executions of a step until one succeeds, when each fails with probability `errors` and `attempts` are allowed. */
const expectedAttempts = (errors: number, attempts: number): number =>
  errors >= 1 ? attempts : (1 - errors ** attempts) / (1 - errors)

const attemptsOf = (step: Step, errors: number): number => expectedAttempts(errors, step.retry?.attempts ?? 1)

/** The node runs on a connection of the step's pool, unless the flow holds one already or the target is unpooled. */
const pooled = (target: Target, scope: Scope, body: (scope: Scope) => Node): Node => {
  if (target.pool === undefined) return body(scope)
  const pool = `${scope.self}.${target.pool}`
  if (scope.held.has(pool)) return body(scope)
  return { kind: 'hold', pool, body: body({ ...scope, held: new Set([...scope.held, pool]) }) }
}

/** The member of the union whose `kind` may be K; members that serve two kinds are found for each. */
type StepOf<K extends Step['kind']> = Step extends infer S
  ? S extends { readonly kind: infer Q }
    ? K extends Q
      ? S
      : never
    : never
  : never

type Change = StepOf<'reserve' | 'release'>

const change = (step: Change, scope: Scope, context: TreeContext): Node =>
  ask(step.via, scope, context, step, step.time)

/** What happens while the row of a counter is locked. */
const rowLocked = (step: Change, parts: readonly Node[]): Node =>
  step.guard === 'row-lock'
    ? { kind: 'series', parts, exclusive: { component: step.via.component, data: step.data, by: 'row' } }
    : series(parts)

/** The steps of a transaction and its COMMIT; a row that is locked on the way stays so to the end. */
const untilCommit = (steps: readonly Step[], scope: Scope, context: TreeContext, commit: Node): Node => {
  const [first, ...rest] = steps
  if (first === undefined) return commit
  const after = untilCommit(rest, scope, context, commit)
  return first.kind === 'reserve' || first.kind === 'release'
    ? rowLocked(first, [change(first, scope, context), after])
    : series([stepTree(first, scope, context), after])
}

/** The tree of each kind of step. */
const trees: { readonly [K in Step['kind']]: (step: StepOf<K>, scope: Scope, context: TreeContext) => Node } = {
  compute: (step, scope) => visit({ component: scope.self, role: undefined }, step, { cpu: step.cpu }, 0),
  wait: (step, scope) => visit({ component: scope.self, role: undefined }, step, { wait: step.wait }, 0),
  lookup: (step, scope, context) => {
    const store = ask(step.target, scope, context)
    return series([
      ask(step.target, scope, context, step),
      {
        kind: 'weighted',
        weight: 1 - context.hitRatio(step),
        body: series([flowTree(step.miss, scope, context), store]),
        isMiss: true,
      },
    ])
  },
  query: (step, scope, context) => pooled(step.target, scope, () => ask(step.target, scope, context, step, step.time)),
  write: (step, scope, context) => {
    const write = pooled(step.target, scope, () => ask(step.target, scope, context, step, step.time))
    const inTransaction = step.target.pool !== undefined && scope.held.has(`${scope.self}.${step.target.pool}`)
    const { back, through, invalidated } = writeWay(context.topology, step, inTransaction)
    const visits = (caches: readonly ComponentId[]): readonly Node[] =>
      caches.map((component) => ask({ component }, scope, context))
    const flushes = back && context.flushesPerWrite(step, back)
    if (back !== undefined && flushes !== undefined) {
      const flush = weighted(flushes, series([...visits([back.cache]), write]))
      return series([...visits([back.cache]), { kind: 'later', body: flush }])
    }
    return series([write, ...visits([...through.map(({ cache }) => cache), ...invalidated])])
  },
  transaction: (step, scope, context) =>
    pooled(step.target, scope, (inner) =>
      // BEGIN and COMMIT are a round trip each.
      series([
        ask(step.target, scope, context, step),
        untilCommit(step.do, inner, context, ask(step.target, scope, context)),
      ]),
    ),
  reserve: (step, scope, context) => pooled(step.via, scope, () => rowLocked(step, [change(step, scope, context)])),
  release: (step, scope, context) => pooled(step.via, scope, () => rowLocked(step, [change(step, scope, context)])),
  lock: (step, scope, context) =>
    series([
      ask(step.target, scope, context, step),
      {
        kind: 'series',
        parts: [flowTree(step.do, scope, context), ask(step.target, scope, context)],
        exclusive: { component: step.target.component, data: step.key, by: 'lock' },
      },
    ]),
  publish: (step, scope, context) =>
    series([ask(step.target, scope, context, step), ...messages(step.target, context)]),
  call: (step, scope, context) => call(scope.self, step.target.component, context, callTree(step, context)),
  saga: (step, scope, context) => series(step.entries.map((entry) => stepTree(entry.step, scope, context))),
  parallel: (step, scope, context) => ({
    kind: 'fork',
    join: step.join,
    parts: step.branches.map((branch) => flowTree(branch, scope, context)),
  }),
  choose: (step, scope, context) => ({
    kind: 'choice',
    parts: step.options.map((option) => ({ weight: option.weight, body: flowTree(option.flow, scope, context) })),
  }),
  repeat: (step, scope, context) => weighted(step.times, flowTree(step.do, scope, context)),
}

const stepTree = (step: Step, scope: Scope, context: TreeContext): Node => {
  // Indexing by the kind pairs each step with its own entry, which the compiler cannot see.
  const tree = trees[step.kind] as (step: Step, scope: Scope, context: TreeContext) => Node
  return tree(step, scope, context)
}

const flowTree = (steps: readonly Step[], scope: Scope, context: TreeContext): Node =>
  series(steps.map((step) => stepTree(step, scope, context)))

/** Some steps that `self` executes, alone. */
export const stepsTree = (self: ComponentId, steps: readonly Step[], context: TreeContext): Node =>
  flowTree(steps, { self, held: new Set() }, context)

/** A visit of a service that runs `flow`; the visit's own CPU is one burst with a computation that comes first. */
const serviceTree = (
  self: ComponentId,
  flow: readonly Step[],
  context: TreeContext,
  step?: Step,
  serves?: string,
): Node => {
  const scope: Scope = { self, held: new Set() }
  const at = { component: self, role: undefined }
  const [first, ...rest] = flow
  const body =
    first?.kind === 'compute'
      ? series([visit(at, first, { cpu: first.cpu }, 1, serves), flowTree(rest, scope, context)])
      : series([visit(at, step, {}, 1, serves), flowTree(flow, scope, context)])
  return { kind: 'serve', component: self, body }
}

/** Through a component that waits for the answer of what comes after its own work. */
const passing = (component: ComponentId, parts: readonly Node[]): Node => ({
  kind: 'serve',
  component,
  body: series(parts),
})

const callTree = (step: StepOf<'call'>, context: TreeContext): Node => {
  const { target } = step
  const called = context.topology.components[target.component]
  if (called?.role === 'external')
    return weighted(attemptsOf(step, called.errors), visit(place(target), step, delay(called.latency)))
  if (called?.role === 'service') return serviceTree(called.id, operationOf(called, target), context, step)
  if (called?.role === 'balancer')
    return passing(called.id, [
      visit(place(target), step),
      {
        kind: 'choice',
        parts: called.upstreams.map(({ component, weight }) => {
          const upstream = context.topology.components[component]
          const body =
            upstream?.role === 'service'
              ? serviceTree(component, operationOf(upstream, target), context)
              : visit({ component, role: undefined })
          return { weight, body: call(called.id, component, context, body) }
        }),
      },
    ])
  return visit(place(target), step)
}

const operationOf = (service: ServiceComponent, target: Target): readonly Step[] =>
  target.operation === undefined ? [] : (service.operations[target.operation]?.flow ?? [])

/** What consumers do with a message: workers of one queue share its messages, consumers of a topic each get all. */
const messages = (target: Target, context: TreeContext): readonly Node[] => {
  const consumers = Object.values(context.topology.components).filter(
    (component): component is ServiceComponent =>
      component.role === 'service' &&
      component.consumes?.component === target.component &&
      component.consumes.queue === target.queue &&
      component.consumes.topic === target.topic,
  )
  const slots = consumers.reduce((sum, consumer) => sum + consumer.slots * consumer.replicas, 0)
  return consumers.map((consumer) =>
    weighted(target.queue === undefined ? 1 : (consumer.slots * consumer.replicas) / Math.max(1, slots), {
      kind: 'message',
      consumer: consumer.id,
      // The broker is visited twice more: delivery and acknowledgement.
      body: series([visit(place(target), undefined, {}, 2), serviceTree(consumer.id, consumer.flow, context)]),
    }),
  )
}

/** The tree of one request of a class, from its outermost component on. */
export const requestTree = (request: RequestClass, context: TreeContext): Node => {
  const [outermost = request.serve] = request.enter
  const tree = (origin: string | undefined): Node =>
    fromOrigin(undefined, outermost, origin, context, through(outermost, request, origin, context))
  const { origins } = context.topology
  if (origins.length === 0) return tree(undefined)
  return { kind: 'choice', parts: origins.map(({ region, share }) => ({ weight: share, body: tree(region) })) }
}

/** From a component that a request arrives at on: each waits for all that comes after it. */
const through = (id: ComponentId, request: RequestClass, origin: string | undefined, context: TreeContext): Node => {
  const at = context.topology.components[id]
  if (at?.role !== 'balancer') return serviceTree(id, request.flow, context, undefined, request.id)
  const [first] = preference(at, origin, context.placeOf) ?? []
  const preferred = first === undefined ? undefined : at.upstreams[first]
  const upstreams = preferred === undefined ? at.upstreams : [{ component: preferred.component, weight: 1 }]
  const onward: Node = {
    kind: 'choice',
    parts: upstreams.map(({ component, weight }) => {
      const body = call(id, component, context, through(component, request, origin, context))
      return { weight, body: fromOrigin(at, component, origin, context, body) }
    }),
  }
  const kept = context.keptShare(at, request)
  return passing(id, [
    visit({ component: id, role: undefined }, undefined, {}, 1, request.id),
    kept > 0 ? weighted(1 - kept, onward) : onward,
  ])
}

/** With the way there and back of a client that is far from it. */
const fromOrigin = (
  from: BalancerComponent | undefined,
  to: ComponentId,
  origin: string | undefined,
  { topology, placeOf }: TreeContext,
  body: Node,
): Node => {
  const seconds = wayFromOrigin(topology, placeOf, from, to, origin)
  if (seconds <= 0) return body
  const at = { component: from?.id ?? to, role: undefined }
  return series([visit(at, undefined, { wait: { shape: 'constant', seconds } }, 0), body])
}

/** How often each piece of work happens per request, in the order of the tree. */
export interface Occurrence {
  readonly node: Extract<Node, { kind: 'work' }>
  readonly count: number
  /** Does the client wait for it? */
  readonly synchronous: boolean
  readonly consumer: ComponentId | undefined
}

export function* occurrences(
  node: Node,
  count = 1,
  consumer: ComponentId | undefined = undefined,
  synchronous = true,
): Generator<Occurrence> {
  switch (node.kind) {
    case 'work':
      yield { node, count, synchronous, consumer }
      return
    case 'series':
    case 'fork':
      for (const part of node.parts) yield* occurrences(part, count, consumer, synchronous)
      return
    case 'choice':
      for (const { weight, body } of node.parts)
        if (weight > 0) yield* occurrences(body, count * weight, consumer, synchronous)
      return
    case 'weighted':
      if (node.weight > 0) yield* occurrences(node.body, count * node.weight, consumer, synchronous)
      return
    case 'hold':
    case 'serve':
      yield* occurrences(node.body, count, consumer, synchronous)
      return
    case 'message':
      yield* occurrences(node.body, count, node.consumer, false)
      return
    case 'later':
      yield* occurrences(node.body, count, consumer, false)
  }
}

/** The forks of a tree, with how often per request. */
export function* forks(
  node: Node,
  count = 1,
): Generator<{ readonly node: Extract<Node, { kind: 'fork' }>; readonly count: number }> {
  switch (node.kind) {
    case 'work':
      return
    case 'fork':
      if (node.parts.length > 1) yield { node, count }
      for (const part of node.parts) yield* forks(part, count)
      return
    case 'series':
      for (const part of node.parts) yield* forks(part, count)
      return
    case 'choice':
      for (const { weight, body } of node.parts) if (weight > 0) yield* forks(body, count * weight)
      return
    case 'weighted':
      if (node.weight > 0) yield* forks(node.body, count * node.weight)
      return
    default:
      yield* forks(node.body, count)
  }
}

/** Something that is held while a subtree runs: a connection, a slot of a consumer, a place among a service's calls. */
export type Holder = Extract<Node, { kind: 'hold' | 'message' | 'serve' }>

/** What is done by one at a time, with how often per request. What nests in another about the same keys waits for nobody. */
export function* exclusions(
  node: Node,
  count = 1,
  within: readonly (DataId | undefined)[] = [],
): Generator<{ readonly node: Exclusive; readonly count: number }> {
  switch (node.kind) {
    case 'work':
      return
    case 'series':
    case 'fork': {
      const own = isExclusive(node) ? node : undefined
      if (own !== undefined && !within.includes(own.exclusive.data)) yield { node: own, count }
      const inside = own === undefined ? within : [...within, own.exclusive.data]
      for (const part of node.parts) yield* exclusions(part, count, inside)
      return
    }
    case 'choice':
      for (const { weight, body } of node.parts) if (weight > 0) yield* exclusions(body, count * weight, within)
      return
    case 'weighted':
      if (node.weight > 0) yield* exclusions(node.body, count * node.weight, within)
      return
    default:
      yield* exclusions(node.body, count, within)
  }
}

/** The holders of a tree, outer before inner, with how often per request. */
export function* holders(node: Node, count = 1): Generator<{ readonly node: Holder; readonly count: number }> {
  switch (node.kind) {
    case 'work':
      return
    case 'series':
    case 'fork':
      for (const part of node.parts) yield* holders(part, count)
      return
    case 'choice':
      for (const { weight, body } of node.parts) if (weight > 0) yield* holders(body, count * weight)
      return
    case 'weighted':
      if (node.weight > 0) yield* holders(node.body, count * node.weight)
      return
    case 'hold':
    case 'serve':
    case 'message':
      yield { node, count }
      yield* holders(node.body, count)
      return
    case 'later':
      yield* holders(node.body, count)
  }
}

/** What a class of requests is expected to see, by the paths of its objectives. */

import { fittedQuantile, fittedTail, type Moments } from '../sim/analytic/gamma.js'
import { mmcTimeout } from '../sim/analytic/impatience.js'
import type { Holder, Node } from '../sim/analytic/network/flow-tree.js'
import { momentsOf, type Timing } from '../sim/analytic/network/timing.js'
import { quantileOf } from '../sim/analytic/quantile.js'
import type { Step } from '../topology/flow.js'
import type { RequestClass } from '../topology/types.js'
import type { Operation } from './operation.js'

const shares: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 }

/** Seconds (infinite: without bound); undefined: `max`, of which a distribution without end knows nothing. */
const statistic = (moments: Moments, name: string): number | undefined => {
  if (name === 'mean') return moments.mean
  const p = shares[name]
  return p === undefined ? undefined : fittedQuantile(moments, p)
}

/** The same work under the same holders, all lookups of which miss (or hit), and for each holder and fork the one that it stands for. */
const withMisses = (
  tree: Node,
  weight: 0 | 1,
): { readonly tree: Node; readonly originals: ReadonlyMap<Node, Node> } => {
  const originals = new Map<Node, Node>()
  const copy = (node: Node): Node => {
    switch (node.kind) {
      case 'work':
        return node
      case 'series':
        return { ...node, parts: node.parts.map(copy) }
      case 'fork': {
        const made = { ...node, parts: node.parts.map(copy) }
        originals.set(made, node)
        return made
      }
      case 'choice':
        return { ...node, parts: node.parts.map((part) => ({ weight: part.weight, body: copy(part.body) })) }
      case 'weighted':
        return { ...node, weight: node.isMiss === true ? weight : node.weight, body: copy(node.body) }
      default: {
        const made = { ...node, body: copy(node.body) }
        originals.set(made, node)
        return made
      }
    }
  }
  return { tree: copy(tree), originals }
}

/** What is told of a holder, or of a fork, is told of its copy. */
const standingFor = (timing: Timing, originals: ReadonlyMap<Node, Node>): Timing => ({
  ...timing,
  held: (node) => {
    // A copy is of the kind of its original.
    const held = timing.held((originals.get(node) ?? node) as Holder)
    return held && { ...held, inside: standingFor(held.inside, originals) }
  },
  forkShare: (node) => timing.forkShare(originals.get(node) ?? node),
})

/** Of requests all of whose lookups hit, or all miss. */
const outcomeMoments = (tree: Node, timing: Timing, outcome: 'hit' | 'miss'): Moments => {
  const made = withMisses(tree, outcome === 'miss' ? 1 : 0)
  return momentsOf(made.tree, standingFor(timing, made.originals))
}

const responses = new WeakMap<Timing, Map<Node, Moments>>()

/** Until the client has its answer: several objectives of a class ask for it. */
const responseMoments = (tree: Node, timing: Timing): Moments => {
  let known = responses.get(timing)
  if (known === undefined) {
    known = new Map()
    responses.set(timing, known)
  }
  let moments = known.get(tree)
  if (moments === undefined) {
    moments = momentsOf(tree, timing)
    known.set(tree, moments)
  }
  return moments
}

const treeOf = (operation: Operation, request: RequestClass): Node | undefined =>
  operation.solved.classes.find(({ id }) => id === request.id)?.tree

function* messagesOf(node: Node): Generator<Extract<Node, { kind: 'message' }>> {
  switch (node.kind) {
    case 'work':
      return
    case 'series':
    case 'fork':
      for (const part of node.parts) yield* messagesOf(part)
      return
    case 'choice':
      for (const { body } of node.parts) yield* messagesOf(body)
      return
    case 'message':
      yield node
      yield* messagesOf(node.body)
      return
    default:
      yield* messagesOf(node.body)
  }
}

/** Of the consumer whose messages wait longest; waits are exponential once they are not zero, as in M/M/c. */
const queueDelay = (operation: Operation, tree: Node, name: string): number | undefined => {
  const waits = [...messagesOf(tree)].map(({ consumer }) => {
    const { waitSeconds, waitProbability } = operation.solved.point.timing.queue(consumer)
    if (name === 'mean' || waitSeconds === 0 || !Number.isFinite(waitSeconds)) return waitSeconds
    const p = shares[name]
    if (p === undefined) return undefined
    const conditional = waitSeconds / Math.max(waitProbability, Number.EPSILON)
    return quantileOf((t) => waitProbability * Math.exp(-t / conditional), p, conditional)
  })
  return waits.reduce<number | undefined>(
    (most, wait) => (most === undefined || wait === undefined ? undefined : Math.max(most, wait)),
    0,
  )
}

/** P(a step fails for good), nothing having been broken: errors of dependencies after their retries, and pools that nobody gets. */
const failureOf = (operation: Operation, service: string, step: Step): number => {
  if (step.fallback !== undefined) return 0
  const attempts = step.retry?.attempts ?? 1
  switch (step.kind) {
    case 'call': {
      const called = operation.topology.components[step.target.component]
      if (called?.role === 'external') return called.errors ** attempts
      if (called?.role === 'service' && step.target.operation !== undefined)
        return failureOfFlow(operation, called.id, called.operations[step.target.operation]?.flow ?? []) ** attempts
      return 0
    }
    case 'query':
    case 'write':
      return poolFailure(operation, service, step.target.pool) ** attempts
    case 'reserve':
    case 'release':
      return poolFailure(operation, service, step.via.pool) ** attempts
    case 'lookup':
      return (1 - operation.hits.of(step)) * failureOfFlow(operation, service, step.miss)
    case 'transaction':
      return anyOf([poolFailure(operation, service, step.target.pool), failureOfFlow(operation, service, step.do)])
    case 'lock':
      return failureOfFlow(operation, service, step.do)
    case 'repeat':
      return 1 - (1 - failureOfFlow(operation, service, step.do)) ** step.times
    case 'saga':
      return anyOf(step.entries.map((entry) => failureOf(operation, service, entry.step)))
    case 'parallel': {
      const branches = step.branches.map((branch) => failureOfFlow(operation, service, branch))
      return step.join === 'all' ? anyOf(branches) : branches.reduce((product, p) => product * p, 1)
    }
    case 'choose':
      return step.options.reduce((sum, { weight, flow }) => sum + weight * failureOfFlow(operation, service, flow), 0)
    default:
      return 0
  }
}

const anyOf = (probabilities: readonly number[]): number => 1 - probabilities.reduce((none, p) => none * (1 - p), 1)

const failureOfFlow = (operation: Operation, service: string, flow: readonly Step[]): number =>
  anyOf(flow.map((step) => failureOf(operation, service, step)))

/** Share of those who ask the pool for a connection that give up (M/M/c+D). */
const poolFailure = (operation: Operation, service: string, name: string | undefined): number => {
  const component = operation.topology.components[service]
  const pool = name !== undefined && component?.role === 'service' ? component.pools[name] : undefined
  if (pool?.acquireTimeoutSeconds === undefined) return 0
  const { network } = operation.solved.point
  const { arrivalRatePerSecond, holdSeconds, servers } = network.holder(`pool ${service}.${pool.id}`)
  if (!Number.isFinite(holdSeconds)) return 1
  return mmcTimeout({ arrivalRatePerSecond, serviceSeconds: holdSeconds, servers }, pool.acquireTimeoutSeconds)
    .abandonProbability
}

/** Errors of a class as its last attempt leaves them; clients that time out count, too. */
const errorsOf = (operation: Operation, request: RequestClass, tree: Node): number => {
  const { timeoutSeconds, retry } = request.client
  const late =
    timeoutSeconds === undefined ? 0 : latePart(responseMoments(tree, operation.solved.point.timing), timeoutSeconds)
  const failed = anyOf([late, failureOfFlow(operation, request.serve, request.flow)])
  return failed ** (retry?.attempts ?? 1)
}

const latePart = (moments: Moments, timeoutSeconds: number): number => {
  if (!Number.isFinite(moments.mean) || !Number.isFinite(moments.variance)) return 1
  return fittedTail(moments, timeoutSeconds)
}

/**
 * The value of an objective's path (`latency.p95`, `outcomes.hit.latency.p95`, `completion.p95`, `queueDelay.p95`, `errors`) for a class at this load:
 * seconds or a ratio, infinite where it grows without bound. Undefined: it cannot be told from means and variances (`max`), or is judged
 * otherwise (`availability`). Percentiles are of gamma distributions with the mean and variance of the response (docs/model.md).
 */
export const predict = (operation: Operation, request: RequestClass, path: string): number | undefined => {
  const tree = treeOf(operation, request)
  if (tree === undefined) return undefined
  const { timing } = operation.solved.point
  const parts = path.split('.')
  const name = parts.at(-1) ?? ''
  switch (parts[0]) {
    case 'latency':
      return statistic(responseMoments(tree, timing), name)
    case 'outcomes':
      return parts[1] === 'hit' || parts[1] === 'miss'
        ? statistic(outcomeMoments(tree, timing, parts[1]), name)
        : undefined
    case 'completion':
      return statistic(momentsOf(tree, timing, true), name)
    case 'queueDelay':
      return queueDelay(operation, tree, name)
    case 'errors':
      return errorsOf(operation, request, tree)
    default:
      return undefined
  }
}

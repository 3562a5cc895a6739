import type { Patch } from '../../contract/finding.js'
import type { Step } from '../../topology/flow.js'
import { instanceCount } from '../../topology/instances.js'
import type { Component } from '../../topology/types.js'
import { isCopied, machinesPatch } from '../facts/machines.js'
import type { Review } from '../facts/review.js'
import type { Rule } from './rule.js'

/** One instance, on which requests depend, while the policy wants a loss to be survived. */
export const singlePointOfFailure: Rule = {
  severity: 'warning',
  explanation: 'Requests depend on a single instance, though policy.survive wants the loss of one survived.',
  formula: 'instances − 1 lost = 0 left',
  check: (review) => {
    const { survive } = review.topology.policy
    if (survive === 'nothing') return []
    return review.components.flatMap((component) => {
      const requests = dependants(review, component)
      if (requests.length === 0 || !isSingle(component)) return []
      const shares = requests.reduce((sum, { share }) => sum + share, 0)
      const shards = component.role === 'store' && component.masters > 1 ? component.masters : 1
      const patches = doubled(review, component)
      return [
        {
          subject: component.id,
          message:
            shards > 1
              ? `each of the ${shards} masters of ${component.id} is the only one with its keys`
              : `${component.id} is one instance, and policy.survive is ${survive}`,
          arithmetic: `${shards > 1 ? `${shards} masters × (1 + 0 copies): 1 lost takes 1/${shards} of the keys of` : '1 instance − 1 lost = 0 left for'} ${requests.map(({ id }) => id).join(', ')} (${Number((shares * 100).toPrecision(3))} % of requests)`,
          fix:
            component.role === 'store'
              ? 'a copy on another machine, and somebody who promotes it'
              : 'two of them, on two machines',
          ...(patches.length > 0
            ? { patches }
            : { decision: `which copies ${component.id} gets, and who promotes them; or survive: nothing` }),
          position: review.locate('components', component.id),
        },
      ]
    })
  },
}

const isSingle = (component: Component): boolean => {
  if (component.role === 'store')
    return instanceCount(component) === 1 || (component.masters > 1 && isSharded(component))
  if (component.role === 'service') return component.replicas === 1
  // A name service and a network of caches are somebody's who has many.
  return (
    component.role === 'balancer' &&
    component.engine !== 'dns' &&
    component.engine !== 'cdn' &&
    component.replicas === 1
  )
}

/** Kafka, RabbitMQ and etcd copy among their members; masters of Redis and shards of databases do not. */
const isSharded = (store: Extract<Component, { role: 'store' }>): boolean =>
  !isCopied(store) && !['kafka', 'rabbitmq', 'etcd'].includes(store.engine)

/** Requests that fail without the component. What is only looked up has a miss path; what has a fallback goes on without. */
const dependants = (review: Review, component: Component) =>
  review.requests.filter((request) => {
    if (request.derivedFrom !== undefined) return false
    if (request.enter.includes(component.id)) return component.role === 'balancer'
    if (request.serve === component.id) return true
    return needs(review, request.flow, component.id, new Set())
  })

const needs = (review: Review, steps: readonly Step[], id: string, seen: ReadonlySet<string>): boolean =>
  steps.some((step) => {
    if (step.fallback !== undefined) return false
    if (step.kind === 'lookup') return needs(review, step.miss, id, seen)
    if (step.kind === 'parallel') {
      const branches = step.branches.map((branch) => needs(review, branch, id, seen))
      return step.join === 'all' ? branches.includes(true) : !branches.includes(false)
    }
    if (step.kind === 'reserve' || step.kind === 'release') return step.via.component === id
    if ('target' in step && step.target.component === id) return true
    if (step.kind === 'call' && step.target.operation !== undefined) {
      const name = `${step.target.component}.${step.target.operation}`
      const called = review.topology.components[step.target.component]
      return (
        called?.role === 'service' &&
        !seen.has(name) &&
        needs(review, called.operations[step.target.operation]?.flow ?? [], id, new Set([...seen, name]))
      )
    }
    return innerNeeds(review, step, id, seen)
  })

const innerNeeds = (review: Review, step: Step, id: string, seen: ReadonlySet<string>): boolean => {
  switch (step.kind) {
    case 'transaction':
    case 'lock':
    case 'repeat':
      return needs(review, step.do, id, seen)
    case 'saga':
      return needs(
        review,
        step.entries.map((entry) => entry.step),
        id,
        seen,
      )
    case 'choose':
      return step.options.some(({ flow }) => needs(review, flow, id, seen))
    default:
      return false
  }
}

/** Two of what keeps no state. */
const doubled = (review: Review, component: Component): readonly Patch[] => {
  if (component.role !== 'service' && component.role !== 'balancer') return []
  const at = (...path: string[]) => ['components', component.id, ...path]
  const scaling = component.role === 'service' ? component.scaling : undefined
  return [
    ...(scaling === undefined || review.isWritten(...at('replicas')) ? [{ path: at('replicas'), value: 2 }] : []),
    ...(scaling !== undefined && scaling.min < 2 ? [{ path: at('scaling', 'min'), value: 2 }] : []),
    ...(scaling !== undefined && scaling.max < 2 ? [{ path: at('scaling', 'max'), value: 2 }] : []),
    ...machinesPatch(review, component, 2),
  ]
}

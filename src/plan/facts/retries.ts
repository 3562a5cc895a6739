/** Who tries again, from the client down to each step. */
import { innerFlows, type Step } from '../../topology/flow.js'
import type { RequestClass, Retry, ServiceComponent } from '../../topology/types.js'
import type { Review } from './review.js'

export interface Tier {
  readonly name: string
  readonly retry: Retry
  /** Of the `retry` in the file. */
  readonly path: readonly (string | number)[]
}

export interface Amplification {
  readonly request: RequestClass
  /** A step that does work somewhere. */
  readonly step: Step
  /** Where its work is done. */
  readonly component: string
  /** Outermost first. */
  readonly tiers: readonly Tier[]
}

/** Executions per first attempt when every attempt fails. */
export const factorOf = ({ attempts, budget }: Retry): number =>
  1 + Math.min(attempts - 1, budget ?? Number.POSITIVE_INFINITY)

const deepest = 32

const requestPath = (request: RequestClass): readonly string[] =>
  request.derivedFrom === undefined ? ['requests', request.id] : ['requests', request.derivedFrom, 'poll']

export const amplifications = (review: Review): readonly Amplification[] => {
  const all: Amplification[] = []
  for (const request of review.requests) {
    const service = review.topology.components[request.serve]
    if (service?.role !== 'service') continue
    const { retry } = request.client
    const tiers =
      retry === undefined ? [] : [{ name: 'client', retry, path: [...requestPath(request), 'client', 'retry'] }]
    collect(review, request, service, request.flow, tiers, all, 0)
  }
  return all
}

const collect = (
  review: Review,
  request: RequestClass,
  service: ServiceComponent,
  steps: readonly Step[],
  outer: readonly Tier[],
  all: Amplification[],
  depth: number,
): void => {
  if (depth > deepest) return
  for (const step of steps) {
    const tiers =
      step.retry === undefined ? outer : [...outer, { name: step.id, retry: step.retry, path: [...step.path, 'retry'] }]
    all.push({ request, step, component: workplaceOf(step, service), tiers })
    for (const flow of innerFlows(step)) collect(review, request, service, flow, tiers, all, depth)
    if (step.kind !== 'call' || step.target.operation === undefined) continue
    const called = review.topology.components[step.target.component]
    if (called?.role === 'service')
      collect(review, request, called, called.operations[step.target.operation]?.flow ?? [], tiers, all, depth + 1)
  }
}

const workplaceOf = (step: Step, service: ServiceComponent): string => {
  if (step.kind === 'reserve' || step.kind === 'release') return step.via.component
  return 'target' in step ? step.target.component : service.id
}

/** Which classes of requests fail when a component does not answer at all, and which go on without it. */
import type { Step } from '../topology/flow.js'
import type { ComponentId, RequestClass, Topology } from '../topology/types.js'

/** Components without which this step fails: a fallback, a cache aside and an alternative branch are ways around. */
function* neededByStep(topology: Topology, step: Step, self: ComponentId): Generator<ComponentId> {
  if (step.fallback !== undefined) return
  switch (step.kind) {
    case 'compute':
    case 'wait':
      return
    case 'lookup':
      // A cache that errs counts as a miss.
      yield* neededByFlow(topology, step.miss, self)
      return
    case 'query':
    case 'write':
    case 'publish':
      yield step.target.component
      return
    case 'transaction':
    case 'lock':
      yield step.target.component
      yield* neededByFlow(topology, step.do, self)
      return
    case 'reserve':
    case 'release':
      yield step.via.component
      return
    case 'call':
      yield* neededByCall(topology, step.target.component, step.target.operation)
      return
    case 'saga':
      for (const entry of step.entries) yield* neededByStep(topology, entry.step, self)
      return
    case 'parallel': {
      const branches = step.branches.map((branch) => new Set(neededByFlow(topology, branch, self)))
      const every = step.join === 'all'
      for (const id of new Set(branches.flatMap((branch) => [...branch])))
        if (every || branches.every((branch) => branch.has(id))) yield id
      return
    }
    case 'choose':
      for (const { weight, flow } of step.options) if (weight > 0) yield* neededByFlow(topology, flow, self)
      return
    case 'repeat':
      if (step.times > 0) yield* neededByFlow(topology, step.do, self)
  }
}

function* neededByCall(topology: Topology, id: ComponentId, operation: string | undefined): Generator<ComponentId> {
  yield id
  const called = topology.components[id]
  if (called?.role === 'balancer' && called.upstreams.length === 1)
    for (const { component } of called.upstreams) yield* neededByCall(topology, component, operation)
  if (called?.role === 'service' && operation !== undefined)
    yield* neededByFlow(topology, called.operations[operation]?.flow ?? [], id)
}

function* neededByFlow(topology: Topology, flow: readonly Step[], self: ComponentId): Generator<ComponentId> {
  for (const step of flow) yield* neededByStep(topology, step, self)
}

/** The components without which a class has no (full) answer, in the order in which it meets them. Work behind a queue is not among them. */
export const neededBy = (topology: Topology, request: RequestClass): ReadonlySet<ComponentId> =>
  new Set([...request.enter, request.serve, ...neededByFlow(topology, request.flow, request.serve)])

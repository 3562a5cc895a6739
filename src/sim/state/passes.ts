/** How often one pass through a request's flow performs each step, at most: what happens more often was repeated. */
import { innerFlows, type Step, type StepId } from '../../topology/flow.js'
import type { Target, Topology } from '../../topology/types.js'

/** By step, the most over all classes: through called operations and, by what is published, through workers. */
export const timesPerPass = (topology: Topology): ReadonlyMap<StepId, number> => {
  const most = new Map<StepId, number>()
  for (const request of Object.values(topology.requests)) {
    const times = new Map<StepId, number>()
    const follow = (steps: readonly Step[], factor: number, within: readonly string[]): void => {
      for (const step of steps) {
        times.set(step.id, (times.get(step.id) ?? 0) + factor)
        for (const flow of innerFlows(step)) follow(flow, step.kind === 'repeat' ? factor * step.times : factor, within)
        if (step.kind === 'call') run(step.target, factor, within)
        if (step.kind === 'publish')
          for (const component of Object.values(topology.components))
            if (component.role === 'service' && sameTarget(component.consumes, step.target))
              enter(component.id, component.flow, factor, within)
      }
    }
    const run = ({ component, operation }: Target, factor: number, within: readonly string[]): void => {
      const served = topology.components[component]
      if (served?.role !== 'service' || operation === undefined) return
      enter(`${component}.${operation}`, served.operations[operation]?.flow ?? [], factor, within)
    }
    /** Circles of messages end by chance; once round is a pass. */
    const enter = (name: string, flow: readonly Step[], factor: number, within: readonly string[]): void => {
      if (!within.includes(name)) follow(flow, factor, [...within, name])
    }
    follow(request.flow, 1, [])
    for (const [step, count] of times) most.set(step, Math.max(count, most.get(step) ?? 0))
  }
  return most
}

const sameTarget = (a: Target | undefined, b: Target): boolean =>
  a !== undefined && a.component === b.component && a.queue === b.queue && a.topic === b.topic

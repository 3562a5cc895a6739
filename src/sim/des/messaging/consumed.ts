/** Whether there is work behind what a topology publishes. */
import { type Step, walk } from '../../../topology/flow.js'
import type { StoreComponent, Target, Topology } from '../../../topology/types.js'

export const hasBrokers = (topology: Topology): boolean =>
  Object.values(topology.components).some(
    (component) =>
      component.role === 'store' && Object.keys(component.queues).length + Object.keys(component.topics).length > 0,
  )

/** Does somebody take what this flow publishes, also in the operations that it calls? */
export const leadsToWork = (topology: Topology, flow: readonly Step[]): boolean => {
  const passed = new Set<readonly Step[]>()
  const follow = (steps: readonly Step[]): boolean => {
    if (passed.has(steps)) return false
    passed.add(steps)
    for (const step of walk(steps)) {
      if (step.kind === 'publish' && isConsumed(topology, step.target)) return true
      if (step.kind !== 'call') continue
      const called = topology.components[step.target.component]
      if (called?.role !== 'service') continue
      if (follow(called.operations[step.target.operation ?? '']?.flow ?? [])) return true
    }
    return false
  }
  return follow(flow)
}

const isConsumed = (topology: Topology, target: Target): boolean => {
  const store = topology.components[target.component]
  if (store?.role !== 'store') return false
  const consumed = Object.values(topology.components).flatMap((each) =>
    each.role === 'service' && each.consumes?.component === store.id ? [each.consumes] : [],
  )
  if (target.topic !== undefined) return consumed.some(({ topic }) => topic === target.topic)
  return deadLetterWay(store, target.queue).some((id) => consumed.some(({ queue }) => queue === id))
}

/** The queue, where its dead letters go, and so on. */
const deadLetterWay = (store: StoreComponent, from: string | undefined): readonly string[] => {
  const way: string[] = []
  for (let id = from; id !== undefined && !way.includes(id); id = store.queues[id]?.deadLetter) way.push(id)
  return way
}

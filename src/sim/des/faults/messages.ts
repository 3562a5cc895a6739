/** Faults that come as messages. */
import type { Fault } from '../../../experiment/types.js'
import type { Topology } from '../../../topology/types.js'
import type { SimulatedFault } from './kind.js'

/** Messages of `poison` where the fault does not say how many. */
const defaultCount = 1

/** A worker, or a broker from which one takes messages. */
const takesNone = ({ target }: Fault, topology: Topology): string | undefined => {
  if (target.kind !== 'component' && target.kind !== 'instance') return undefined
  const takes = Object.values(topology.components).some(
    (component) =>
      component.role === 'service' &&
      component.consumes !== undefined &&
      (component.id === target.component || component.consumes.component === target.component),
  )
  return takes ? undefined : `no worker takes messages at ${target.component}`
}

export const messageFaults = {
  poison: {
    objection: takesNone,
    strike: ({ target, parameters }, { system }) => {
      if (target.kind === 'component' || target.kind === 'instance')
        system.messaging?.poison(target.component, Number(parameters.count ?? defaultCount))
      // It is over when it has begun: what it leaves behind is a matter of the queue.
      return { undo: (done) => done(), untilOver: (done) => done() }
    },
  },
} satisfies Record<string, SimulatedFault>

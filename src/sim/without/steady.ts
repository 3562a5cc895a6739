/** The system as it stands when it has stood for long: what a short simulation could not wait for is taken from theory. */
import { topologyPlacement } from '../../catalog/placement.js'
import type { Topology } from '../../topology/types.js'
import { solveTopology } from '../analytic/network/solve.js'
import type { System } from './causes.js'
import { mapComponents, mapSteps } from './steps.js'

/**
 * Autoscalers off: the replicas are those that are declared, as in a plan. Hit ratios that nobody declares are those of a cache
 * that is warm, which takes far longer than the requests whose times are looked at.
 */
export const steady = (topology: Topology): System => {
  const still = mapComponents(topology, (component) =>
    component.role === 'service' ? { ...component, scaling: undefined } : component,
  )
  const placement = topologyPlacement(still)
  const { hits } = solveTopology(still, placement, 'shared')
  return {
    topology: mapSteps(still, (step) =>
      step.kind === 'lookup' && step.hitRatio === undefined ? { ...step, hitRatio: hits.of(step) } : step,
    ),
    placement,
  }
}

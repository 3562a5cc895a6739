/** All flows of a topology, whoever asks: what a service executes, what a store is asked for. */
import { groupBy } from '../lib/group.js'
import type { Step } from './flow.js'
import type { ServiceComponent, Topology } from './types.js'

/** The flows that one service executes: of the requests that it serves, of its consumer, of its operations. */
export const flowsOfService = (topology: Topology, service: ServiceComponent): readonly (readonly Step[])[] => [
  ...Object.values(topology.requests)
    .filter((request) => request.serve === service.id)
    .map((request) => request.flow),
  service.flow,
  ...Object.values(service.operations).map((operation) => operation.flow),
]

/** Every flow that some service executes. */
export const flowsOf = (topology: Topology): readonly (readonly Step[])[] => {
  const byService = groupBy(Object.values(topology.requests), ({ serve }) => serve)
  return Object.values(topology.components).flatMap((component) =>
    component.role === 'service'
      ? [
          ...(byService.get(component.id) ?? []).map(({ flow }) => flow),
          component.flow,
          ...Object.values(component.operations).map(({ flow }) => flow),
        ]
      : [],
  )
}

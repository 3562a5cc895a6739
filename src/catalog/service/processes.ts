import type { Component } from '../../topology/types.js'

/**
 * Event-loop processes per replica of the workload service. Threads and virtual threads are stood in for by as many event
 * loops as the replica has cores (its quota, else one): the placement of the run says so, and the simulator follows it.
 */
export const eventLoopsOf = (component: Component): number => {
  if (component.role !== 'service') return 1
  const { execution, resources } = component
  return execution.model === 'event-loop' ? execution.processes : Math.max(1, Math.ceil(resources.cpu ?? 1))
}

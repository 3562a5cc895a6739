import { walk } from './flow.js'
import type { Topology } from './types.js'

/** `a -> b` for every pair of components of which a sends requests to b, in the order of the topology. */
export const edgesOf = (topology: Topology): readonly string[] => {
  const edges = new Set<string>()
  const add = (from: string, to: string): void => {
    if (from !== to) edges.add(`${from} -> ${to}`)
  }
  const flow = (service: string, steps: Parameters<typeof walk>[0]): void => {
    for (const step of walk(steps)) {
      if ('target' in step) add(service, step.target.component)
      if ('via' in step) add(service, step.via.component)
    }
  }
  for (const request of Object.values(topology.requests)) {
    const way = [...request.enter, request.serve]
    for (let i = 1; i < way.length; i++) add(way[i - 1] as string, way[i] as string)
  }
  for (const component of Object.values(topology.components)) {
    if (component.role === 'balancer') for (const { component: to } of component.upstreams) add(component.id, to)
    if (component.role !== 'service') continue
    for (const pool of Object.values(component.pools)) add(component.id, pool.to.component)
    if (component.consumes !== undefined) add(component.id, component.consumes.component)
    flow(component.id, component.flow)
    for (const operation of Object.values(component.operations)) flow(component.id, operation.flow)
  }
  for (const request of Object.values(topology.requests)) flow(request.serve, request.flow)
  return [...edges]
}

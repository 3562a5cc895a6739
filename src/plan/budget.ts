/** What machines need in memory, and what passes over the network to and from each component, at the declared traffic. */
import type { Placement } from '../result/placement.js'
import { type Step, walk } from '../topology/flow.js'
import type { Component, Topology } from '../topology/types.js'
import type { Operation } from './operation.js'
import type { CapacityPlan, MemoryPlan, NetworkPlan } from './types.js'

/** Bytes of one instance: with as many requests in hand as there are on average, and as there may be; undefined: nothing says. */
export const instanceMemory = (
  component: Component,
  inFlight: number,
): { readonly mean: number; readonly most: number } | undefined => {
  const { memoryBaseBytes, memoryPerRequestBytes = 0 } = component.resources
  if (component.role === 'store') {
    const bytes = component.memoryBytes ?? memoryBaseBytes
    return bytes === undefined ? undefined : { mean: bytes, most: bytes }
  }
  if (memoryBaseBytes === undefined) return undefined
  const most = component.role === 'service' ? (component.maxInFlight ?? component.slots) : 0
  return {
    mean: memoryBaseBytes + memoryPerRequestBytes * inFlight,
    most: memoryBaseBytes + memoryPerRequestBytes * Math.max(most, inFlight),
  }
}

/** By machine that has a declared memory: what the instances there take. */
export const memoryPlans = (
  topology: Topology,
  placement: Placement,
  inFlightOf: (component: string) => number,
): Readonly<Record<string, MemoryPlan>> =>
  Object.fromEntries(
    Object.entries(placement.hosts).flatMap(([machine, { memoryBytes }]): readonly [string, MemoryPlan][] => {
      if (memoryBytes === undefined) return []
      let mean = 0
      let most = 0
      const unknown = new Set<string>()
      for (const [id, { host }] of Object.entries(placement.instances)) {
        if (host !== machine || id === 'generator') continue
        const component = topology.components[id.split('/')[0] ?? '']
        if (component === undefined) continue
        const memory = instanceMemory(component, inFlightOf(component.id))
        if (memory === undefined) unknown.add(component.id)
        mean += memory?.mean ?? 0
        most += memory?.most ?? 0
      }
      return [[machine, { memoryBytes, meanBytes: mean, mostBytes: most, unknown: [...unknown] }]]
    }),
  )

/** Requests in hand at one instance on average. */
export const inFlightAt =
  (operation: Operation) =>
  (id: string): number => {
    const component = operation.topology.components[id]
    const seconds = operation.solved.residences.services.get(id) ?? 0
    const value = (operation.ratePerSecond * seconds) / Math.max(1, component?.replicas ?? 1)
    return Number.isFinite(value) ? value : 0
  }

/** The value that a step reads or writes: of its data set; undefined: nothing says. */
const valueBytes = (topology: Topology, step: Step): number | undefined => {
  if (!('key' in step) || step.key === undefined) return undefined
  return topology.data[step.key]?.bytes
}

/**
 * Bytes per second by component: requests and answers of what clients send through balancers and services, values that steps read from stores and write
 * to them. Protocol overhead, replication and steps without a data set are not in it.
 */
export const networkPlans = (
  topology: Topology,
  plan: Pick<CapacityPlan, 'requests' | 'demand'>,
): Readonly<Record<string, NetworkPlan>> => {
  const flows = new Map<string, { received: number; sent: number }>()
  const add = (id: string, received: number, sent: number): void => {
    const flow = flows.get(id) ?? { received: 0, sent: 0 }
    flows.set(id, { received: flow.received + received, sent: flow.sent + sent })
  }
  for (const request of Object.values(topology.requests)) {
    const rate = plan.requests[request.id]?.arrivalRatePerSecond ?? 0
    for (const id of [...request.enter, request.serve]) add(id, rate * request.bytes.in, rate * request.bytes.out)
    for (const step of walk(request.flow)) {
      const row = plan.demand.steps[step.id]
      const bytes = valueBytes(topology, step)
      if (row === undefined || bytes === undefined) continue
      if (step.kind === 'lookup')
        add(step.target.component, (row.missesPerSecond ?? 0) * bytes, (row.hitsPerSecond ?? 0) * bytes)
      else if (step.kind === 'query') add(step.target.component, 0, row.executionsPerSecond * bytes)
      else if (step.kind === 'write') add(step.target.component, row.executionsPerSecond * bytes, 0)
    }
  }
  return Object.fromEntries(
    [...flows].flatMap(([id, { received, sent }]) =>
      received + sent === 0 ? [] : [[id, { receivedBytesPerSecond: received, sentBytesPerSecond: sent }]],
    ),
  )
}

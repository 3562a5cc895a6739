/** Faults of the ways between components, and of who answers there. */
import type { Fault } from '../../../experiment/types.js'
import type { StoreComponent } from '../../../topology/types.js'
import type { Impairment } from '../../network.js'
import type { Endpoint } from '../endpoint.js'
import { type FaultContext, parameter, type SimulatedFault, type Struck, undoneBy } from './kind.js'
import { endpointsOf, instancesOf } from './targets.js'

/** Of an edge; of a component: all ways to it. */
const impairing = (impairmentOf: (fault: Fault) => Impairment): SimulatedFault => ({
  strike: (fault, context) => strikeWays(fault, context, impairmentOf(fault)),
})

const strikeWays = (fault: Fault, { system }: FaultContext, impairment: Impairment): Struck => {
  const { transit } = system.kernel
  const { target } = fault
  if (target.kind === 'edge') transit.strike(target.from, target.to, impairment)
  else if (target.kind === 'component') transit.strike(undefined, target.component, impairment)
  return undoneBy(() => transit.relieve(impairment))
}

/** At most so many partitions have a bit of their own; beyond they share them. */
const islandBits = 30

/**
 * Nothing passes between the inside and the outside. Of a replicated store that is cut in two, the smaller part (of equal ones the inside) is out
 * of the others' reach.
 */
const isolate = (fault: Fault, context: FaultContext): Struck => {
  const { system } = context
  const { transit } = system.kernel
  const inside = endpointsOf(instancesOf(fault.target, context), context)
  const bit = 1 << (system.partitions++ % islandBits)
  transit.isolate(inside, bit)
  const unheard = cutOff(new Set(inside), context)
  for (const endpoint of unheard) endpoint.station.lost?.(endpoint, 'unheard')
  return undoneBy(() => {
    transit.rejoin(inside, bit)
    for (const endpoint of unheard) if (endpoint.state === 'up') endpoint.station.back?.(endpoint)
  })
}

const cutOff = (inside: ReadonlySet<Endpoint>, { system }: FaultContext): readonly Endpoint[] =>
  [...system.replications.keys()].flatMap((store) => {
    const { endpoints } = system.member(store)
    const within = endpoints.filter((endpoint) => inside.has(endpoint))
    const without = endpoints.filter((endpoint) => !inside.has(endpoint))
    if (within.length === 0 || without.length === 0) return []
    return within.length > without.length ? without : within
  })

const storeOf = ({ target }: Fault, context: FaultContext): StoreComponent | undefined => {
  if (target.kind !== 'component' && target.kind !== 'instance') return undefined
  const { component } = context.system.member(target.component)
  return component.role === 'store' ? component : undefined
}

export const wayFaults = {
  latency: impairing((fault) => ({
    addSeconds: parameter(fault, 'add'),
    jitterSeconds: parameter(fault, 'jitter'),
  })),
  jitter: impairing((fault) => ({ upToSeconds: parameter(fault, 'add') })),
  loss: impairing((fault) => ({ lossShare: parameter(fault, 'share') })),
  bandwidth: impairing((fault) => ({ bytesPerSecond: parameter(fault, 'perSecond') })),
  reset: impairing((fault) => ({ resetShare: Number(fault.parameters.share ?? 1) })),
  'dependency-error': impairing((fault) => ({ errorShare: parameter(fault, 'share') })),
  partition: {
    strike: (fault, context) =>
      fault.target.kind === 'edge' ? strikeWays(fault, context, { partitioned: true }) : isolate(fault, context),
  },
  'exhaust-connections': {
    objection: ({ target }, topology) => {
      if (target.kind !== 'component' && target.kind !== 'instance') return undefined
      const component = topology.components[target.component]
      return component?.role === 'store' && component.maxConnections !== undefined
        ? undefined
        : `${target.component} has no maxConnections`
    },
    strike: (fault, context) => {
      const store = storeOf(fault, context)
      const endpoints = endpointsOf(instancesOf(fault.target, context), context)
      const declared = (store?.maxConnections ?? 0) - (store?.reservedConnections ?? 0)
      const leave = parameter(fault, 'leave')
      // Who has a connection keeps it; nobody gets another beyond those that are left by all such faults in force.
      const recount = (endpoint: Endpoint): void => {
        endpoint.maxConnections = Math.min(declared, ...endpoint.leftConnections)
      }
      for (const endpoint of endpoints) {
        endpoint.leftConnections.push(leave)
        recount(endpoint)
      }
      return undoneBy(() => {
        for (const endpoint of endpoints) {
          endpoint.leftConnections.splice(endpoint.leftConnections.indexOf(leave), 1)
          recount(endpoint)
        }
      })
    },
  },
} satisfies Record<string, SimulatedFault>

/** Faults of what caches hold. */
import type { Fault } from '../../../experiment/types.js'
import type { Topology } from '../../../topology/types.js'
import { askedCaches } from '../cached-data.js'
import type { FaultContext, SimulatedFault, Struck } from './kind.js'
import { componentOf, endpointsOf, instancesOf } from './targets.js'

/** The shards whose primary is among the target's instances; a replica holds only what its primary does. */
const shardsOf = (fault: Fault, context: FaultContext): readonly { readonly store: string; readonly shard: number }[] =>
  endpointsOf(instancesOf(fault.target, context), context).flatMap((endpoint) => {
    const store = componentOf(endpoint.instance)
    const shard = context.system.member(store).roles.primary?.indexOf(endpoint) ?? -1
    return shard < 0 ? [] : [{ store, shard }]
  })

const over: Struck = {
  undo: (done) => done(),
  untilOver: (done) => done(),
}

const nobodyAsks = ({ target }: Fault, topology: Topology): string | undefined => {
  if (target.kind !== 'component' && target.kind !== 'instance') return undefined
  const { component } = target
  return askedCaches(topology).has(component) ? undefined : `no lookup asks ${component}, so nothing is cached there`
}

export const cacheFaults = {
  flush: {
    objection: ({ target }, topology) => {
      if (target.kind !== 'component' && target.kind !== 'instance') return undefined
      const { engine } = topology.components[target.component] ?? {}
      return engine === 'redis' ? undefined : `${target.component} (${engine}) is not a cache`
    },
    strike: (fault, context) => {
      const { system } = context
      for (const { store, shard } of shardsOf(fault, context)) {
        system.member(store).contents[shard]?.flush()
        system.state.flushed(store, shard)
        system.messaging?.queues.get(store)?.flushed(shard)
      }
      return over
    },
  },
  expire: {
    objection: nobodyAsks,
    strike: (fault, context) => {
      const share = Number(fault.parameters.share ?? 1)
      for (const { store, shard } of shardsOf(fault, context))
        context.system.member(store).contents[shard]?.expireShare(share)
      return over
    },
  },
} satisfies Record<string, SimulatedFault>

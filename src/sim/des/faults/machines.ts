/** Faults of machines: something else takes their cores, their memory, their disks. */
import { topologyPlacement } from '../../../catalog/placement.js'
import type { Fault, FaultTarget } from '../../../experiment/types.js'
import type { Topology } from '../../../topology/types.js'
import { Cores } from '../cores.js'
import type { Endpoint } from '../endpoint.js'
import { type FaultContext, parameter, type SimulatedFault, undoneBy } from './kind.js'
import { componentOf, endpointsOf, instancesOf } from './targets.js'

/** The cores that the target's processes run on; of a host all that runs there. */
const coresOf = (fault: Fault, context: FaultContext): readonly Cores[] => {
  const cores = instancesOf(fault.target, context).map((instance) => context.machines.coresOf(instance))
  return [...new Set(cores)].filter((each) => each instanceof Cores)
}

/** Components whose processes the target means, as the topology places them. */
const componentsOf = (target: FaultTarget, topology: Topology): readonly string[] => {
  if (target.kind === 'component' || target.kind === 'instance') return [target.component]
  if (target.kind !== 'host') return []
  const base = target.host.split('/')[0]
  return Object.values(topology.components).flatMap(({ id, host }) => (host === base ? [id] : []))
}

const writesToDisk = (component: string, topology: Topology): boolean => {
  const store = topology.components[component]
  return store?.role === 'store' && store.persistence !== 'none'
}

/** Redis and Kafka hand what they persist to the kernel, and wait for no disk. */
const waitsForDisk = (component: string, topology: Topology): boolean => {
  const store = topology.components[component]
  return store?.role === 'store' && store.persistence === 'disk' && store.engine !== 'kafka'
}

/** A disk that nobody uses cannot hurt anybody. */
const hasDisk =
  (uses: typeof writesToDisk, what: string) =>
  ({ target }: Fault, topology: Topology): string | undefined => {
    const components = componentsOf(target, topology)
    if (components.some((component) => uses(component, topology))) return undefined
    return components.length === 0 ? 'nothing runs there' : `${components.join(', ')}: ${what}`
  }

const disksOf = (fault: Fault, context: FaultContext, uses: typeof writesToDisk): readonly Endpoint[] =>
  endpointsOf(
    instancesOf(fault.target, context).filter((id) => uses(componentOf(id), context.system.topology)),
    context,
  )

/** How much memory an instance takes: what its component declares. */
const memoryOf = (endpoints: readonly Endpoint[], topology: Topology): number => {
  const [first] = endpoints
  const component = first === undefined ? undefined : topology.components[first.station.component]
  if (component === undefined || endpoints.every(({ state }) => state === 'down')) return 0
  const { memoryBaseBytes = 0, memoryPerRequestBytes = 0 } = component.resources
  const calls = endpoints.reduce((sum, endpoint) => sum + endpoint.calls, 0)
  const held = component.role === 'store' ? (component.memoryBytes ?? 0) : 0
  return Math.max(memoryBaseBytes, held) + memoryPerRequestBytes * calls
}

const checkSeconds = 1

export const machineFaults = {
  cpu: {
    objection: ({ target }, topology) =>
      componentsOf(target, topology).every((id) => topology.components[id]?.role === 'external')
        ? 'no machine of ours runs it'
        : undefined,
    strike: (fault, context) => {
      const share = parameter(fault, 'share')
      const cores = coresOf(fault, context)
      for (const each of cores) each.steal(share)
      return undoneBy(() => {
        for (const each of cores) each.giveBack(share)
      })
    },
  },
  memory: {
    objection: ({ target }, topology) => {
      const { hosts, instances } = topologyPlacement(topology)
      const components = new Set(componentsOf(target, topology))
      const known = Object.entries(instances).some(
        ([id, { host }]) => components.has(componentOf(id)) && hosts[host]?.memoryBytes !== undefined,
      )
      return known ? undefined : 'the memory of its machines is not declared (hosts.<name>.memory)'
    },
    strike: (fault, context) => {
      const { system, lifecycle } = context
      const { instances: placed, hosts } = topologyPlacement(system.topology)
      const struck = new Set(instancesOf(fault.target, context).map((id) => placed[id]?.host ?? ''))
      let inForce = true
      /** When memory runs out, the kernel kills the largest process. */
      const check = (): void => {
        if (!inForce) return
        for (const host of struck) {
          const limit = hosts[host]?.memoryBytes
          if (limit === undefined) continue
          for (;;) {
            const there = Object.keys(placed)
              .filter((id) => placed[id]?.host === host)
              .map((id) => ({ id, bytes: memoryOf(endpointsOf([id], context), system.topology) }))
              .filter(({ bytes }) => bytes > 0)
              .sort((a, b) => b.bytes - a.bytes)
            const used = there.reduce((sum, { bytes }) => sum + bytes, parameter(fault, 'size'))
            const [largest] = there
            if (used <= limit || largest === undefined) break
            lifecycle.kill(largest.id, system.topology.components[componentOf(largest.id)]?.restartAfterSeconds)
          }
        }
        lifecycle.after(checkSeconds, check)
      }
      check()
      return undoneBy(() => {
        inForce = false
      })
    },
  },
  'disk-full': {
    objection: hasDisk(writesToDisk, 'nothing there is kept on a disk'),
    strike: (fault, context) => {
      const disks = disksOf(fault, context, writesToDisk)
      for (const endpoint of disks) endpoint.fullDisks += 1
      return undoneBy(() => {
        for (const endpoint of disks) endpoint.fullDisks -= 1
      })
    },
  },
  'slow-disk': {
    objection: hasDisk(waitsForDisk, 'nothing there waits for a disk'),
    strike: (fault, context) => {
      const disks = disksOf(fault, context, waitsForDisk)
      const seconds = parameter(fault, 'add')
      for (const endpoint of disks) endpoint.diskSeconds += seconds
      return undoneBy(() => {
        for (const endpoint of disks) endpoint.diskSeconds = Math.max(0, endpoint.diskSeconds - seconds)
      })
    },
  },
} satisfies Record<string, SimulatedFault>

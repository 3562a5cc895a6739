/** The instances of a topology as processes: their folders, ports and what each is told of the others. */
import { bindingsOf } from '../../../catalog/postgres/bindings.js'
import type { Address, Engine, LiveContext, LiveFacet, Members } from '../../../contract/engine.js'
import type { Binding } from '../../../contract/workload.js'
import type { InstancePlacement, Placement } from '../../../result/placement.js'
import type { Component, ComponentId, Topology } from '../../../topology/types.js'
import { instancePaths } from '../paths.js'
import { type Pin, pinOf } from '../runtime.js'

const loopback = '127.0.0.1'
export const localHost = 'local'

export interface PlannedInstance {
  readonly id: string
  readonly component: Component
  readonly index: number
  readonly facet: LiveFacet
  readonly folder: string
  readonly logFile: string
  readonly ports: readonly number[]
  readonly adminPorts: readonly number[]
}

export const planInstances = (
  topology: Topology,
  facets: ReadonlyMap<string, LiveFacet>,
  systemFolder: string,
  nextPort: () => number,
): readonly PlannedInstance[] =>
  Object.values(topology.components).flatMap((component) => {
    const facet = facets.get(component.engine)
    if (facet === undefined) return []
    return Array.from({ length: component.replicas }, (_, index) => {
      const processes = facet.processes(component, topology)
      return {
        id: `${component.id}/${index}`,
        component,
        index,
        facet,
        ...instancePaths(systemFolder, component.id, index),
        ports: Array.from({ length: processes }, nextPort),
        adminPorts: Array.from({ length: processes }, nextPort),
      }
    })
  })

/** Two for each process: one for the traffic, one for status pages. */
export const portsNeeded = (topology: Topology, facets: ReadonlyMap<string, LiveFacet>): number =>
  Object.values(topology.components).reduce(
    (sum, component) =>
      sum + 2 * component.replicas * (facets.get(component.engine)?.processes(component, topology) ?? 0),
    0,
  )

export interface SharedContext {
  readonly topology: Topology
  readonly instances: readonly PlannedInstance[]
  readonly programs: Readonly<Record<string, string>>
  readonly seed: number
  readonly packageFolder: string
  readonly secret: string
  /** What `prepare` of each component told; filled as the components become ready. */
  readonly prepared: ReadonlyMap<ComponentId, Partial<Binding>>
  /** Of stores with copies, as they are at present. */
  readonly roles: ReadonlyMap<ComponentId, Members>
}

export const contextOf = (instance: PlannedInstance, shared: SharedContext): LiveContext => {
  const addressesAt = (component: string, of: 'ports' | 'adminPorts'): readonly Address[] =>
    shared.instances
      .filter((other) => other.component.id === component)
      .flatMap((other) => other[of].map((port) => ({ instance: other.id, host: loopback, port })))
  const addresses = (component: string): readonly Address[] => addressesAt(component, 'ports')
  const listens = instance.ports.map((port) => ({ host: loopback, port }))
  return {
    topology: shared.topology,
    component: instance.component,
    index: instance.index,
    listen: { host: loopback, port: instance.ports[0] ?? 0 },
    listens,
    addresses,
    folder: instance.folder,
    programs: shared.programs,
    adminPorts: instance.adminPorts,
    adminAddresses: (component) => addressesAt(component, 'adminPorts'),
    seed: shared.seed,
    packageFolder: shared.packageFolder,
    secret: shared.secret,
    get members() {
      return shared.roles.get(instance.component.id)
    },
    bindings: () =>
      Object.fromEntries(
        Object.values(shared.topology.components).flatMap((component) =>
          Object.entries(
            bindingsOf(
              component,
              addresses(component.id).map(({ host, port }) => ({ host, port })),
              shared.prepared.get(component.id),
            ),
          ),
        ),
      ),
  }
}

/** Base URLs at which requests enter, by the component that stands outermost. */
export const entriesOf = (
  topology: Topology,
  instances: readonly Pick<PlannedInstance, 'component' | 'ports'>[],
): Readonly<Record<ComponentId, string>> => {
  const outermost = new Set(Object.values(topology.requests).map((request) => request.enter[0] ?? request.serve))
  return Object.fromEntries(
    [...outermost].flatMap((component) => {
      const port = instances.find((instance) => instance.component.id === component)?.ports[0]
      return port === undefined ? [] : [[component, `http://${loopback}:${port}`]]
    }),
  )
}

/** Everything on this machine, the load generator included. */
export const placementOf = (
  instances: readonly PlannedInstance[],
  machine: { readonly cores: number; readonly memoryBytes: number },
  pin: Pin | undefined,
): Placement => {
  const on = (cores: readonly number[] | undefined, eventLoops: number | undefined): InstancePlacement => ({
    host: localHost,
    ...(cores === undefined ? {} : { pin: cores }),
    ...(eventLoops === undefined ? {} : { eventLoops }),
  })
  return {
    hosts: { [localHost]: { cpu: machine.cores, memoryBytes: machine.memoryBytes } },
    instances: {
      ...Object.fromEntries(
        instances.map(({ id, component, facet }) => [id, on(pinOf(pin, component.id), facet.eventLoops(component))]),
      ),
      generator: on(pin?.generator, undefined),
    },
    origin: 'runtime',
  }
}

export const engineNames = (topology: Topology): ReadonlySet<string> =>
  new Set(Object.values(topology.components).map(({ engine }) => engine))

export type Engines = ReadonlyMap<string, Engine>

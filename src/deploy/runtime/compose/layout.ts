/** The instances of a topology as containers: on which ports plimsoll reaches them. */
import { watchedBy } from '../../../catalog/metrics.js'
import type { LiveContext, LiveFacet, Members } from '../../../contract/engine.js'
import type { Component, ComponentId, Topology } from '../../../topology/types.js'
import type { AddressPlan, SideCar, Unit } from '../../generate/address-plan.js'
import { databaseUser, statusPort } from '../../generate/container.js'
import { instancePaths } from '../paths.js'

const loopback = '127.0.0.1'

/** An exporter and the port of loopback that it is published on. */
export interface PlannedExporter extends SideCar {
  readonly publishedPort: number
}

export interface PlannedContainers {
  readonly id: string
  readonly component: Component
  readonly index: number
  readonly facet: LiveFacet
  readonly units: readonly Unit[]
  /** On loopback, one for each unit. */
  readonly ports: readonly number[]
  /** For nginx' status page; empty for all others. */
  readonly adminPorts: readonly number[]
  /** Of a Prometheus: all that it asks, in order; those that it is the watcher of are part of the instance. */
  readonly exporters: readonly PlannedExporter[]
  readonly logFile: string
}

const hasStatusPage = ({ component }: Unit): boolean => component.engine === 'nginx'

/** One for each unit, for each status page, and for each exporter. */
export const portsNeeded = ({ units, exporters }: AddressPlan): number =>
  units.length + units.filter(hasStatusPage).length + exporters.length

export const planContainers = (
  topology: Topology,
  plan: AddressPlan,
  facets: ReadonlyMap<string, LiveFacet>,
  systemFolder: string,
  nextPort: () => number,
): readonly PlannedContainers[] => {
  const { units } = plan
  const exporters = plan.exporters.map((sideCar): PlannedExporter => ({ ...sideCar, publishedPort: nextPort() }))
  return units
    .filter(({ process }) => process === 0)
    .flatMap(({ component, index, address }) => {
      const facet = facets.get(component.engine)
      if (facet === undefined) return []
      const own = units.filter(({ address: { instance } }) => instance === address.instance)
      const watched = component.role === 'monitor' ? watchedBy(topology, component) : []
      return {
        id: address.instance,
        component,
        index,
        facet,
        units: own,
        ports: own.map(nextPort),
        adminPorts: own.filter(hasStatusPage).map(nextPort),
        exporters: exporters.filter(({ server }) => watched.includes(server.component)),
        logFile: instancePaths(systemFolder, component.id, index).logFile,
      }
    })
}

/** The exporters that are part of the instance. */
export const ownExporters = ({ id, exporters }: PlannedContainers): readonly PlannedExporter[] =>
  exporters.filter(({ watcher }) => watcher.address.instance === id)

/** `127.0.0.1:21000:8080` by the name of the unit, as compose writes it. An exporter's is its server's. */
export const publishedPorts = (planned: readonly PlannedContainers[]): ReadonlyMap<string, readonly string[]> => {
  const exporters = planned.flatMap(ownExporters)
  return new Map(
    planned.flatMap(({ units, ports, adminPorts }) =>
      units.map((unit, i): [string, readonly string[]] => [
        unit.name,
        [
          `${loopback}:${ports[i]}:${unit.address.port}`,
          ...(hasStatusPage(unit) ? [`${loopback}:${adminPorts[i]}:${statusPort}`] : []),
          ...exporters
            .filter(({ server }) => server.name === unit.name)
            .map(({ publishedPort, exporter }) => `${loopback}:${publishedPort}:${exporter.port}`),
        ],
      ]),
    ),
  )
}

export interface SharedContext {
  readonly topology: Topology
  readonly plan: AddressPlan
  readonly folder: string
  readonly seed: number
  readonly packageFolder: string
  readonly secret: string
  readonly planned: readonly PlannedContainers[]
  /** Of stores with copies, as they are at present. */
  readonly roles: ReadonlyMap<ComponentId, Members>
}

export const contextOf = (
  { component, index, ports, adminPorts, exporters }: PlannedContainers,
  shared: SharedContext,
  cpuSeconds: () => number,
): LiveContext => ({
  topology: shared.topology,
  component,
  index,
  listen: { host: loopback, port: ports[0] ?? 0 },
  listens: [...ports, ...exporters.map(({ publishedPort }) => publishedPort)].map((port) => ({ host: loopback, port })),
  addresses: shared.plan.addresses,
  reachedAt: (id) =>
    shared.planned
      .filter((other) => other.component.id === id)
      .flatMap((other) => other.ports.map((port) => ({ instance: other.id, host: loopback, port }))),
  get members() {
    return shared.roles.get(component.id)
  },
  folder: shared.folder,
  programs: {},
  adminPorts,
  seed: shared.seed,
  packageFolder: shared.packageFolder,
  secret: shared.secret,
  superuser: databaseUser,
  cpuSeconds,
  // Written into what the containers mount, from the address plan.
  bindings: () => ({}),
})

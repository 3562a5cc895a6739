/** The instances of a topology as containers: on which ports plimsoll reaches them. */
import type { LiveContext, LiveFacet } from '../../../contract/engine.js'
import type { Component, Topology } from '../../../topology/types.js'
import type { AddressPlan, Unit } from '../../generate/address-plan.js'
import { databaseUser, statusPort } from '../../generate/compose-service.js'
import { instancePaths } from '../paths.js'

const loopback = '127.0.0.1'

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
  readonly logFile: string
}

const hasStatusPage = ({ component }: Unit): boolean => component.engine === 'nginx'

/** One for each unit, and one for each status page. */
export const portsNeeded = ({ units }: AddressPlan): number => units.length + units.filter(hasStatusPage).length

export const planContainers = (
  { units }: AddressPlan,
  facets: ReadonlyMap<string, LiveFacet>,
  systemFolder: string,
  nextPort: () => number,
): readonly PlannedContainers[] =>
  units
    .filter(({ process }) => process === 0)
    .flatMap(({ component, index, address }) => {
      const facet = facets.get(component.engine)
      if (facet === undefined) return []
      const own = units.filter(({ address: { instance } }) => instance === address.instance)
      return {
        id: address.instance,
        component,
        index,
        facet,
        units: own,
        ports: own.map(nextPort),
        adminPorts: own.filter(hasStatusPage).map(nextPort),
        logFile: instancePaths(systemFolder, component.id, index).logFile,
      }
    })

/** `127.0.0.1:21000:8080` by the name of the unit, as compose writes it. */
export const publishedPorts = (planned: readonly PlannedContainers[]): ReadonlyMap<string, readonly string[]> =>
  new Map(
    planned.flatMap(({ units, ports, adminPorts }) =>
      units.map((unit, i): [string, readonly string[]] => [
        unit.name,
        [
          `${loopback}:${ports[i]}:${unit.address.port}`,
          ...(hasStatusPage(unit) ? [`${loopback}:${adminPorts[i]}:${statusPort}`] : []),
        ],
      ]),
    ),
  )

export interface SharedContext {
  readonly topology: Topology
  readonly plan: AddressPlan
  readonly folder: string
  readonly seed: number
  readonly packageFolder: string
  readonly secret: string
}

export const contextOf = (
  { component, index, ports, adminPorts }: PlannedContainers,
  shared: SharedContext,
  cpuSeconds: () => number,
): LiveContext => ({
  topology: shared.topology,
  component,
  index,
  listen: { host: loopback, port: ports[0] ?? 0 },
  listens: ports.map((port) => ({ host: loopback, port })),
  addresses: shared.plan.addresses,
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

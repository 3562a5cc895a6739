/**
 * Fixed addresses in a network of the system's own. nginx resolves the names of an upstream once, when it starts, and
 * neither starts nor tests a configuration (`nginx -t`) whose names do not resolve; an address survives the re-creation
 * of a container and needs no resolver. See docs/adr/0010.
 */
import { createHash } from 'node:crypto'
import { grafanaPort } from '../../catalog/grafana/config.js'
import { metricsOf, watchedBy } from '../../catalog/metrics.js'
import { roleInstances } from '../../catalog/placement.js'
import { prometheusPort } from '../../catalog/prometheus/config.js'
import { eventLoopsOf } from '../../catalog/service/processes.js'
import type { Address, Exporter } from '../../contract/engine.js'
import { invalidInput } from '../../lib/errors.js'
import { instanceCount } from '../../topology/instances.js'
import type { Component, Topology } from '../../topology/types.js'

/** Where each engine listens inside its container. */
const ports: Readonly<Record<string, number>> = {
  nginx: 8080,
  service: 8080,
  redis: 6379,
  postgres: 5432,
  prometheus: prometheusPort,
  grafana: grafanaPort,
}
const defaultPort = 8080

/** One process of an instance: a container. */
export interface Unit {
  readonly component: Component
  /** Of the instance. */
  readonly index: number
  /** Of the process within the instance. */
  readonly process: number
  readonly processes: number
  /** `app-0`, or `app-0-1` for the second process: also the container's host name. */
  readonly name: string
  readonly address: Address
}

/** A container beside that of a server, in its network: asks it on loopback and is asked at its address. */
export interface SideCar {
  /** `db-0-exporter` */
  readonly name: string
  readonly exporter: Exporter
  readonly server: Unit
  /** The first Prometheus that asks it: what watching costs is on its account. */
  readonly watcher: Unit
}

export interface AddressPlan {
  /** `10.x.y.0/24`, or a /16 when there are more containers. */
  readonly subnet: string
  readonly units: readonly Unit[]
  readonly exporters: readonly SideCar[]
  readonly addresses: (component: string, role?: string) => readonly Address[]
}

/** Processes per instance: the workload service is one container for each event loop, everything else is one. */
const processesOf = (component: Component): number =>
  component.role === 'service' && component.image === undefined && component.command === undefined
    ? eventLoopsOf(component)
    : 1

/** The first addresses of a network belong to its gateway and to Docker. */
const firstHost = 10
const hostsOfSmallNetwork = 240

const unitName = (component: string, index: number, process: number): string =>
  process === 0 ? `${component}-${index}` : `${component}-${index}-${process}`

/** The second and third number of a network `10.x.y.0`. */
export type NetworkNumber = readonly [second: number, third: number]

/** From the name alone, so that the addresses stay when the topology changes. */
const networkOf = (name: string): NetworkNumber => {
  const digest = createHash('sha256').update(name).digest()
  return [64 + ((digest[0] ?? 0) % 128), digest[1] ?? 0]
}

/** What watches is no instance of any model, and yet a container. */
const containerCount = (component: Component): number =>
  component.role === 'monitor' && Object.hasOwn(ports, component.engine) ? component.replicas : instanceCount(component)

const exportersOf = (topology: Topology, units: readonly Unit[]): readonly SideCar[] => {
  const watchers = units.filter(({ component, index }) => component.engine === 'prometheus' && index === 0)
  return units.flatMap((server) => {
    const exporter = metricsOf(server.component.engine)?.exporter
    const watcher = watchers.find(
      ({ component }) => component.role === 'monitor' && watchedBy(topology, component).includes(server.component),
    )
    return exporter === undefined || watcher === undefined
      ? []
      : [{ name: `${server.name}-exporter`, exporter, server, watcher }]
  })
}

/** `network`: where the topology's own is taken. */
export const addressPlan = (topology: Topology, network: NetworkNumber = networkOf(topology.name)): AddressPlan => {
  const components = Object.values(topology.components)
  // Last: whoever is watched keeps its address.
  const watched = components.filter(({ role }) => role !== 'monitor')
  const slots = [...watched, ...components.filter(({ role }) => role === 'monitor')].flatMap((component) =>
    Array.from({ length: containerCount(component) }, (_, index) =>
      Array.from({ length: processesOf(component) }, (_, process) => ({ component, index, process })),
    ).flat(),
  )
  if (slots.length > 65_000)
    throw invalidInput({ message: `${slots.length} containers: a network of this kind has room for 65000` })
  const [second, third] = network
  const small = slots.length <= hostsOfSmallNetwork
  const ip = (n: number): string => {
    const host = n + firstHost
    return small ? `10.${second}.${third}.${host}` : `10.${second}.${Math.floor(host / 256)}.${host % 256}`
  }
  const units = slots.map(
    ({ component, index, process }, n): Unit => ({
      component,
      index,
      process,
      processes: processesOf(component),
      name: unitName(component.id, index, process),
      address: {
        instance: `${component.id}/${index}`,
        host: ip(n),
        port: ports[component.engine] ?? defaultPort,
      },
    }),
  )
  return {
    subnet: small ? `10.${second}.${third}.0/24` : `10.${second}.0.0/16`,
    units,
    exporters: exportersOf(topology, units),
    addresses: (id, role) => {
      const component = topology.components[id]
      if (component === undefined) return []
      const wanted = role === undefined ? undefined : new Set(roleInstances(component, role))
      return units
        .filter((unit) => unit.component.id === id && (wanted === undefined || wanted.has(unit.index)))
        .map(({ address }) => address)
    },
  }
}

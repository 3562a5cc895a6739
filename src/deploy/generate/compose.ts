/** docker-compose.yml: one container per process of each instance, health-gated, in a network of its own. */
import { stringify } from 'yaml'
import { generatedHeader } from '../../catalog/header.js'
import type { Topology } from '../../topology/types.js'
import { type AddressPlan, addressPlan, type Unit } from './address-plan.js'
import { exporterService } from './compose-monitor.js'
import { containerOf, hasContainer, notYetInCompose } from './compose-service.js'
import { type Container, literal, type RunFacts, secretsFile } from './container.js'
import { applyPatches, type Json } from './patch.js'

/** The first port on which entry components are published, on loopback only. */
const firstPublishedPort = 8080

/** Compose allows lower-case letters, digits, dashes and underscores in a project's name. */
const projectName = (name: string): string => {
  const text = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
  return text === '' ? 'plimsoll' : text
}

/** The outermost components in the order of the requests, each with the port that it is published on. */
const entryPorts = (topology: Topology): ReadonlyMap<string, number> => {
  const ports = new Map<string, number>()
  for (const { enter, serve } of Object.values(topology.requests)) {
    const entry = enter[0] ?? serve
    if (!ports.has(entry)) ports.set(entry, firstPublishedPort + ports.size)
  }
  return ports
}

/** On loopback, by unit: where requests enter, and where people look; the latter at their usual ports, counted up. */
const publishedPorts = (topology: Topology, plan: AddressPlan): ReadonlyMap<Unit, number> => {
  const entries = entryPorts(topology)
  const published = new Map<Unit, number>()
  for (const unit of plan.units) {
    const { component, index, process, address } = unit
    const entry = entries.get(component.id)
    if (component.role === 'monitor') {
      const before = plan.units.filter((other) => other.component.engine === component.engine && published.has(other))
      published.set(unit, address.port + before.length)
    } else if (entry !== undefined && index === 0 && process === 0) published.set(unit, entry)
  }
  return published
}

const mebibytes = (bytes: number): string => `${Math.max(6, Math.ceil(bytes / 1024 / 1024))}M`

/** Memory that the container may use: what a service declares, or a store's data and half of it again for the rest. */
const memoryLimit = ({ component }: Unit): number | undefined => {
  const { memoryBaseBytes, memoryPerRequestBytes } = component.resources
  if (memoryBaseBytes !== undefined) {
    const inFlight = component.role === 'service' ? (component.maxInFlight ?? 0) : 0
    return memoryBaseBytes + (memoryPerRequestBytes ?? 0) * inFlight
  }
  return component.role === 'store' && component.memoryBytes !== undefined
    ? component.memoryBytes * 1.5 + 64 * 1024 * 1024
    : undefined
}

const limits = (unit: Unit): { readonly [key: string]: Json } => {
  const memory = memoryLimit(unit)
  const cpu = unit.component.resources.cpu
  if (memory === undefined && cpu === undefined) return {}
  return {
    deploy: {
      resources: {
        limits: {
          // The quota is the instance's; its processes are containers of their own.
          ...(cpu === undefined || cpu <= 0 ? {} : { cpus: String(cpu / unit.processes) }),
          ...(memory === undefined ? {} : { memory: mebibytes(memory / unit.processes) }),
        },
      },
    },
  }
}

const gates = ({ needs }: Container): { readonly [key: string]: Json } =>
  needs.length === 0
    ? {}
    : {
        depends_on: Object.fromEntries(
          needs.map(({ name, component }) => [
            name,
            {
              condition:
                component.role === 'service' && (component.image !== undefined || component.command !== undefined)
                  ? 'service_started'
                  : 'service_healthy',
            },
          ]),
        ),
      }

const labelsOf = (topology: Topology, { component, address }: Unit): { readonly labels: Json } => ({
  labels: {
    'dev.plimsoll.topology': literal(topology.name),
    'dev.plimsoll.component': component.id,
    'dev.plimsoll.instance': address.instance,
  },
})

const composeService = (topology: Topology, unit: Unit, container: Container, published: number | undefined): Json => ({
  ...container.service,
  hostname: unit.name,
  networks: { plimsoll: { ipv4_address: unit.address.host } },
  ...(published === undefined ? {} : { ports: [`127.0.0.1:${published}:${unit.address.port}`] }),
  ...gates(container),
  // Docker restarts at once; `restart.after` is what a runtime of ours adds.
  restart: unit.component.restartAfterSeconds === undefined ? 'no' : 'unless-stopped',
  ...limits(unit),
  ...labelsOf(topology, unit),
})

const volumesOf = (containers: ReadonlyMap<Unit, Container>): { readonly [key: string]: Json } => {
  const names = [...containers.values()].flatMap(({ service }) =>
    (Array.isArray(service.volumes) ? service.volumes : []).flatMap((volume) => {
      const [source = ''] = String(volume).split(':')
      return source.startsWith('.') ? [] : [source]
    }),
  )
  return names.length === 0 ? {} : { volumes: Object.fromEntries(names.map((name) => [name, {}])) }
}

/** Variables of services whose values are secrets, by name. */
const secretNames = (topology: Topology): readonly string[] => {
  const names = new Set(
    Object.values(topology.components).flatMap((component) =>
      component.role === 'service'
        ? Object.entries(component.env ?? {}).flatMap(([name, entry]) => ('secret' in entry ? [name] : []))
        : [],
    ),
  )
  return names.size === 0 ? [] : ['# Secrets of services.', ...[...names].sort().map((name) => `${name}=`)]
}

/** Variables that exporters find passwords in, which may read statistics alone. */
export const exporterSecrets = ({ exporters }: AddressPlan): readonly string[] => [
  ...new Set(exporters.flatMap(({ exporter }) => exporter.passwordVariable ?? [])),
]

const secretsExample = (topology: Topology, plan: AddressPlan): string =>
  [
    `# ${generatedHeader(topology)}`,
    `# Copy to ${secretsFile} (which .gitignore keeps out of the repository) and choose a password; PostgreSQL does not start without.`,
    'POSTGRES_PASSWORD=',
    '# The same again, for the services that connect.',
    'PGPASSWORD=',
    ...exporterSecrets(plan).flatMap((name) => ['# Another one, for who may only read statistics.', `${name}=`]),
    ...Object.values(topology.components).flatMap(({ engine }) =>
      engine === 'grafana' ? ["# Of Grafana's user admin.", 'GF_SECURITY_ADMIN_PASSWORD='] : [],
    ),
    ...secretNames(topology),
    '',
  ].join('\n')

export interface ComposeFiles {
  readonly document: Json
  /** What its containers mount, by path beside it. */
  readonly files: ReadonlyMap<string, string>
}

/** The document, amended as `generate.compose.patches` says, and the files that it names. */
export const composeFiles = (topology: Topology, plan: AddressPlan, run?: RunFacts): ComposeFiles => {
  for (const component of Object.values(topology.components))
    if (component.role === 'external') throw notYetInCompose(topology, component.id)
  const containers = new Map(plan.units.map((unit) => [unit, containerOf({ topology, plan, unit, run })]))
  const published = publishedPorts(topology, plan)
  const document: Json = {
    name: projectName(topology.name),
    services: Object.fromEntries([
      ...[...containers].map(([unit, container]): [string, Json] => [
        unit.name,
        composeService(topology, unit, container, published.get(unit)),
      ]),
      ...plan.exporters.map((sideCar): [string, Json] => [
        sideCar.name,
        { ...exporterService(sideCar, run !== undefined), ...labelsOf(topology, sideCar.watcher) },
      ]),
    ]),
    networks: { plimsoll: { driver: 'bridge', ipam: { config: [{ subnet: plan.subnet }] } } },
    ...volumesOf(containers),
  }
  const patched = applyPatches(document, topology.generate.compose?.patches ?? [], 'generate.compose.patches', (i) =>
    topology.source.locate(['generate', 'compose', 'patches', i]),
  )
  return { document: patched, files: new Map([...containers.values()].flatMap(({ files }) => files)) }
}

export const composeText = (topology: Topology, document: Json): string =>
  `# ${generatedHeader(topology)}\n${stringify(document, { lineWidth: 0, aliasDuplicateObjects: false, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })}`

export const composeTarget = (topology: Topology): ReadonlyMap<string, string> => {
  // A runtime leaves these out, and says so; a file that lacks them would not be of this topology.
  for (const component of Object.values(topology.components))
    if (component.role === 'monitor' && !hasContainer(component)) throw notYetInCompose(topology, component.id)
  const plan = addressPlan(topology)
  const { document, files } = composeFiles(topology, plan)
  return new Map([
    ['docker-compose.yml', composeText(topology, document)],
    ...files,
    ['.gitignore', `# ${generatedHeader(topology)}\n${secretsFile}\n`],
    [`${secretsFile}.example`, secretsExample(topology, plan)],
  ])
}

/** docker-compose.yml: one container per process of each instance, health-gated, in a network of its own. */
import { stringify } from 'yaml'
import { generatedHeader } from '../../catalog/header.js'
import type { Topology } from '../../topology/types.js'
import { type AddressPlan, addressPlan, type Unit } from './address-plan.js'
import { type Container, containerOf, literal, notYetInCompose, type RunFacts, secretsFile } from './compose-service.js'
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

/** Outermost components in the order of the requests, each with the port that it is published on. */
const publishedPorts = (topology: Topology): ReadonlyMap<string, number> => {
  const ports = new Map<string, number>()
  for (const { enter, serve } of Object.values(topology.requests)) {
    const entry = enter[0] ?? serve
    if (!ports.has(entry)) ports.set(entry, firstPublishedPort + ports.size)
  }
  return ports
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

const gates = (plan: AddressPlan, container: Container): { readonly [key: string]: Json } => {
  const needed = plan.units.filter(({ component }) => container.needs.includes(component.id))
  return needed.length === 0
    ? {}
    : {
        depends_on: Object.fromEntries(
          needed.map(({ name, component }) => [
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
}

const composeService = (topology: Topology, plan: AddressPlan, unit: Unit, container: Container): Json => {
  const port = publishedPorts(topology).get(unit.component.id)
  const published = port !== undefined && unit.index === 0 && unit.process === 0
  return {
    ...container.service,
    hostname: unit.name,
    networks: { plimsoll: { ipv4_address: unit.address.host } },
    ...(published ? { ports: [`127.0.0.1:${port}:${unit.address.port}`] } : {}),
    ...gates(plan, container),
    // Docker restarts at once; `restart.after` is what a runtime of ours adds.
    restart: unit.component.restartAfterSeconds === undefined ? 'no' : 'unless-stopped',
    ...limits(unit),
    labels: {
      'dev.plimsoll.topology': literal(topology.name),
      'dev.plimsoll.component': unit.component.id,
      'dev.plimsoll.instance': unit.address.instance,
    },
  }
}

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

const secretsExample = (topology: Topology): string =>
  [
    `# ${generatedHeader(topology)}`,
    `# Copy to ${secretsFile} (which .gitignore keeps out of the repository) and choose a password; PostgreSQL does not start without.`,
    'POSTGRES_PASSWORD=',
    '# The same again, for the services that connect.',
    'PGPASSWORD=',
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
    if (component.role === 'external' || component.role === 'monitor') throw notYetInCompose(topology, component.id)
  const containers = new Map(plan.units.map((unit) => [unit, containerOf({ topology, plan, unit, run })]))
  const document: Json = {
    name: projectName(topology.name),
    services: Object.fromEntries(
      [...containers].map(([unit, container]) => [unit.name, composeService(topology, plan, unit, container)]),
    ),
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
  const { document, files } = composeFiles(topology, addressPlan(topology))
  return new Map([
    ['docker-compose.yml', composeText(topology, document)],
    ...files,
    ['.gitignore', `# ${generatedHeader(topology)}\n${secretsFile}\n`],
    [`${secretsFile}.example`, secretsExample(topology)],
  ])
}

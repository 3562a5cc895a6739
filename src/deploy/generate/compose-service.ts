/** One container of docker-compose.yml, and the files that it mounts, by engine. */

import { generatedHeader } from '../../catalog/header.js'
import { nginxArgs, nginxConf, nginxHealthPath } from '../../catalog/nginx/config.js'
import { postgresSettings } from '../../catalog/postgres/config.js'
import { fillStatement, schemaStatements, tablesOf } from '../../catalog/postgres/schema.js'
import { redisConf } from '../../catalog/redis/config.js'
import type { Binding, ServiceConfig } from '../../contract/workload.js'
import { notYet } from '../../lib/errors.js'
import type { ComponentId, ServiceComponent, StoreComponent, Topology } from '../../topology/types.js'
import type { AddressPlan, Unit } from './address-plan.js'
import { containerContext } from './context.js'
import { nginxFile } from './nginx.js'
import type { Json } from './patch.js'

export interface Container {
  /** Keys of the compose service that depend on the engine. */
  readonly service: { readonly [key: string]: Json }
  readonly files: readonly (readonly [path: string, text: string])[]
  /** Components that must be healthy first. */
  readonly needs: readonly string[]
}

export interface ContainerContext {
  readonly topology: Topology
  readonly plan: AddressPlan
  readonly unit: Unit
  /** Absent: the files are written once and run anywhere. */
  readonly run?: RunFacts | undefined
}

/** What is known of a system that a runtime is about to start. */
export interface RunFacts {
  readonly seed: number
  /** Of stores that run already: how fast their machine is. */
  readonly prepared: ReadonlyMap<ComponentId, Partial<Binding>>
}

/** Where nginx shows its status to the machine that it runs on, in a system that a runtime starts. */
export const statusPort = 8081

/** Compose replaces `${…}` and `$…` in every value; a doubled dollar sign is one. */
export const literal = (text: string): string => text.replaceAll('$', '$$$$')

export const images = {
  nginx: 'nginx:1.26',
  redis: 'redis:8',
  postgres: 'postgres:17',
  service: 'plimsoll-service:0.1.0',
} as const

const health = (test: readonly string[], startSeconds: number): Json => ({
  test: [...test],
  interval: '5s',
  timeout: '3s',
  retries: 12,
  start_period: `${Math.max(1, Math.ceil(startSeconds))}s`,
})

/** Read by the containers that need a password; not generated, not to be committed. See secrets.env.example. */
export const secretsFile = 'secrets.env'
const secrets: Json = [{ path: `./${secretsFile}`, required: false }]

const nginxContainer = ({ topology, plan, unit, run }: ContainerContext): Container => {
  const file = '/etc/nginx/nginx.conf'
  const path = nginxFile(topology, unit.component.id)
  return {
    service: {
      image: images.nginx,
      command: ['nginx', ...nginxArgs(file)],
      volumes: [`./${path}:${file}:ro`],
      healthcheck: health(
        ['CMD', 'curl', '-fsS', '-o', '/dev/null', `http://127.0.0.1:${unit.address.port}${nginxHealthPath}`],
        unit.component.startupSeconds,
      ),
    },
    files: [
      [
        path,
        nginxConf(
          containerContext(topology, plan, unit),
          run === undefined ? {} : { admin: { host: '0.0.0.0', port: statusPort, allow: plan.subnet } },
        ),
      ],
    ],
    needs: unit.component.role === 'balancer' ? unit.component.upstreams.map(({ component }) => component) : [],
  }
}

const redisContainer = ({ topology, plan, unit }: ContainerContext): Container => {
  const store = singleStore(topology, unit)
  const file = '/usr/local/etc/redis/redis.conf'
  const path = `redis/${store.id}.conf`
  return {
    service: {
      image: images.redis,
      command: ['redis-server', file],
      volumes: [`./${path}:${file}:ro`, `${unit.name}-data:/data`],
      healthcheck: health(['CMD-SHELL', `redis-cli -p ${unit.address.port} ping | grep -q PONG`], store.startupSeconds),
    },
    files: [[path, redisConf(containerContext(topology, plan, unit, '/data'))]],
    needs: [],
  }
}

export const databaseUser = 'plimsoll'

const postgresContainer = ({ topology, unit }: ContainerContext): Container => {
  const store = singleStore(topology, unit)
  const path = `postgres/${store.id}.sql`
  const settings = postgresSettings(store).flatMap(([name, value]) => [
    '-c',
    `${name}=${value.replace(/^'(.*)'$/, '$1')}`,
  ])
  const fill = [...tablesOf(topology, store.id).values()].flatMap((table) =>
    table.kind === 'data' ? [fillStatement(table.data)] : [],
  )
  return {
    service: {
      image: images.postgres,
      command: ['postgres', ...settings.map(literal)],
      environment: {
        POSTGRES_USER: databaseUser,
        POSTGRES_DB: databaseUser,
        POSTGRES_INITDB_ARGS: '--auth-host=scram-sha-256',
      },
      env_file: secrets,
      volumes: [`./${path}:/docker-entrypoint-initdb.d/10-schema.sql:ro`, `${unit.name}-data:/var/lib/postgresql/data`],
      healthcheck: health(
        [
          'CMD',
          'pg_isready',
          '-h',
          '127.0.0.1',
          '-p',
          String(unit.address.port),
          '-U',
          databaseUser,
          '-d',
          databaseUser,
        ],
        Math.max(10, store.startupSeconds),
      ),
    },
    files: [
      [
        path,
        `-- ${generatedHeader(topology)}\n${[...schemaStatements(topology, store.id), ...fill].map((statement) => `${statement};`).join('\n')}\n`,
      ],
    ],
    needs: [],
  }
}

/** A store with copies needs replication to be set up between them. */
const singleStore = (topology: Topology, { component }: Unit): StoreComponent => {
  if (component.role !== 'store') throw new TypeError(`${component.id} is a ${component.role}`)
  if (component.shards !== undefined)
    throw notYet(
      `compose: ${component.engine} with shards`,
      topology.source.locate(['components', component.id, 'shards']),
      'a single instance',
    )
  const key = (['readReplicas', 'replicasPerMaster', 'masters', 'replicas', 'mode'] as const).find((name) =>
    name === 'mode'
      ? component.mode !== 'single'
      : component[name] > (name === 'masters' || name === 'replicas' ? 1 : 0),
  )
  if (key !== undefined)
    throw notYet(
      `compose: ${component.engine} with ${key}: ${component[key]}`,
      topology.source.locate(['components', component.id, key]),
      'a single instance',
    )
  return component
}

/** CPU of declared SQL time is spent in a loop; how fast it runs is measured by a runtime. This stands in until then. */
const nominalIterationsPerSecond = 10_000_000

/** Other components that the flows of this one reach. */
const bindings = ({ topology, plan, run }: ContainerContext): Readonly<Record<string, Binding>> =>
  Object.fromEntries(
    Object.values(topology.components)
      .filter(({ role }) => role === 'store' || role === 'service')
      .map((component): [string, Binding] => [
        component.id,
        {
          engine: component.engine,
          addresses: plan.addresses(component.id).map(({ host, port }) => ({ host, port })),
          ...(component.engine === 'postgres'
            ? // The password comes from PGPASSWORD: it belongs in no file that is generated.
              {
                user: databaseUser,
                database: databaseUser,
                iterationsPerSecond: run?.prepared.get(component.id)?.iterationsPerSecond ?? nominalIterationsPerSecond,
              }
            : {}),
        },
      ]),
  )

const serviceContainer = (context: ContainerContext): Container => {
  const { topology, unit } = context
  const service = unit.component as ServiceComponent
  const file = '/etc/plimsoll/service.json'
  const path = `service/${unit.name}.json`
  const port = unit.address.port
  const needs = [
    ...new Set(
      Object.values(service.pools)
        .map((pool) => pool.to.component)
        .concat(storesOf(topology)),
    ),
  ]
  const own = service.image ?? images.service
  const workload = service.image === undefined && service.command === undefined
  const config: ServiceConfig & { readonly $comment: string } = {
    $comment: generatedHeader(topology),
    topology: { file: topology.source.file.split(/[\\/]/).at(-1) ?? '', text: topology.source.text },
    component: service.id,
    instance: `${service.id}/${unit.index}`,
    process: unit.process,
    processes: unit.processes,
    listen: { host: '0.0.0.0', port },
    seed: context.run?.seed ?? 1,
    bindings: bindings(context),
  }
  return {
    service: {
      image: literal(own),
      ...(workload
        ? // Nothing of it writes, and nothing of it needs a privilege.
          { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] }
        : service.command === undefined
          ? {}
          : { command: service.command.map(literal) }),
      environment: { NODE_ENV: 'production', ...valuesOf(service), PLIMSOLL_SERVICE: file, PORT: String(port) },
      env_file: secrets,
      volumes: [`./${path}:${file}:ro`],
      stop_grace_period: '10s',
      ...(workload
        ? {
            healthcheck: health(
              [
                'CMD',
                'node',
                // A rejection that nobody handles ends Node with 1.
                '-e',
                `fetch('http://127.0.0.1:${port}/readyz').then((r) => r.ok || Promise.reject(r.status))`,
              ],
              service.startupSeconds,
            ),
          }
        : {}),
    },
    files: [[path, `${JSON.stringify(config, null, 2)}\n`]],
    needs,
  }
}

/** What the file itself says of the environment; secrets come from secrets.env. */
const valuesOf = ({ env = {} }: ServiceComponent): { readonly [name: string]: Json } =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, entry]) => ('value' in entry ? [[name, literal(entry.value)]] : [])),
  )

/** A service needs the stores that it has pools to, and those that its flows name; the latter are few: all of them. */
const storesOf = (topology: Topology): readonly string[] =>
  Object.values(topology.components)
    .filter(({ role }) => role === 'store')
    .map(({ id }) => id)

/** What can be generated, by engine. */
const containers: Readonly<Record<string, (context: ContainerContext) => Container>> = {
  nginx: nginxContainer,
  redis: redisContainer,
  postgres: postgresContainer,
  service: serviceContainer,
}

/** Throws `notYet`, by name and with its position, for an engine that has no container yet. */
export const containerOf = (context: ContainerContext): Container => {
  const { component } = context.unit
  const make = Object.hasOwn(containers, component.engine) ? containers[component.engine] : undefined
  if (make === undefined) throw notYetInCompose(context.topology, component.id)
  return make(context)
}

export const notYetInCompose = (topology: Topology, id: string) =>
  notYet(
    `compose: engine ${topology.components[id]?.engine} (component ${id})`,
    topology.source.locate(['components', id, 'engine']),
    `compose can generate ${Object.keys(containers).join(', ')}`,
  )

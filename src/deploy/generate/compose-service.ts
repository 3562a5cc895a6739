/** One container of docker-compose.yml, and the files that it mounts, by engine. */

import { generatedHeader } from '../../catalog/header.js'
import { nginxArgs, nginxConf, nginxHealthPath } from '../../catalog/nginx/config.js'
import { bindingsOf } from '../../catalog/postgres/bindings.js'
import { redisConf } from '../../catalog/redis/config.js'
import type { Binding, ServiceConfig } from '../../contract/workload.js'
import { notYet } from '../../lib/errors.js'
import type { Component, ComponentId, ServiceComponent, Topology } from '../../topology/types.js'
import type { AddressPlan, Unit } from './address-plan.js'
import { grafanaContainer, prometheusContainer } from './compose-monitor.js'
import { postgresContainer } from './compose-postgres.js'
import {
  type Container,
  type ContainerContext,
  confined,
  databaseUser,
  health,
  images,
  literal,
  refuseCopies,
  refuseShards,
  secrets,
  statusPort,
  storeOf,
} from './container.js'
import { containerContext } from './context.js'
import { nginxFile } from './nginx.js'
import type { Json } from './patch.js'

const unitsOf = ({ units }: AddressPlan, components: readonly ComponentId[]): readonly Unit[] =>
  units.filter(({ component }) => components.includes(component.id))

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
    needs: unitsOf(
      plan,
      unit.component.role === 'balancer' ? unit.component.upstreams.map(({ component }) => component) : [],
    ),
  }
}

const redisContainer = ({ topology, plan, unit }: ContainerContext): Container => {
  const store = storeOf(unit)
  refuseShards(topology, store)
  refuseCopies(topology, store)
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

/** CPU of declared SQL time is spent in a loop; how fast it runs is measured by a runtime. This stands in until then. */
const nominalIterationsPerSecond = 10_000_000

/** Other components that the flows of this one reach. */
const bindings = ({ topology, plan, run }: ContainerContext): Readonly<Record<string, Binding>> =>
  Object.fromEntries(
    Object.values(topology.components)
      .filter(({ role }) => role === 'store' || role === 'service')
      .flatMap((component) => {
        const addresses = plan.addresses(component.id).map(({ host, port }) => ({ host, port }))
        // The password comes from PGPASSWORD: it belongs in no file that is generated.
        const login = {
          user: databaseUser,
          database: databaseUser,
          iterationsPerSecond: run?.prepared.get(component.id)?.iterationsPerSecond ?? nominalIterationsPerSecond,
        }
        return Object.entries(bindingsOf(component, addresses, component.engine === 'postgres' ? login : {}))
      }),
  )

const serviceContainer = (context: ContainerContext): Container => {
  const { topology, plan, unit } = context
  const service = unit.component as ServiceComponent
  const file = '/etc/plimsoll/service.json'
  const path = `service/${unit.name}.json`
  const port = unit.address.port
  const needs = unitsOf(plan, [...Object.values(service.pools).map((pool) => pool.to.component), ...storesOf(topology)])
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
      ...(workload ? confined : service.command === undefined ? {} : { command: service.command.map(literal) }),
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
  prometheus: prometheusContainer,
  grafana: grafanaContainer,
}

/** Throws `notYet`, by name and with its position, for an engine that has no container yet. */
export const containerOf = (context: ContainerContext): Container => {
  const { component } = context.unit
  const make = hasContainer(component) ? containers[component.engine] : undefined
  if (make === undefined) throw notYetInCompose(context.topology, component.id)
  return make(context)
}

export const notYetInCompose = (topology: Topology, id: string) =>
  notYet(
    `compose: engine ${topology.components[id]?.engine} (component ${id})`,
    topology.source.locate(['components', id, 'engine']),
    `compose can generate ${Object.keys(containers).join(', ')}`,
  )

export const hasContainer = ({ engine }: Component): boolean => Object.hasOwn(containers, engine)

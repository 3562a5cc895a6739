/** What the containers of docker-compose.yml have in common, whatever their engine. */
import type { Members } from '../../contract/engine.js'
import type { Binding } from '../../contract/workload.js'
import { notYet } from '../../lib/errors.js'
import type { ComponentId, StoreComponent, Topology } from '../../topology/types.js'
import type { AddressPlan, Unit } from './address-plan.js'
import type { Json } from './patch.js'

export interface Container {
  /** Keys of the compose service that depend on the engine. */
  readonly service: { readonly [key: string]: Json }
  readonly files: readonly (readonly [path: string, text: string])[]
  /** Who must be healthy first. */
  readonly needs: readonly Unit[]
}

export interface ContainerContext {
  readonly topology: Topology
  readonly plan: AddressPlan
  readonly unit: Unit
  /** Absent: the files are written once and run anywhere. */
  readonly run?: RunFacts | undefined
}

/** What is known of a system that a runtime runs, as it is at present. */
export interface RunFacts {
  readonly seed: number
  /** Of stores that run already: how fast their machine is. */
  readonly prepared: ReadonlyMap<ComponentId, Partial<Binding>>
  /** Who does what in stores with copies. */
  readonly roles: ReadonlyMap<ComponentId, Members>
  /** How often an instance (`db/0`) has been made anew. */
  readonly anew: ReadonlyMap<string, number>
}

/** Where nginx shows its status to the machine that it runs on, in a system that a runtime starts. */
export const statusPort = 8081

/** Compose replaces `${…}` and `$…` in every value; a doubled dollar sign is one. */
export const literal = (text: string): string => text.replaceAll('$', '$$$$')

export const images = {
  nginx: 'nginx:1.26',
  redis: 'redis:8',
  postgres: 'postgres:17',
  prometheus: 'prom/prometheus:v2.53.3',
  grafana: 'grafana/grafana:11.4.0',
  service: 'plimsoll-service:0.1.0',
} as const

export const health = (test: readonly string[], startSeconds: number): Json => ({
  test: test.map(literal),
  interval: '5s',
  timeout: '3s',
  retries: 12,
  start_period: `${Math.max(1, Math.ceil(startSeconds))}s`,
})

/** Nothing of it writes, and nothing of it needs a privilege. */
export const confined = {
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
} as const satisfies { readonly [key: string]: Json }

/** Read by the containers that need a password; not generated, not to be committed. See secrets.env.example. */
export const secretsFile = 'secrets.env'
export const secrets: Json = [{ path: `./${secretsFile}`, required: false }]

export const databaseUser = 'plimsoll'

export const storeOf = ({ component }: Unit): StoreComponent => {
  if (component.role !== 'store') throw new TypeError(`${component.id} is a ${component.role}`)
  return component
}

const refused = (topology: Topology, { id, engine }: StoreComponent, key: string, what: string) =>
  notYet(`compose: ${engine} with ${what}`, topology.source.locate(['components', id, key]), 'a single instance')

export const refuseShards = (topology: Topology, store: StoreComponent): void => {
  if (store.shards !== undefined) throw refused(topology, store, 'shards', 'shards')
}

/** Of a store whose copies would hold nothing, because replication is not set up between them. */
export const refuseCopies = (topology: Topology, store: StoreComponent): void => {
  const key = (['readReplicas', 'replicasPerMaster', 'masters', 'replicas', 'mode'] as const).find((name) =>
    name === 'mode' ? store.mode !== 'single' : store[name] > (name === 'masters' || name === 'replicas' ? 1 : 0),
  )
  if (key !== undefined) throw refused(topology, store, key, `${key}: ${store[key]}`)
}

/** The generated compose file as one system of ours: labelled, on ports of its own, started and restarted by us alone. */
import { systemLabel } from '../../../contract/containers.js'
import { images } from '../../generate/container.js'
import type { Json } from '../../generate/patch.js'

export interface SystemFacts {
  /** Project and label. */
  readonly id: string
  /** `127.0.0.1:21000:8080`, by the name of the service: those that are instances. */
  readonly published: ReadonlyMap<string, readonly string[]>
  /** Cores by service; absent: any. */
  readonly pinned: ReadonlyMap<string, readonly number[]>
}

type JsonObject = { readonly [key: string]: Json }

const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}

const mapped = (value: Json | undefined, change: (object: JsonObject, key: string) => Json): JsonObject =>
  Object.fromEntries(Object.entries(objectOf(value)).map(([key, one]) => [key, change(objectOf(one), key)]))

/**
 * Docker asks a container for its health by starting a program in it, which costs CPU that the instance is charged with. We
 * ask over the network until it is ready; so Docker need ask only now and then.
 */
const healthInterval = '60s'

const withInterval = (healthcheck: Json | undefined): JsonObject =>
  healthcheck === undefined ? {} : { healthcheck: { ...objectOf(healthcheck), interval: healthInterval } }

/** Of a service; a list (`a=b`) or a map, as a patch may have left it. */
const labelled = (labels: Json | undefined, id: string): Json =>
  Array.isArray(labels) ? [...labels, `${systemLabel}=${id}`] : { ...objectOf(labels), [systemLabel]: id }

/** The container that has the network of this one. */
export const holderOf = (service: string): string => `${service}-net`

/** What a container cannot say any longer that is in the network of another. */
const ofNetwork = ['networks', 'hostname', 'domainname', 'dns', 'dns_opt', 'dns_search', 'extra_hosts', 'mac_address']

const split = (service: JsonObject, isOfNetwork: boolean): JsonObject =>
  Object.fromEntries(Object.entries(service).filter(([key]) => ofNetwork.includes(key) === isOfNetwork))

const running: JsonObject = {
  // `restart: { after }` of the topology, which Docker has no word for.
  restart: 'no',
  logging: { driver: 'json-file', options: { 'max-size': '16m', 'max-file': '2' } },
}

/**
 * An instance's address outlives its container, as a host's does a process: whoever connects while it is down is refused at
 * once, instead of hearing nothing until a time-out. See docs/adr/0091.
 */
const instanceServices = (
  name: string,
  service: JsonObject,
  facts: SystemFacts,
): readonly (readonly [string, Json])[] => {
  const { ports: _, healthcheck, ...rest } = service
  const pin = facts.pinned.get(name)
  const holder = {
    image: images.service,
    entrypoint: ['sleep', 'infinity'],
    healthcheck: { disable: true },
    ...split(rest, true),
    ports: facts.published.get(name) ?? [],
    ...running,
    labels: { [systemLabel]: facts.id },
  }
  const own = {
    ...split(rest, false),
    network_mode: `service:${holderOf(name)}`,
    ...withInterval(healthcheck),
    ...(pin === undefined ? {} : { cpuset: pin.join(',') }),
    ...running,
    labels: labelled(rest.labels, facts.id),
  }
  return [
    [holderOf(name), holder],
    [name, own],
  ]
}

/** What has no address of its own shares the network of an instance (an exporter), or has its own (what a patch has added). */
const otherService = (name: string, service: JsonObject, { id, published, pinned }: SystemFacts): Json => {
  const shared = typeof service.network_mode === 'string' ? /^service:(.+)$/.exec(service.network_mode)?.[1] : undefined
  const pin = pinned.get(name)
  return {
    ...service,
    ...(shared === undefined || !published.has(shared) ? {} : { network_mode: `service:${holderOf(shared)}` }),
    ...(pin === undefined ? {} : { cpuset: pin.join(',') }),
    ...running,
    labels: labelled(service.labels, id),
  }
}

export const systemDocument = (document: Json, facts: SystemFacts): Json => {
  const whole = objectOf(document)
  const own = (object: JsonObject): JsonObject => ({ ...object, labels: labelled(object.labels, facts.id) })
  return {
    ...whole,
    name: facts.id,
    services: Object.fromEntries(
      Object.entries(objectOf(whole.services)).flatMap(([name, service]) =>
        facts.published.has(name)
          ? instanceServices(name, objectOf(service), facts)
          : [[name, otherService(name, objectOf(service), facts)] as const],
      ),
    ),
    networks: mapped(whole.networks, own),
    ...(whole.volumes === undefined ? {} : { volumes: mapped(whole.volumes, own) }),
  }
}

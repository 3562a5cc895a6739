import { expect, test } from 'vitest'
import { addressPlan } from '../../../../src/deploy/generate/address-plan.js'
import { composeFiles } from '../../../../src/deploy/generate/compose.js'
import { systemDocument } from '../../../../src/deploy/runtime/compose/document.js'
import { overlap, rangeOf } from '../../../../src/deploy/runtime/compose/network.js'
import { topologyFile } from '../../../support/topology.js'

interface Service {
  readonly [key: string]: unknown
  readonly labels: Readonly<Record<string, string>>
}

interface Document {
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, Service>>
}

const label = { 'dev.plimsoll.system': 'shop-1' }

const documentOf = (): Document => {
  const topology = topologyFile('scenarios/optimization-api/topology.yaml')
  const plan = addressPlan(topology, [99, 7])
  const { document } = composeFiles(topology, plan)
  const published = new Map(plan.units.map(({ name }, i) => [name, [`127.0.0.1:${20_000 + i}:1`]]))
  const facts = { id: 'shop-1', published, pinned: new Map([['cache-0', [0, 1]]]) }
  return systemDocument(document, facts) as unknown as Document
}

test('everything of a system carries its label: containers, networks, volumes', () => {
  const { name, services, networks, volumes } = documentOf()
  expect(name).toBe('shop-1')
  for (const kind of [services, networks, volumes])
    for (const [id, one] of Object.entries(kind)) expect(one.labels, id).toMatchObject(label)
  expect(Object.keys(services)).toHaveLength(10)
})

test('the address, the host name and the ports belong to a container that outlives the instance', () => {
  const { services } = documentOf()
  expect(services['app-0-net']).toMatchObject({
    hostname: 'app-0',
    ports: ['127.0.0.1:20001:1'],
    networks: { plimsoll: { ipv4_address: '10.99.7.11' } },
  })
  const own = services['app-0']
  expect(own?.network_mode).toBe('service:app-0-net')
  for (const key of ['hostname', 'ports', 'networks']) expect(own, key).not.toHaveProperty(key)
})

test('Docker restarts nothing by itself, pins what is to be pinned, and asks for health once a minute', () => {
  const { services } = documentOf()
  for (const service of Object.values(services)) expect(service.restart).toBe('no')
  expect(services['cache-0']?.cpuset).toBe('0,1')
  expect(services['db-0']).not.toHaveProperty('cpuset')
  expect(services['db-0']?.healthcheck).toMatchObject({ interval: '60s' })
})

test('networks overlap when one has an address of the other', () => {
  expect(rangeOf('10.1.2.7/24')).toEqual({ first: 10 * 2 ** 24 + 2 ** 16 + 2 * 2 ** 8, size: 256 })
  expect(overlap('10.1.2.0/24', '10.1.0.0/16')).toBe(true)
  expect(overlap('10.1.2.0/24', '10.1.3.0/24')).toBe(false)
  expect(overlap('10.1.2.0/24', 'fd00::/64')).toBe(false)
})

import { expect, test } from 'vitest'
import { engines } from '../../../../src/catalog/index.js'
import { addressPlan } from '../../../../src/deploy/generate/address-plan.js'
import {
  contextOf,
  ownExporters,
  planContainers,
  portsNeeded,
  publishedPorts,
} from '../../../../src/deploy/runtime/compose/layout.js'
import { leftOut } from '../../../../src/deploy/runtime/compose/preflight.js'
import { engineNames } from '../../../../src/deploy/runtime/process/layout.js'
import { liveFacetsOf } from '../../../../src/deploy/runtime/process/needs.js'
import type { Topology } from '../../../../src/topology/types.js'
import { topologyFile, topologyFrom } from '../../../support/topology.js'

const plannedOf = async (topology: Topology) => {
  const facets = await liveFacetsOf(engineNames(topology), engines)
  const plan = addressPlan(topology)
  let port = 20_000
  const planned = planContainers(topology, plan, facets, '/tmp/plimsoll-x', () => ++port)
  expect(port - 20_000).toBe(
    portsNeeded(plan) - plan.units.filter(({ component }) => component.engine === 'grafana').length,
  )
  return { plan, planned }
}

const scenario = topologyFile('scenarios/optimization-api/replicated/topology.yaml')

test('an exporter is published by the container that has the network of its server', async () => {
  const { planned } = await plannedOf(scenario)
  const published = publishedPorts(planned)
  expect(published.get('db-1')?.map((port) => port.split(':')[2])).toEqual(['5432', '9187'])
  expect(published.get('edge-0')?.map((port) => port.split(':')[2])).toEqual(['8080', '8081', '9113'])
  const all = [...published.values()].flat()
  expect(new Set(all).size).toBe(all.length)
})

test('Prometheus and its exporters are one instance, probed in the order of its processes', async () => {
  const { plan, planned } = await plannedOf(scenario)
  const prometheus = planned.find(({ id }) => id === 'prometheus/0')
  if (prometheus === undefined) throw new Error('no Prometheus')
  const names = ['edge-0', 'cache-0', 'db-0', 'db-1', 'db-2']
  expect(ownExporters(prometheus).map(({ server }) => server.name)).toEqual(names)
  const shared = { topology: scenario, plan, planned, folder: '/tmp', seed: 1, packageFolder: '/', secret: 'x' }
  const context = contextOf(prometheus, { ...shared, roles: new Map() }, () => 0)
  const specs = prometheus.facet.specs(context)
  expect(specs.map(({ ports }) => ports[0])).toEqual(context.listens.map(({ port }) => port))
  expect(specs[2]?.program).toContain('redis')
  expect(specs[5]?.program).toContain('postgres')
})

test('a member is reached on loopback, and is told who is primary at present', async () => {
  const { plan, planned } = await plannedOf(scenario)
  const standby = planned.find(({ id }) => id === 'db/2')
  if (standby === undefined) throw new Error('no standby')
  const roles = new Map([['db', { primary: 0, following: [1, 2] }]])
  const shared = { topology: scenario, plan, planned, folder: '/tmp', seed: 1, packageFolder: '/', secret: 'x', roles }
  const context = contextOf(standby, shared, () => 0)
  expect(context.reachedAt?.('db').map(({ instance, host }) => [instance, host])).toEqual(
    [0, 1, 2].map((index) => [`db/${index}`, '127.0.0.1']),
  )
  roles.set('db', { primary: 1, following: [2] })
  expect(context.members).toEqual({ primary: 1, following: [2] })
})

test('exporters that two watch belong to the first', async () => {
  const { planned } = await plannedOf(
    topologyFrom(`
components: { app: { engine: service }, cache: { engine: redis }, a: { engine: prometheus }, b: { engine: prometheus } }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ lookup: cache }] } }`),
  )
  const watchers = planned.filter(({ component }) => component.engine === 'prometheus')
  expect(watchers.map((one) => [one.exporters.length, ownExporters(one).length])).toEqual([
    [1, 1],
    [1, 0],
  ])
})

test('Grafana is left out with a note that says where it is', () => {
  expect(leftOut({ topology: scenario, engines })).toEqual([
    'grafana (grafana) is left out: it only watches, and plimsoll starts no container of it; the file that plimsoll generate writes has it: docker compose --profile grafana up --wait',
  ])
})

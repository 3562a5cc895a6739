import { expect, test } from 'vitest'
import { engines } from '../../../src/catalog/index.js'
import { leftOut, unsupported } from '../../../src/deploy/runtime/process/support.js'
import { topologyFrom } from '../../support/topology.js'
import { external, pool, request, service, step, store, topology } from '../../workload/topologies.js'

test('an external needs no process, because the services that call it simulate it', () => {
  const shop = topology({
    components: [service('app'), external('pay')],
    requests: [request('buy', 'POST /buy', [step.call('buy/0', 'pay')])],
  })
  expect(unsupported(shop, engines)).toBeUndefined()
})

test('engines without a native process and steps that the service cannot execute are refused together', () => {
  const shop = topology({
    components: [service('app', { pools: { main: pool('main', 'broker', 2) } }), store('broker', 'kafka')],
    requests: [request('buy', 'POST /buy', [step.query('buy/0', 'broker')])],
  })
  const problems = unsupported(shop, engines)?.problems.map(({ message }) => message.split(':')[0])
  expect(problems?.sort()).toEqual([
    'engine kafka (component broker) as native processes',
    'pool app.main to broker (kafka)',
    'step buy/0',
  ])
})

const watched = (monitors: string) =>
  topologyFrom(`
components:
  app: { engine: service }
  pay: { engine: external, latency: 10ms }
  ${monitors}
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 1ms }] } }
`)

test('what only watches and has no native process is left out with a note, and refuses nothing', () => {
  const shop = watched('metrics: { engine: prometheus }\n  boards: { engine: grafana }')
  expect(unsupported(shop, engines)).toBeUndefined()
  expect(leftOut(shop, engines).map((note) => note.split(':')[0])).toEqual(['boards (grafana) is left out'])
})

test('a target that nothing exposes metrics of is refused where it is named', () => {
  const [problem] =
    unsupported(watched('metrics: { engine: prometheus, targets: [app, pay] }'), engines)?.problems ?? []
  expect(problem?.message).toBe('metrics cannot watch pay (external): nothing exposes its metrics')
  expect(problem?.position?.line).toBe(8)
})

test('copies of PostgreSQL can be run, copies of Redis cannot', () => {
  const stores = topologyFrom(`
components:
  app: { engine: service }
  db: { engine: postgres, readReplicas: 2, replication: { mode: sync }, failover: { detect: 1s, promote: 1s } }
  cache: { engine: redis, mode: replicated, replicasPerMaster: 1 }
requests: { r: { share: 100%, serve: app, route: GET /, flow: [{ lookup: cache, miss: [{ query: db.replica }] }] } }
`)
  const named = unsupported(stores, engines)?.problems.map(({ message }) => message.split(' as ')[0])
  expect(named?.some((name) => name?.includes('component db'))).toBe(false)
  expect(named).toContain('mode of component cache (redis)')
})

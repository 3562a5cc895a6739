/** What is left when something is lost, who fails then, and what the rest carries. */
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { remainderOf } from '../../src/plan/redundancy.js'
import { topologyFile, topologyFrom } from '../support/topology.js'

const store = (fields: string) => {
  const { components } = topologyFrom(`
components:
  app: { engine: service }
  s: { ${fields} }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ compute: 1ms }] }
`)
  const found = components.s
  if (found === undefined) throw new Error('no store')
  return found
}

describe('a store without some of its instances', () => {
  it.each([
    ['one instance', 'engine: postgres', [0], false],
    ['a copy of two', 'engine: postgres, readReplicas: 1', [1], true],
    ['a primary that nobody replaces', 'engine: postgres, readReplicas: 1', [0], false],
    [
      'a primary that is replaced',
      'engine: postgres, readReplicas: 1, failover: { detect: 5s, promote: 5s }',
      [0],
      true,
    ],
    ['both', 'engine: postgres, readReplicas: 1, failover: { detect: 5s, promote: 5s }', [0, 1], false],
    ['one of two Redis Cluster masters', 'engine: redis, mode: cluster, masters: 2, replicasPerMaster: 1', [0], false],
    ['one of three', 'engine: redis, mode: cluster, masters: 3, replicasPerMaster: 1', [0], true],
    ['one of three without copies', 'engine: redis, mode: cluster, masters: 3, replicasPerMaster: 0', [0], false],
    ['a master and its copy', 'engine: redis, mode: cluster, masters: 3, replicasPerMaster: 1', [0, 3], false],
    ['one of two members of a replica set', 'engine: mongodb, readReplicas: 1', [0], false],
    ['one of three members', 'engine: mongodb, readReplicas: 2', [0], true],
    ['one of two voters', 'engine: kafka, replicas: 2, replicationFactor: 2', [1], false],
    ['one of three voters, with copies', 'engine: kafka, replicas: 3, replicationFactor: 2', [1], true],
    ['one of three voters, without copies', 'engine: kafka, replicas: 3, replicationFactor: 1', [1], false],
    ['a broker that does not vote', 'engine: kafka, replicas: 5, replicationFactor: 2', [4], true],
    ['one of two nodes of quorum queues', 'engine: rabbitmq, replicas: 2', [0], false],
    ['one of three nodes', 'engine: rabbitmq, replicas: 3', [0], true],
  ] as const)('%s', (_, fields, lost, serves) => {
    expect(remainderOf(store(fields), new Set(lost)).serves).toBe(serves)
  })

  it('a copy that is promoted is no copy any more', () => {
    const left = remainderOf(
      store('engine: mysql, readReplicas: 2, failover: { detect: 5s, promote: 5s }'),
      new Set([0]),
    )
    expect(left).toMatchObject({ serves: true, instances: [1, 2], component: { readReplicas: 1 } })
  })
})

const web = (over: { replicas?: number; slo?: string; survive?: string; miss?: string; hosts?: number } = {}) =>
  capacityPlan(
    topologyFrom(`
hosts: { box: { count: ${over.hosts ?? 2}, cpu: 1, zone: a } }
components:
  app: { engine: service, replicas: ${over.replicas ?? 2}, host: box, pools: { main: { to: db, size: 5 } } }
  cache: { engine: redis }
  db: { engine: postgres, zone: b }
requests:
  r:
    share: 100%
    serve: app
    route: GET /
    slo: { ${over.slo ?? 'mean: 1s'} }
    flow: [{ compute: 10ms }, { lookup: cache, hitRatio: 90%, miss: [{ query: app.main, time: { cpu: 10ms } }${over.miss ?? ''}] }]
traffic: { rate: 80/s }
policy: { survive: ${over.survive ?? 'one-node'} }
`),
  )

describe('losses', () => {
  const loss = (plan: ReturnType<typeof web>, id: string) => {
    const found = plan.losses.find((one) => one.id === id)
    if (found === undefined) throw new Error(`no loss ${id}: ${plan.losses.map((one) => one.id).join()}`)
    return found
  }

  it('half of the app servers carry half', () => {
    expect(loss(web(), 'app/0')).toMatchObject({ maxThroughputPerSecond: 100, bottleneck: 'app', survives: true })
    expect(loss(web(), 'app/0').headroomRatio).toBeCloseTo(0.2, 9)
  })

  it('an objective that holds with all may break with what is left: 80/s on one loop of 10 ms take 50 ms and more', () => {
    const plan = web({ slo: 'mean: 20ms' })
    expect(plan.objectives[0]?.holds).toBe(true)
    const lost = loss(plan, 'app/0')
    expect(lost.survives).toBe(false)
    expect(lost.broken[0]).toMatchObject({ request: 'r', path: 'latency.mean', bound: 0.02 })
    expect(lost.broken[0]?.predicted ?? 0).toBeGreaterThan(0.05)
  })

  it('without its cache every lookup misses: ten times the queries, which now limit', () => {
    const lost = loss(web(), 'cache/0')
    expect(lost).toMatchObject({ failing: [], bottleneck: 'db', survives: true })
    expect(lost.maxThroughputPerSecond).toBeCloseTo(1 / 0.01015, 6)
    expect(lost.headroomRatio).toBeCloseTo(1 - 80 * 0.01015, 6)
  })

  it('a class that needs what is gone fails; with a fallback it does not', () => {
    expect(loss(web(), 'db/0')).toMatchObject({ failing: ['r'], gone: { db: 'it has one instance' } })
    const fallback = capacityPlan(
      topologyFrom(`
components:
  app: { engine: service, replicas: 2, pools: { main: { to: db, size: 5 } } }
  db: { engine: postgres }
requests:
  r: { share: 100%, serve: app, route: GET /, flow: [{ query: app.main, time: 1ms, fallback: empty }] }
traffic: { rate: 1/s }
`),
    )
    expect(loss(fallback, 'db/0')).toMatchObject({ failing: [], survives: true })
  })

  it('a machine takes all that it carries, a zone all that is there', () => {
    const shared = web({ hosts: 1 })
    expect(loss(shared, 'host:box')).toMatchObject({ instances: ['app/0', 'app/1'], failing: ['r'] })
    expect(loss(web(), 'zone a')).toMatchObject({ failing: ['r'], gone: { app: 'no instance is left' } })
    expect(loss(web(), 'zone b')).toMatchObject({ instances: ['db/0'] })
  })

  it('knows what the policy asks for', () => {
    const demanded = (survive: string) =>
      web({ survive })
        .losses.filter((one) => one.demanded)
        .map(({ kind }) => kind)
    expect(new Set(demanded('nothing'))).toEqual(new Set())
    expect(new Set(demanded('one-node'))).toEqual(new Set(['instance']))
    expect(new Set(demanded('one-zone'))).toEqual(new Set(['instance', 'host', 'zone']))
  })

  it('flash-sale: purchases need both of its quorums of two, views survive them', () => {
    const flash = capacityPlan(topologyFile('scenarios/flash-sale/topology.yaml'))
    const failing = Object.fromEntries(flash.losses.map((one) => [one.id, one.failing.join()]))
    expect(failing).toMatchObject({
      'edge/0': 'view-product,purchase',
      'app/0': '',
      'cache/0': 'purchase',
      'events/0': 'purchase',
      'db/0': '',
      'host:stream/0': 'purchase',
    })
  })
})

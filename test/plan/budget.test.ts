import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { topologyFrom } from '../support/topology.js'

const mib = 1024 ** 2
const plan = () =>
  capacityPlan(
    topologyFrom(`
hosts: { box: { count: 2, cpu: 4, memory: 1GiB } }
data: { item: { keys: 100, bytes: 2KiB } }
components:
  app:
    engine: service
    replicas: 2
    host: box
    maxInFlight: 100
    resources: { memory: { base: 100MiB, perRequest: 1MiB } }
  cache: { engine: redis, host: box, memory: 256MiB }
  db: { engine: postgres, host: box }
requests:
  r:
    share: 100%
    serve: app
    route: "GET /{item}"
    bytes: { in: 1KiB, out: 4KiB }
    flow: [{ wait: { const: 100ms } }, { lookup: cache, key: item, hitRatio: 75%, miss: [{ query: db, key: item, time: 1ms }] }]
traffic: { rate: 20/s }
`),
  )

describe('budgets', () => {
  it('memory of a machine: what all that runs there takes, on average and with as many in hand as are let in', () => {
    const { 'box/0': first, 'box/1': second } = plan().memory
    // 20/s for 0.1 s and a little: one request in hand at each replica.
    expect((first?.meanBytes ?? 0) / mib).toBeCloseTo(100 + 1 + 256, 0)
    expect((first?.mostBytes ?? 0) / mib).toBeCloseTo(100 + 100 + 256, 9)
    expect(first?.unknown).toEqual(['db'])
    expect((second?.mostBytes ?? 0) / mib).toBeCloseTo(200, 9)
  })

  it('network: requests and answers, values of hits and misses', () => {
    const { app, cache, db } = plan().network
    expect(app).toEqual({ receivedBytesPerSecond: 20 * 1024, sentBytesPerSecond: 20 * 4096 })
    expect(cache).toEqual({ receivedBytesPerSecond: 5 * 2048, sentBytesPerSecond: 15 * 2048 })
    expect(db).toEqual({ receivedBytesPerSecond: 0, sentBytesPerSecond: 5 * 2048 })
  })
})

/** The load at which an objective breaks and a trigger fires, on systems whose answer is known. */
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import { topologyFile, topologyFrom } from '../support/topology.js'

const plan = (text: string) => capacityPlan(topologyFrom(text))

const station = ({ slo = 'p95: 1s', traffic = '{ rate: 5/s }', flow = '[{ compute: 100ms }]', service = '' }) => `
components:
  app: { engine: service${service} }
  bank: { engine: external, latency: 20ms, errors: 10% }
requests:
  r: { share: 100%, serve: app, route: GET /, slo: { ${slo} }, flow: ${flow} }
traffic: ${traffic}
`

describe('objectives', () => {
  it('M/M/1: the mean exceeds 250 ms from 1/S − 1/R = 6/s on, the 95th percentile 1 s from 10 − ln 20 = 7.004/s on', () => {
    const { objectives } = plan(station({ slo: 'mean: 250ms, p95: 1s' }))
    expect(objectives[0]).toMatchObject({ path: 'latency.mean', predicted: 0.2, holds: true })
    expect(objectives[0]?.breaks?.ratePerSecond).toBeCloseTo(6, 2)
    // The gamma distribution of an exponential's mean and variance is that exponential.
    expect(objectives[1]?.predicted).toBeCloseTo(0.2 * Math.log(20), 6)
    expect(objectives[1]?.breaks?.ratePerSecond).toBeCloseTo(10 - Math.log(20), 2)
    expect(objectives[1]?.breaks?.users).toBeNull()
  })

  it('one that is below the work itself holds at no load', () => {
    const [objective] = plan(station({ slo: 'mean: 99ms' })).objectives
    expect(objective).toMatchObject({ holds: false, breaks: { ratePerSecond: 0, users: null } })
  })

  it('errors are those of a dependency after its retries, at any load', () => {
    const retried = '[{ call: bank, retry: { attempts: 2 } }]'
    expect(plan(station({ slo: 'errors: 2%', flow: retried })).objectives[0]).toMatchObject({ holds: true })
    expect(plan(station({ slo: 'errors: 2%', flow: retried })).objectives[0]?.predicted).toBeCloseTo(0.01, 12)
    expect(plan(station({ slo: 'errors: 2%', flow: '[{ call: bank }]' })).objectives[0]).toMatchObject({
      holds: false,
      predicted: 0.1,
      breaks: { ratePerSecond: 0 },
    })
  })

  it('a maximum is left open: no distribution without end has one', () => {
    expect(plan(station({ slo: 'max: 10s' })).objectives[0]).toEqual({
      request: 'r',
      path: 'latency.max',
      bound: 10,
      predicted: null,
      holds: null,
      breaks: null,
    })
  })

  it('of users who think Z, N = X·(R + Z) at the load where it breaks', () => {
    const [objective] = plan(station({ slo: 'mean: 250ms', traffic: '{ users: 20, thinkTime: 10s }' })).objectives
    expect(objective?.breaks?.users).toBeCloseTo(6 * 10.25, 0)
  })

  it('users who never think hold whatever limits them saturated: nothing is told of their latency, and it does not hold', () => {
    const flash = capacityPlan(topologyFile('scenarios/flash-sale/topology.yaml'))
    expect(flash.objectives.map(({ holds }) => holds)).toEqual([false, false, false, false, false])
  })

  it('overload breaks all', () => {
    expect(plan(station({ traffic: '{ rate: 11/s }' })).objectives[0]).toMatchObject({ holds: false, predicted: null })
  })

  it('hits and misses are told apart', () => {
    const { objectives } = plan(`
components:
  app: { engine: service }
  cache: { engine: redis, demand: { cpu: 0s } }
requests:
  r:
    share: 100%
    serve: app
    route: GET /
    slo: { hit: { mean: 5ms }, miss: { mean: 50ms } }
    flow: [{ lookup: cache, hitRatio: 50%, miss: [{ wait: 40ms }] }]
traffic: { rate: 1/s }
`)
    expect(objectives[0]?.predicted ?? 1).toBeLessThan(0.001)
    expect(objectives[1]?.predicted).toBeCloseTo(0.04, 3)
  })
})

describe('triggers of autoscalers', () => {
  const scaled = (triggers: string, service = '') =>
    plan(station({ service: `, replicas: 2, scaling: { min: 2, max: 9, triggers: [${triggers}] }${service}` }))
      .triggers[0]

  it('70 % of the CPU of two loops at 100 ms: 14/s', () => {
    const trigger = scaled('{ cpu: 70% }')
    expect(trigger).toMatchObject({ component: 'app', metric: 'cpu', target: 0.7, value: 0.25 })
    expect(trigger?.fires?.ratePerSecond).toBeCloseTo(14, 2)
  })

  it('a rate per replica, and requests in flight by Little', () => {
    expect(scaled('{ ratePerReplica: 6/s }')?.fires?.ratePerSecond).toBeCloseTo(12, 2)
    // M/M/2: N = 2ρ/(1 − ρ²) = 4, so ρ = 0.780776.
    expect(scaled('{ inFlight: 2 }')?.fires?.ratePerSecond).toBeCloseTo(15.6155, 1)
  })

  it('memory grows with the requests in hand: 100 + 2·N MiB of 120 are 90 % from N = 4 on', () => {
    const memory = ', maxInFlight: 10, resources: { memory: { base: 100MiB, perRequest: 2MiB } }'
    // N = 4 at each of two M/M/1, were they apart; one queue for both: N = 8 = 2ρ/(1 − ρ²).
    expect(scaled('{ memory: 90% }', memory)?.fires?.ratePerSecond).toBeCloseTo(20 * 0.8828, 1)
    expect(scaled('{ memory: 80% }', memory)?.fires?.ratePerSecond).toBe(0)
  })

  it('a queue longer than its own limit cannot be seen', () => {
    const queue = (maxLength: number) =>
      plan(`
components:
  api: { engine: service }
  broker: { engine: redis, queues: { tasks: { maxLength: ${maxLength} } } }
  worker: { engine: service, consumes: broker.tasks, slots: 1, flow: [{ wait: 1s }],
    scaling: { min: 1, max: 5, triggers: [{ queueLength: 100 }] } }
requests:
  r: { share: 100%, serve: api, route: POST /, flow: [{ publish: broker.tasks }] }
traffic: { rate: 0.5/s }
`).triggers[0]
    expect(queue(100)?.fires).toBeNull()
    expect(queue(101)?.fires?.ratePerSecond).toBeCloseTo(1, 1)
  })
})

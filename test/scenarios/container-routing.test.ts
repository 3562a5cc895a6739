/** Container routing: what its README says of the plan (oracle 24) and of each experiment. */
import { describe, expect, it } from 'vitest'
import { classOf, failuresOf, queueOf, scenarioNamed } from './support.js'

const { plan, mended, played, topology, readme } = scenarioNamed('container-routing')

const scaledTo = (result: ReturnType<typeof played>, component: string): readonly number[] =>
  result.events.flatMap((event) => (event.type === 'scaled' && event.component === component ? [event.to] : []))

describe('its plan (oracle 24)', () => {
  it('three API nodes take 1000 requests each', () => {
    expect(plan.limits.find(({ kind }) => kind === 'in-flight')).toMatchObject({ id: 'api', servers: 3000 })
  })

  it('shows each trigger, and the load at which it fires', () => {
    const shown = plan.triggers.map(({ component, metric, target }) => [component, metric, target])
    expect(shown).toEqual([
      ['api', 'cpu', 0.7],
      ['api', 'memory', 0.8],
      ['worker', 'queueLength', 1000],
    ])
    const [cpu, memory, queue] = plan.triggers.map(({ fires }) => fires?.ratePerSecond)
    // 12 event loops, 10.36 ms of CPU for a request of the mix.
    expect(cpu).toBeCloseTo((0.7 * 12) / 0.01036, 0)
    expect(memory).toBeUndefined()
    expect(queue).toBeCloseTo(957, 0)
  })

  it('keeps a quarter free, but not without one of its workers', () => {
    expect(topology.policy.headroom).toBe(0.25)
    expect(plan.maxThroughputPerSecond).toBeCloseTo(12 / 0.01253, -1)
    expect(plan.headroomRatio).toBeGreaterThan(0.25)
    const lost = plan.losses.find(({ id }) => id === 'worker/0')
    expect(lost?.headroomRatio).toBeCloseTo(0.217, 3)
  })

  it('costs what its README says', () => {
    expect(readme).toContain(`${Math.round(plan.cost.perMonth)} USD`)
  })
})

describe('mended', () => {
  it('has no error left, and a queue in which the trigger can still fire', () => {
    expect(mended.plan.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(mended.text).toContain('maxLength: 2800,')
    expect(mended.text).toContain('queueLength: 1000 }')
  })
})

describe('normal', () => {
  it('holds all objectives below every trigger', () => {
    expect(failuresOf(played('normal'))).toEqual([])
  })
})

describe('morning', () => {
  it('gets its fourth API node half a minute after 70 % CPU are passed; reroutes overtake jobs that wait for seconds', () => {
    const result = played('morning')
    expect(failuresOf(result)).toEqual([])
    expect(scaledTo(result, 'api')).toEqual([4])
    expect(classOf(result, 'optimize').queueDelay?.p95).toBeGreaterThan(3)
    expect(classOf(result, 'reroute').queueDelay?.p95).toBeLessThan(0.1)
  })
})

describe('optimization-burst', () => {
  it('more than 1000 jobs in the queue bring workers, and the queue never reaches its limit', () => {
    const result = played('optimization-burst')
    expect(failuresOf(result)).toEqual([])
    expect(scaledTo(result, 'worker')).toEqual([4, 6, 11])
    const { length, rejected } = queueOf(result, 'broker', 'jobs')
    expect(length.max).toBeGreaterThan(1000)
    expect(length.max).toBeLessThan(2000)
    expect(rejected).toBe(0)
  })
})

describe('what dies', () => {
  it('api-node-lost: HAProxy tries another node, nobody notices', () => {
    const result = played('api-node-lost')
    expect(failuresOf(result)).toEqual([])
    expect(classOf(result, 'all').errors).toEqual({})
  })

  it('redis-primary-lost: MongoDB carries every look-up for the 31 s until there is another primary', () => {
    const result = played('redis-primary-lost')
    expect(failuresOf(result)).toEqual([])
    const { hit, miss } = classOf(result, 'find-route').outcomes
    // 31 of the 65 measured seconds miss altogether, the others 15 of 100.
    expect(miss.count / (hit.count + miss.count)).toBeCloseTo((31 + 34 * 0.15) / 65, 1)
  })

  it('rabbitmq-lost: no job is taken for the 10 s until it is started and the 5 s that it takes to start', () => {
    const result = played('rabbitmq-lost')
    expect(classOf(result, 'find-route').errors).toEqual({})
    expect(result.faults[0]?.recoverySeconds).toBeCloseTo(15, 0)
    expect(failuresOf(result)).toEqual(['optimize.errors <= 1 %', 'reroute.errors <= 1 %'])
  })

  it('mongodb-primary-lost: changes fail for 12 s, some that were acknowledged are gone, and jobs end as dead letters', () => {
    const result = played('mongodb-primary-lost')
    expect(classOf(result, 'find-route').errors).toEqual({})
    expect(result.faults[0]?.recoverySeconds).toBeCloseTo(12, 0)
    expect(failuresOf(result)).toEqual(['move-container.errors <= 0.5 %', 'no-lost-writes'])
    expect(queueOf(result, 'broker', 'dead').published + queueOf(result, 'broker', 'dead').received).toBe(397)
  })

  it('no job is a dead letter when it comes again after 5 s and 10 s, together longer than the election', () => {
    const result = played('mongodb-primary-lost', (text) =>
      text.replace('maxDeliveries: 3', 'maxDeliveries: 3, redeliver: { after: 5s, max: 10s }'),
    )
    expect(queueOf(result, 'broker', 'dead').length.max).toBe(0)
  })
})

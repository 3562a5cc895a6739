import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../src/result/run-result.js'
import { run } from './support.js'

/** 10 ms of CPU a request, so that one core carries 100 a second. */
const service = (scaling: string, more = ''): string => `
name: scaled
components:
  edge: { engine: nginx, upstream: app, balance: least_conn }
  app:
    engine: service
    execution: { model: virtual-threads }
    resources: { cpu: 1 }
    startup: 10s
    scaling: ${scaling}
${more}
requests:
  r: { share: 100%, enter: edge, serve: app, flow: [{ compute: { const: 10ms } }] }
`
const level = (rate: number, durationSeconds: number) => ({ fromLevel: rate, toLevel: rate, durationSeconds })

const scaledEvents = (result: RunResult) =>
  result.events.flatMap((event) => (event.type === 'scaled' ? [[event.at, event.from, event.to]] : []))

const readyAt = (result: RunResult, second: number): number | undefined =>
  result.series.find(({ at }) => at === second)?.components.app?.ready

describe('an autoscaler in virtual time', () => {
  it('adds instances as the load grows: 300/s of 10 ms at a target of 60 % need five cores, or six within the tolerance', () => {
    const ramp = { fromLevel: 50, toLevel: 300, durationSeconds: 250 }
    const result = run(service('{ min: 1, max: 10, triggers: [{ cpu: 60% }] }'), {
      seconds: 400,
      stages: [ramp, level(300, 150)],
    })
    const steps = scaledEvents(result)
    expect(steps.every(([at = 0, from = 0, to = 0]) => at % 15 === 0 && to > from)).toBe(true)
    expect(result.events).toContainEqual(
      expect.objectContaining({ type: 'scaled', component: 'app', from: 1, to: 2, reason: 'cpu above target' }),
    )
    expect(result.components.app?.replicas).toBeGreaterThanOrEqual(5)
    expect(result.components.app?.replicas).toBeLessThanOrEqual(6)
    expect(result.requests.all?.errors).toEqual({})
    expect(result.components.app?.utilization.cpu).toBeLessThan(0.7)
    expect(result.components.app?.utilization.cpu).toBeGreaterThan(0.45)
  })

  it('a new instance takes calls when its start-up is over, not before', () => {
    const result = run(service('{ min: 1, max: 10, triggers: [{ cpu: 60% }] }'), { rate: 90, seconds: 60 })
    expect(scaledEvents(result)[0]).toEqual([30, 1, 2])
    const states = result.events.flatMap((event) =>
      event.type === 'instance' ? [[event.at, event.instance, event.state]] : [],
    )
    expect(states).toEqual([
      [30, 'app/1', 'starting'],
      [40, 'app/1', 'ready'],
    ])
    expect([readyAt(result, 39), readyAt(result, 41)]).toEqual([1, 2])
    const [first, second] = result.components.app?.instances ?? []
    expect(second?.visits).toBeGreaterThan(0.3 * (20 / 60) * (first?.visits ?? 0))
    expect(second?.restarts).toBe(0)
  })

  it('takes instances away after the stabilization window, without losing a request', () => {
    const scaling = '{ min: 1, max: 10, triggers: [{ cpu: 60% }], stabilization: { down: 60s } }'
    const result = run(service(scaling), {
      seconds: 400,
      stages: [level(250, 200), level(20, 200)],
    })
    const down = scaledEvents(result).filter(([, from = 0, to = 0]) => to < from)
    // The last window that is all high ends at 195 s, is known at 210 s, and forgotten 60 s later.
    for (const [at = 0, , to = 0] of down) expect(to >= 4).toBe(at < 270)
    expect(down.at(-1)?.[0]).toBeLessThanOrEqual(330)
    expect(result.components.app?.replicas).toBe(1)
    expect(readyAt(result, 400)).toBe(1)
    expect(result.requests.all?.errors).toEqual({})
    // The youngest go.
    expect(
      result.events.flatMap((e) => (e.type === 'instance' && e.state === 'stopped' ? [e.instance] : [])),
    ).not.toContain('app/0')
  })

  it('follows requests in flight, the rate of each replica, and requests in hand', () => {
    const at = (trigger: string) =>
      run(service(`{ min: 1, max: 10, triggers: [${trigger}], every: 5s, window: 5s, metricsLag: 0s }`), {
        rate: 80,
        seconds: 120,
      }).components.app?.replicas
    expect(at('{ ratePerReplica: 20/s }')).toBe(4)
    expect(at('{ ratePerReplica: 100/s }')).toBe(1)
    expect(at('{ inFlight: 1000 }')).toBe(1)
    expect(at('{ queueLength: 1000 }')).toBe(1)
    expect(at('{ queueLengthPerReplica: 1 }')).toBeGreaterThan(1)
  })

  it('memory is a share of what all requests in flight would need: base and 1 MiB each', () => {
    const memory = (target: string, maxInFlight: number) => `
name: memory
components:
  app:
    engine: service
    execution: { model: virtual-threads }
    resources: { memory: { base: 100MiB, perRequest: 1MiB } }
    maxInFlight: ${maxInFlight}
    scaling: { min: 1, max: 9, triggers: [{ memory: ${target} }] }
requests:
  r: { share: 100%, serve: app, flow: [{ wait: { const: 1s } }] }
`
    // Some 50 in flight: 150 MiB of 200 MiB, 75 %.
    const plan = { rate: 50, seconds: 60, arrivals: { kind: 'constant' } } as const
    expect(run(memory('80%', 100), plan).components.app?.replicas).toBe(1)
    expect(run(memory('50%', 100), plan).components.app?.replicas).toBe(2)
  })

  it('quotas that are more than their machine has are cut for those that are there alone', () => {
    const text = `
name: crowded
hosts: { box: { cpu: 2 } }
components:
  app:
    engine: service
    host: box
    execution: { model: virtual-threads }
    resources: { cpu: 1.5 }
    scaling: { min: 1, max: 4, triggers: [{ ratePerReplica: 40/s }] }
requests:
  r: { share: 100%, serve: app, flow: [{ compute: { const: 10ms } }] }
`
    const one = run(text, { rate: 30, seconds: 60 })
    expect(one.components.app?.utilization.cpu).toBeCloseTo(0.3 / 1.5, 1)
    expect(one.requests.all?.latency?.p50).toBeLessThan(0.015)
    const four = run(text, { rate: 190, seconds: 300, warmup: 200 })
    expect(four.components.app?.replicas).toBe(4)
    // Two cores for all four.
    expect(four.hosts.box?.utilization.cpu).toBeCloseTo(0.95, 1)
    expect(four.components.app?.utilization.cpu).toBeCloseTo(0.95, 1)
  })

  it('a crashed instance counts as one: nobody is started in its place, and its return is used', () => {
    const faults = [
      {
        kind: 'kill',
        atSeconds: 100,
        target: { kind: 'instance', component: 'app', index: 0 },
        restartAfterSeconds: 5,
      },
      // Not there: nothing happens.
      {
        kind: 'kill',
        atSeconds: 110,
        target: { kind: 'instance', component: 'app', index: 9 },
        restartAfterSeconds: 5,
      },
    ] as const
    const result = run(service('{ min: 2, max: 10, triggers: [{ cpu: 90% }] }'), { rate: 50, seconds: 200, faults })
    expect(scaledEvents(result)).toEqual([])
    expect([readyAt(result, 105), readyAt(result, 130)]).toEqual([1, 2])
    expect(result.components.app?.instances.map(({ id, restarts }) => [id, restarts])).toEqual([
      ['app/0', 1],
      ['app/1', 0],
    ])
  })

  it('killing the whole component strikes those that are there, and brings back no other', () => {
    const faults = [
      { kind: 'kill', atSeconds: 50, target: { kind: 'component', component: 'app' }, restartAfterSeconds: 1 },
    ] as const
    const result = run(service('{ min: 2, max: 10, triggers: [{ cpu: 90% }] }'), { rate: 50, seconds: 100, faults })
    expect(readyAt(result, 55)).toBe(0)
    expect(readyAt(result, 65)).toBe(2)
  })

  it('an instance that is killed while it leaves does not come back', () => {
    const slow = `
name: slow
components:
  app:
    engine: service
    replicas: 3
    execution: { model: virtual-threads }
    restart: { after: 1s }
    scaling: { min: 1, max: 3, triggers: [{ ratePerReplica: 1000/s }], stabilization: { down: 0s } }
requests:
  r: { share: 100%, serve: app, client: { timeout: 60s }, flow: [{ wait: { const: 40s } }] }
`
    const faults = [2, 1].map((index) => ({
      kind: 'kill' as const,
      atSeconds: 40,
      target: { kind: 'instance' as const, component: 'app', index },
      restartAfterSeconds: 1,
    }))
    const result = run(slow, { rate: 5, seconds: 120, faults })
    expect(scaledEvents(result)).toEqual([[30, 3, 1]])
    expect(readyAt(result, 31)).toBe(1)
    expect(readyAt(result, 100)).toBe(1)
    expect(result.requests.all?.errors.reset).toBeGreaterThan(80)
  })

  it('closed load without a balancer uses those that have come', () => {
    const text = `
name: direct
components:
  app:
    engine: service
    execution: { model: event-loop, processes: 2 }
    startup: 1s
    scaling: { min: 1, max: 4, triggers: [{ cpu: 50% }] }
requests:
  r: { share: 100%, serve: app, flow: [{ compute: 10ms }] }
`
    const result = run(text, { users: 20, seconds: 200, warmup: 150 })
    expect(result.components.app?.replicas).toBe(4)
    // Eight loops of 100 a second each.
    expect(result.requests.all?.ratePerSecond).toBeGreaterThan(600)
  })

  it('gives the same run for the same seed', () => {
    const once = () => run(service('{ min: 1, max: 10, triggers: [{ cpu: 60% }] }'), { rate: 200, seconds: 120 })
    expect(JSON.stringify(once())).toBe(JSON.stringify(once()))
  })
})

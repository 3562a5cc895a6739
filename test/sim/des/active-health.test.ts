import { describe, expect, it } from 'vitest'
import { run } from './support.js'

/** haproxy before two servers; clients give up after 3 s, and so does the proxy. */
const text = (health: string, flow = '[{ compute: { const: 1ms } }]'): string => `
name: probed
components:
  edge: { engine: haproxy, upstream: app, readTimeout: 3s, nextUpstream: { for: [] }, health: ${health} }
  app: { engine: service, replicas: 2, startup: 5s }
requests:
  r: { share: 100%, enter: edge, serve: app, client: { timeout: 3s }, flow: ${flow} }
`
const passive = '{ maxFails: 0 }'
const active = '{ maxFails: 0, interval: 1s, timeout: 500ms, rise: 2, fall: 3 }'
const first = { kind: 'instance', component: 'app', index: 0 } as const

describe('active health checks', () => {
  it('take a frozen instance out after fall probes, where without them half of the requests time out', () => {
    const faults = [{ kind: 'pause', atSeconds: 10, target: first, forSeconds: 20 }] as const
    const plan = { rate: 100, seconds: 50, faults }
    const without = run(text(passive), plan)
    const withChecks = run(text(active), plan)
    const failed = (result: typeof without) => (result.requests.all?.offered ?? 0) - (result.requests.all?.ok ?? 0)
    // Half of 100/s for 20 s; what comes less than 3 s before the end still is answered.
    expect(failed(without)).toBeGreaterThan(0.8 * 1000)
    expect(failed(without)).toBeLessThan(1.05 * 1000)
    // Three probes that each wait 0.5 s: out between 2.5 s and 3.5 s after the freeze.
    expect(failed(withChecks)).toBeGreaterThan(100)
    expect(failed(withChecks)).toBeLessThan(200)
    expect(withChecks.events).toContainEqual(
      expect.objectContaining({ type: 'detected', instance: 'app/0', by: 'edge' }),
    )
    const detected = withChecks.events.find((event) => event.type === 'detected')
    expect(detected?.at).toBeGreaterThan(12.4)
    expect(detected?.at).toBeLessThan(13.6)
  })

  it('bring an instance back after rise probes', () => {
    const faults = [{ kind: 'kill', atSeconds: 10, target: first, restartAfterSeconds: 5 }] as const
    const result = run(text(active), { rate: 100, seconds: 40, faults })
    const visits = (from: number, to: number) =>
      result.series.filter(({ at }) => at > from && at <= to).map(({ components }) => components.app?.ready)
    expect(visits(21, 40)).toEqual(Array(19).fill(2))
    const [one, two] = result.components.app?.instances ?? []
    // Down from 10 s to 20 s, and believed down for one to two probes more.
    expect((one?.visits ?? 0) / ((one?.visits ?? 0) + (two?.visits ?? 0))).toBeCloseTo(14 / 40, 1)
    const whole = result.series.filter(({ at }) => at > 14)
    for (const { requests } of whole) expect(requests.all?.errors).toEqual({})
  })

  it('cost little and disturb nothing while all is well', () => {
    const plan = { rate: 200, seconds: 30 }
    const without = run(text(passive), plan)
    const withChecks = run(text(active), plan)
    expect(withChecks.requests.all?.errors).toEqual({})
    expect(withChecks.requests.all?.ok).toBe(without.requests.all?.ok)
    const spent = (result: typeof without) => result.components.app?.cpuSeconds ?? 0
    // Two instances, a probe a second, 50 µs each.
    expect(spent(withChecks) - spent(without)).toBeCloseTo(2 * 30 * 50e-6, 4)
    expect(withChecks.components.app?.throughputPerSecond).toBe(without.components.app?.throughputPerSecond)
  })

  it('an event loop that is busy for longer than the timeout is taken for dead, and work goes to the other', () => {
    const slow = run(
      text('{ maxFails: 0, interval: 1s, timeout: 100ms, fall: 2 }', '[{ compute: { const: 300ms } }]'),
      {
        rate: 5,
        seconds: 60,
      },
    )
    expect(slow.events.filter((event) => event.type === 'detected').length).toBeGreaterThan(0)
    expect(slow.requests.all?.errors['502']).toBeGreaterThan(0)
  })

  it('every process of the balancer probes for itself, and a new one trusts all at first', () => {
    const faults = [
      { kind: 'pause', atSeconds: 5, target: first, forSeconds: 40 },
      { kind: 'kill', atSeconds: 20, target: { kind: 'component', component: 'edge' }, restartAfterSeconds: 0.1 },
    ] as const
    const result = run(text(active), { rate: 50, seconds: 40, faults })
    const timeouts = (from: number, to: number) =>
      result.series
        .filter(({ at }) => at > from && at <= to)
        .reduce(
          (sum, { requests }) => sum + (requests.all?.errors.timeout ?? 0) + (requests.all?.errors['504'] ?? 0),
          0,
        )
    expect(timeouts(12, 20)).toBe(0)
    expect(timeouts(20, 30)).toBeGreaterThan(20)
    expect(timeouts(30, 40)).toBe(0)
  })
})

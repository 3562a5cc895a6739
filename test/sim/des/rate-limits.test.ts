import { describe, expect, it } from 'vitest'
import { run } from './support.js'

const behind = (rateLimit: string, engine = 'nginx'): string => `
name: limited
components:
  edge: { engine: ${engine}, upstream: app, rateLimit: ${rateLimit} }
  app: { engine: service, execution: { model: virtual-threads } }
requests:
  r: { share: 100%, enter: edge, serve: app, route: GET /r, flow: [{ wait: { const: 1ms } }] }
`
const constant = { arrivals: { kind: 'constant' } } as const

describe("a balancer's rate limit", () => {
  it('lets the rate through and answers 429 beyond it: 100/s of 250/s, and the burst once', () => {
    const result = run(behind('{ rate: 100/s, burst: 20 }'), { rate: 250, seconds: 10 })
    const { ok, errors, offered } = result.requests.all ?? {}
    expect(ok).toBeGreaterThanOrEqual(1000)
    expect(ok).toBeLessThanOrEqual(1000 + 21)
    expect(errors).toEqual({ '429': (offered ?? 0) - (ok ?? 0) })
    // What is turned away never reaches the service.
    expect(result.edges['edge -> app']?.count).toBe(ok)
  })

  it('holds back under a leaky bucket: constant arrivals at twice the rate wait for burst/rate in the end', () => {
    const leaky = '{ algorithm: leaky-bucket, rate: 100/s, burst: 20 }'
    const result = run(behind(leaky), { rate: 200, seconds: 10, warmup: 2, ...constant })
    expect(result.requests.all?.ratePerSecond).toBeCloseTo(100, 0)
    expect(result.requests.all?.latency?.p50).toBeGreaterThan(0.19)
    expect(result.requests.all?.latency?.max).toBeLessThan(0.203)
    const even = run(behind(leaky), { rate: 100, seconds: 10, ...constant })
    expect(even.requests.all?.errors).toEqual({})
    expect(even.requests.all?.latency?.max).toBeLessThan(0.01)
  })

  it('admits the limit of each window under a sliding window', () => {
    const sliding = '{ algorithm: sliding-window, rate: 50/s, window: 2s }'
    const result = run(behind(sliding, 'haproxy'), { rate: 500, seconds: 20 })
    expect(result.requests.all?.ok).toBeGreaterThanOrEqual(970)
    expect(result.requests.all?.ok).toBeLessThanOrEqual(1100)
  })

  it('counts each instance of the balancer for itself, and anew after a crash', () => {
    const two = behind('{ rate: 50/s, burst: 10 }').replace('engine: nginx,', 'engine: nginx, replicas: 2,')
    const { ok = 0 } = run(two, { rate: 400, seconds: 10 }).requests.all ?? {}
    expect(ok).toBeGreaterThanOrEqual(1000)
    expect(ok).toBeLessThanOrEqual(1022)
    const faults = [
      {
        kind: 'kill',
        atSeconds: 5,
        target: { kind: 'component', component: 'edge' },
        restartAfterSeconds: 0.1,
      },
    ] as const
    const slow = run(behind('{ rate: 1/m }'), { rate: 50, seconds: 10, faults })
    expect(slow.requests.all?.ok).toBe(2)
  })
})

describe('the rate limit of an external', () => {
  const paying = (rate: string) => `
name: quota
components:
  app: { engine: service, execution: { model: virtual-threads } }
  pay: { engine: external, latency: { const: 50ms }, rateLimit: { rate: ${rate} } }
requests:
  a: { share: 50%, serve: app, flow: [{ call: pay }] }
  b: { share: 50%, serve: app, flow: [{ call: pay }] }
`
  it('is one for all callers: what exceeds it fails at once, and no more than the rate succeeds', () => {
    const result = run(paying('40/s'), { rate: 100, seconds: 20 })
    expect(result.requests.all?.ratePerSecond).toBeGreaterThan(38)
    expect(result.requests.all?.ratePerSecond).toBeLessThanOrEqual(42)
    expect(Object.keys(result.requests.all?.errors ?? {})).toEqual(['502'])
    expect(run(paying('400/s'), { rate: 100, seconds: 20 }).requests.all?.errors).toEqual({})
  })
})

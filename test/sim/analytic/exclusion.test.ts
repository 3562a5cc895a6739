/** Waits for locks: one M/G/1 queue per key, against the textbook and the event engine. */
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../../src/plan/capacity.js'
import { zipfGroups } from '../../../src/sim/analytic/cache.js'
import { exclusionWait } from '../../../src/sim/analytic/network/exclusion.js'
import { run, topologyOf } from '../des/support.js'

const locked = (keys: string, rate: number) => `
name: locks
data: { item: { keys: ${keys} } }
components:
  app: { engine: service, execution: { model: virtual-threads }, resources: { cpu: 8 }, demand: { cpu: 0s } }
  cache: { engine: redis, demand: { cpu: 0s } }
requests:
  r: { share: 100%, serve: app, route: "GET /{item}", flow: [{ lock: cache, key: item, ttl: 60s, do: [{ wait: 10ms }] }] }
traffic: { rate: ${rate}/s }
`

describe('locks', () => {
  it('one key is M/M/1: 50/s of 10 ms take 20 ms, Pollaczek and Khinchine half the wait when the time is constant', () => {
    const one = zipfGroups(1, 0)
    expect(exclusionWait(one, 50, { mean: 0.01, variance: 0.0001 })).toMatchObject({ waitProbability: 0.5 })
    expect(exclusionWait(one, 50, { mean: 0.01, variance: 0.0001 }).waitSeconds).toBeCloseTo(0.01, 12)
    expect(exclusionWait(one, 50, { mean: 0.01, variance: 0 }).waitSeconds).toBeCloseTo(0.005, 12)
    expect(exclusionWait(one, 100, { mean: 0.01, variance: 0 }).waitSeconds).toBe(Number.POSITIVE_INFINITY)
  })

  it('k equal keys at k times the rate wait like one', () => {
    const wait = exclusionWait(zipfGroups(8, 0), 8 * 50, { mean: 0.01, variance: 0.0001 })
    expect(wait.waitSeconds).toBeCloseTo(0.01, 12)
    expect(wait.waitVariance).toBeCloseTo(
      exclusionWait(zipfGroups(1, 0), 50, { mean: 0.01, variance: 0.0001 }).waitVariance,
      12,
    )
  })

  it.each([
    ['one key', '1', 60],
    ['a hundred by Zipf', '100, popularity: zipf(1)', 350],
  ])('the event engine agrees: %s', (_, keys, rate) => {
    const text = locked(keys, rate)
    const { residenceSeconds } = capacityPlan(topologyOf(text)).requests.r ?? {}
    const { latency } = run(text, { rate, seconds: 400, warmup: 20 }).requests.r ?? {}
    expect(residenceSeconds ?? 0).toBeGreaterThan(0.014)
    expect((latency?.mean ?? 0) / (residenceSeconds ?? 1)).toBeGreaterThan(0.95)
    expect((latency?.mean ?? 0) / (residenceSeconds ?? 1)).toBeLessThan(1.05)
  })

  it('what nests in a lock about the same keys waits for nobody, and is no limit of its own', () => {
    const { limits } = capacityPlan(
      topologyOf(`
name: nested
data: { item: { keys: 10, counters: { stock: 5 } } }
components:
  app: { engine: service, pools: { main: { to: db, size: 5 } } }
  cache: { engine: redis }
  db: { engine: postgres }
requests:
  r:
    share: 100%
    serve: app
    route: "POST /{item}"
    flow:
      - lock: cache
        key: item
        ttl: 5s
        do: [{ reserve: item.stock, via: app.main, guard: row-lock, time: 1ms }]
traffic: { rate: 1/s }
`),
    )
    expect(limits.filter(({ kind }) => kind === 'lock').map(({ id }) => id)).toEqual(['cache.item'])
  })
})

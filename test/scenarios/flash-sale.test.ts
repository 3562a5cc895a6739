/**
 * The flash sale in the simulator: what its README says of each experiment. Numbers follow from the topology (oracle 22, the lag of
 * replication, nginx's failTimeout, …), not from an earlier run.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import type { Experiment } from '../../src/experiment/types.js'
import { parseSetting } from '../../src/lib/document/settings.js'
import { capacityPlan } from '../../src/plan/capacity.js'
import { growthPlan } from '../../src/plan/growth/growth.js'
import type { ClassResult, RunResult } from '../../src/result/run-result.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'
import { topologyFile } from '../support/topology.js'

const topology = topologyFile('scenarios/flash-sale/topology.yaml')

const experiment = (name: string): Experiment => {
  const file = `scenarios/flash-sale/experiments/${name}.yaml`
  return parseExperiment(readFileSync(file, 'utf8'), { file, topology })
}

/** A million requests and more; many seconds where the machine is busy with other tests. */
const long = { timeout: 180_000 }

const results = new Map<string, RunResult>()

/** The result of an experiment as it stands; each is played once. */
const played = (name: string): RunResult => {
  const made = experiment(name)
  const result = results.get(name) ?? simulate({ topology, experiment: made, seed: made.seed })
  results.set(name, result)
  return result
}

const classOf = (result: RunResult, id: string): ClassResult => {
  const found = result.requests[id]
  if (found === undefined) throw new Error(`no class ${id}`)
  return found
}
const view = (result: RunResult): ClassResult => classOf(result, 'view-product')
const purchase = (result: RunResult): ClassResult => classOf(result, 'purchase')
const verdictOf = (result: RunResult, text: string): string | undefined =>
  [...result.steadyState, ...result.slo, ...result.invariants].find(({ name }) => name.startsWith(text))?.verdict
const within = (value: number | null | undefined, expected: number, share: number): void => {
  expect(Math.abs((value ?? Number.NaN) / expected - 1)).toBeLessThan(share)
}

describe('at 2000 requests a second', () => {
  const calm = (): RunResult => {
    const made = experiment('open-spike')
    return simulate({ topology, experiment: { ...made, faults: [] }, seed: made.seed })
  }

  it('all objectives hold; what is sold out is an answer, not a failure', () => {
    const result = calm()
    for (const { name, verdict } of result.slo) expect([name, verdict]).toEqual([name, 'pass'])
    expect(Object.keys(purchase(result).errors)).toEqual(['409'])
    expect(view(result).errors).toEqual({})
  })

  it('oracle 22: of 6000 requests 3984 are answered by the cache, 816 by the replica, and 1200 are purchases', () => {
    const result = calm()
    const rounds = (result.requests.all?.offered ?? 0) / 6000
    // 160,000 requests: a standard error of 0.2 % of the hits and 0.6 % of the reads.
    within(view(result).outcomes.hit.count / rounds, 3984, 0.01)
    within(view(result).outcomes.miss.count / rounds, 816, 0.03)
    within((result.steps['view-product/1.miss.0']?.count ?? 0) / rounds, 816, 0.03)
    within(purchase(result).offered / rounds, 1200, 0.02)
  })
})

describe('the path of five phases', () => {
  const file = 'scenarios/flash-sale/topology.yaml'
  const text = readFileSync(file, 'utf8')
  const parse = (settings: readonly string[]): Topology =>
    parseTopology(text, { file, registry: engineRegistry, settings: settings.map((one) => parseSetting(one)) })

  it('is whole up to 30,000 users, and no phase lifts what binds: the lock of the hottest product', () => {
    const { growth } = topology
    if (growth === undefined) throw new Error('no growth')
    const plan = capacityPlan(topology)
    const { phases } = growthPlan({ topology, plan, growth, fitted: undefined, from: '2026-12-01', parse })
    expect(phases.map(({ name, users }) => [name, users])).toEqual([
      ['app-servers', 6000],
      ['read-replicas', 12_000],
      ['shards', 15_000],
      ['cache', 20_000],
      ['cdn', 30_000],
    ])
    for (const { lifts, before, after } of phases) {
      expect(lifts).toBe(false)
      for (const { bottleneck, maxPerSecond } of [before, after]) {
        expect(bottleneck).toBe('cache.product')
        expect(maxPerSecond).toBeCloseTo(8279, 0)
      }
    }
  })
})

describe('normal: 6000 users who always have a request in flight', () => {
  it(
    'no objective of latency holds, by Little’s law: R = N/X, and 6000 within 10 ms would take 600,000/s',
    long,
    () => {
      const result = played('normal')
      const all = result.requests.all
      within(result.components.edge?.queue.mean, 6000, 0.001)
      // nginx, one event loop at 60 µs a visit, lets 16,667/s through at most.
      expect((all?.completed ?? 0) / 50).toBeLessThan(1 / 60e-6)
      for (const name of ['view-product.outcomes.hit', 'view-product.outcomes.miss', 'purchase.latency'])
        expect(verdictOf(result, name)).toBe('fail')
    },
  )

  it('who buys what is sold out waits for its lock all the same, until nearly everyone stands there', long, () => {
    const { series } = played('normal')
    const waiting = series.map(({ requests }) => requests.purchase?.inFlight ?? 0)
    expect(waiting[4]).toBeLessThan(3000)
    expect(waiting[39]).toBeGreaterThan(5900)
  })

  it('the third app server finds no connection of the primary left: 2 × 300 are more than 300 already', long, () => {
    const result = played('normal')
    expect(result.events).toContainEqual(expect.objectContaining({ type: 'scaled', component: 'app', from: 2, to: 3 }))
    const refused = (from: number, to: number): number =>
      result.series
        .filter(({ at }) => at > from && at <= to)
        .reduce((sum, { requests }) => sum + (requests.purchase?.errors['502'] ?? 0), 0)
    const ready = result.events.find(
      (event) => event.type === 'instance' && event.instance === 'app/2' && event.state === 'ready',
    )
    expect(refused(40, ready?.at ?? 0)).toBe(0)
    expect(refused(ready?.at ?? 0, 60)).toBeGreaterThan(1000)
    expect(verdictOf(result, 'no-oversell')).toBe('pass')
  })
})

describe('app-server-lost', () => {
  it(
    'is not within 5 s: nginx tries the server again after its failTimeout of 30 s, and the other one holds 3000',
    long,
    () => {
      const result = played('app-server-lost')
      const [fault] = result.faults
      expect(fault?.inFlightAtInjection).toBe(6000)
      expect(fault?.detectionSeconds).toBeLessThan(0.1)
      within(fault?.recoverySeconds, 31.5, 0.1)
      expect(view(result).errors['503']).toBeGreaterThan(10_000)
      expect(verdictOf(result, 'all.errors')).toBe('fail')
    },
  )
})

describe('lose-the-cache', () => {
  it('multiplies the reads of the replica by 1/(1 − 0.83) = 5.88, which it carries; no lock, no purchase', () => {
    const made = experiment('lose-the-cache')
    const without = simulate({ topology, experiment: { ...made, faults: [] }, seed: made.seed })
    const result = played('lose-the-cache')
    const [fault] = result.faults
    const gone = (fault?.undoneAt ?? 0) - 30
    const usual = view(without).outcomes.miss.count * (gone / 80)
    within((view(result).outcomes.miss.count - view(without).outcomes.miss.count + usual) / usual, 1 / 0.17, 0.03)
    expect(view(result).errors).toEqual({})
    expect(verdictOf(result, 'view-product.latency.p95')).toBe('pass')
    within(fault?.failedRequests, 0.2 * 2000 * gone, 0.05)
  })
})

describe('redis-master-lost', () => {
  it('nobody is elected: products can be looked at, but none can be bought any more', () => {
    const result = played('redis-master-lost')
    expect(result.faults[0]?.recoverySeconds).toBeNull()
    expect(view(result).errors).toEqual({})
    expect(verdictOf(result, 'purchase.errors')).toBe('fail')
    const bought = (from: number, to: number): number =>
      result.series
        .filter(({ at }) => at > from && at <= to)
        .reduce((sum, { requests }) => sum + (requests.purchase?.ok ?? 0), 0)
    // Half of the slots for as long as the cluster waits, then none at all.
    within(bought(20, 35) / bought(5, 20), 0.5, 0.1)
    expect(bought(37, 60)).toBe(0)
  })
})

describe('primary-failover', () => {
  it('is whole after 5 s to notice and 20 s to promote, and loses what was acknowledged in the last 100 ms', () => {
    const result = played('primary-failover')
    const [fault] = result.faults
    within(fault?.recoverySeconds, 25, 0.05)
    within(fault?.failedRequests, 0.2 * 2000 * 25, 0.05)
    const lost = result.invariants.find(({ name }) => name === 'no-lost-writes')
    expect(lost?.verdict).toBe('fail')
    // Two writes of each of up to 400 purchases a second, for a tenth of a second.
    expect(lost?.observed).toBeGreaterThan(30)
    expect(lost?.observed).toBeLessThan(110)
  })
})

describe('kafka-broker-lost', () => {
  it('one of two voters is no majority: purchases wait until the app servers are full, and then nobody can even look', () => {
    const result = played('kafka-broker-lost')
    const [fault] = result.faults
    expect(fault?.recoverySeconds).toBeGreaterThan(20)
    expect(fault?.recoverySeconds).toBeLessThan(40)
    expect(result.components.app?.queue.max).toBe(6000)
    expect(view(result).errors['503']).toBeGreaterThan(1000)
    expect(verdictOf(result, 'purchase.ratePerSecond')).toBe('fail')
  })
})

describe('payment-errors', () => {
  it('three attempts would fail 2.7 % of purchases; a retry budget of 20 % lets more through, and all stock is given back', () => {
    const result = played('payment-errors')
    const failed = purchase(result).errors['502'] ?? 0
    // Of those that reach payment in 30 s: 30 % fail at first; of five first attempts one retry is paid for.
    const paid = (result.steps['purchase/0.saga.2']?.count ?? 0) * (30 / 65)
    expect(failed / paid).toBeGreaterThan(0.1)
    expect(failed / paid).toBeLessThan(0.2)
    within(result.steps['purchase/0.saga.0.undo.0']?.count, failed, 0.01)
    within(result.steps['purchase/0.saga.1.undo.0']?.count, failed, 0.01)
    expect(verdictOf(result, 'no-oversell')).toBe('pass')
  })
})

describe('slow-payment', () => {
  it('every purchase fails by its timeout for 20 s; those who only look notice nothing', () => {
    const result = played('slow-payment')
    expect(purchase(result).errors['504']).toBeGreaterThan(4000)
    within(result.faults[0]?.recoverySeconds, 22, 0.1)
    expect(view(result).errors).toEqual({})
    expect(verdictOf(result, 'view-product.errors')).toBe('pass')
  })
})

describe('open-spike', () => {
  it('four times the rate for 20 s is carried without a failure', () => {
    const result = played('open-spike')
    expect(result.faults[0]?.failedRequests).toBe(0)
    const during = result.series.filter(({ at }) => at > 31 && at <= 50)
    within(during.reduce((sum, { requests }) => sum + (requests.all?.offered ?? 0), 0) / during.length, 8000, 0.02)
    for (const { name, verdict } of [...result.steadyState, ...result.slo])
      expect([name, verdict]).toEqual([name, 'pass'])
  })
})

describe('hot-product', () => {
  it('one product in ten purchases, 6 ms under its lock: it cannot be asked for more often than 160 times a second', () => {
    const result = played('hot-product')
    expect(verdictOf(result, 'purchase.inFlight')).toBe('fail')
    expect(verdictOf(result, 'purchase.errors')).toBe('pass')
    expect(verdictOf(result, 'no-oversell')).toBe('pass')
  })
})

describe('spike', () => {
  it('refuses what is beyond 3000 per app server, and stands still when everyone waits for one lock', long, () => {
    const result = played('spike')
    expect(view(result).errors['503']).toBeGreaterThan(5000)
    expect(verdictOf(result, 'all.ratePerSecond')).toBe('fail')
    expect(verdictOf(result, 'no-oversell')).toBe('pass')
  })
})

/** Replicated stores in the event engine: who takes over when, and what is lost. */
import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../../src/result/run-result.js'
import { run } from './support.js'

const topology = (store: string, flow: string, options = ''): string => `
name: replicated
hosts: { big: { count: 1, cpu: 1000 } }
data: { product: { keys: 1000, counters: { stock: 1000000 } } }
components:
  app:
    engine: service
    host: big
    execution: { model: virtual-threads }
${options}
  db: { ${store}, host: big, demand: { const: 0ms } }
requests:
  buy: { share: 100%, serve: app, route: POST /buy, flow: [${flow}] }
`

const killed = (atSeconds: number, index = 0, restartAfterSeconds?: number) => ({
  kind: 'kill' as const,
  atSeconds,
  target: { kind: 'instance' as const, component: 'db', index },
  ...(restartAfterSeconds === undefined ? {} : { restartAfterSeconds }),
})

/** Seconds (by their ends) in which something failed. */
const failing = (result: RunResult): number[] =>
  result.series.filter(({ requests }) => Object.keys(requests.all?.errors ?? {}).length > 0).map(({ at }) => at)

const write = '{ write: db, table: product, key: product, time: { wait: { const: 1ms } } }'

describe('a primary that is killed', () => {
  const failover = 'failover: { detect: 5s, promote: 20s }'

  it('is replaced after detect and promote, and not before', () => {
    const result = run(topology(`engine: mysql, readReplicas: 1, ${failover}`, write), {
      rate: 100,
      seconds: 60,
      faults: [killed(10)],
    })
    expect(failing(result)).toEqual(Array.from({ length: 25 }, (_, i) => 11 + i))
    const [fault] = result.faults
    expect(fault?.recoverySeconds).toBe(25)
    expect(fault?.detectedAt).toBeGreaterThan(10)
    expect(fault?.firstSuccessAt).toBeGreaterThanOrEqual(35)
    expect(result.events).toContainEqual({
      type: 'note',
      at: 35,
      message: 'db/1 is primary of db now; it was db/0',
    })
  })

  it('without failover: is not replaced, but goes on when it is back', () => {
    const result = run(topology('engine: mysql, readReplicas: 1', write), {
      rate: 100,
      seconds: 40,
      faults: [killed(10, 0, 8)],
    })
    // 8 s, and 2 s to start.
    expect(failing(result)).toEqual(Array.from({ length: 10 }, (_, i) => 11 + i))
  })

  it('and is back before it is missed stays primary', () => {
    const result = run(topology(`engine: mysql, readReplicas: 1, ${failover}`, write), {
      rate: 100,
      seconds: 40,
      faults: [killed(10, 0, 1)],
    })
    expect(failing(result)).toEqual([11, 12, 13])
    expect(result.events.filter(({ type }) => type === 'note')).toEqual([])
  })

  it('leaves the reads of copies alone, also when the last copy is promoted', () => {
    const read = '{ query: db.replica, table: product, key: product, time: { wait: { const: 1ms } } }'
    const result = run(topology(`engine: postgres, readReplicas: 1, ${failover}`, read), {
      rate: 100,
      seconds: 60,
      faults: [killed(10)],
    })
    expect(result.requests.all?.errors).toEqual({})
  })

  it('takes along what no copy had received: the writes of the last lag', () => {
    const lossy = (replication: string): RunResult =>
      run(topology(`engine: mysql, readReplicas: 1, replication: ${replication}, ${failover}`, write), {
        rate: 1000,
        seconds: 60,
        arrivals: { kind: 'constant' },
        faults: [killed(10)],
        invariants: ['no-lost-writes'],
      })
    const [lost] = lossy('{ mode: async, lag: 100ms }').invariants
    expect(lost?.verdict).toBe('fail')
    expect(lost?.observed).toBeGreaterThanOrEqual(99)
    expect(lost?.observed).toBeLessThanOrEqual(101)
    for (const mode of ['semi-sync', 'sync'])
      expect(lossy(`{ mode: ${mode}, lag: 100ms }`).invariants[0]).toMatchObject({ verdict: 'pass', observed: 0 })
  })

  it('loses nothing when it is stopped in order', () => {
    const result = run(
      topology(`engine: mysql, readReplicas: 1, replication: { mode: async, lag: 1s }, ${failover}`, write),
      {
        rate: 100,
        seconds: 60,
        faults: [{ kind: 'stop', atSeconds: 10, target: { kind: 'instance', component: 'db', index: 0 } }],
        invariants: ['no-lost-writes'],
      },
    )
    expect(result.invariants[0]?.verdict).toBe('pass')
    expect(result.faults[0]?.recoverySeconds).toBe(25)
  })

  it('sells again what it had sold in the last lag', () => {
    const reserve = '{ reserve: product.stock, via: db, guard: row-lock }'
    const text = topology(
      `engine: mysql, readReplicas: 1, replication: { mode: async, lag: 1s }, ${failover}`,
      reserve,
    ).replace('keys: 1000, counters: { stock: 1000000 }', 'keys: 1, counters: { stock: 2000 }')
    const result = run(text, {
      rate: 100,
      seconds: 120,
      arrivals: { kind: 'constant' },
      faults: [killed(10)],
      invariants: ['no-oversell', 'no-lost-writes'],
    })
    const [oversold, lost] = result.invariants
    expect(oversold).toMatchObject({ verdict: 'fail' })
    expect(oversold?.observed).toBe(lost?.observed)
    expect(oversold?.observed).toBeGreaterThanOrEqual(99)
    expect(oversold?.observed).toBeLessThanOrEqual(101)
  })

  it('that is merely paused is replaced, and does not come back as primary', () => {
    const result = run(
      topology(`engine: mysql, readReplicas: 1, ${failover}`, `{ ${write.slice(2, -2)}, timeout: 1s }`),
      {
        rate: 100,
        seconds: 60,
        faults: [
          { kind: 'pause', atSeconds: 10, forSeconds: 40, target: { kind: 'instance', component: 'db', index: 0 } },
        ],
      },
    )
    expect(result.faults[0]?.sloRegainedAt).toBeLessThanOrEqual(36)
    expect(result.events).toContainEqual(expect.objectContaining({ type: 'note', at: 35 }))
  })
})

describe('synchronous replication', () => {
  it('makes every write wait for the copy, as long as there is one', () => {
    const result = run(topology('engine: postgres, readReplicas: 1, replication: { mode: sync, lag: 20ms }', write), {
      rate: 50,
      seconds: 40,
      faults: [killed(20, 1)],
    })
    const mean = (from: number, to: number): number => {
      const seconds = result.series.filter(({ at }) => at > from && at <= to)
      return seconds.reduce((sum, { requests }) => sum + (requests.all?.inFlight ?? 0), 0) / seconds.length
    }
    expect(result.steps['buy/0']?.latency?.max).toBeCloseTo(0.021, 3)
    expect(result.requests.all?.latency?.p50).toBeLessThan(0.022)
    expect(mean(0, 20)).toBeGreaterThan(0.6)
    expect(mean(21, 40)).toBeLessThan(0.3)
  })
})

describe('reads from copies', () => {
  it('within the lag after a write are stale: 1 − e^(−λ·lag) of them', () => {
    const flow = `{ choose: [{ weight: 50%, flow: [${write}] }, { weight: 50%, flow: [{ query: db.replica, table: product, key: product }] }] }`
    const text = topology('engine: mysql, readReplicas: 2, replication: { mode: async, lag: 100ms }', flow).replace(
      'keys: 1000',
      'keys: 10',
    )
    const result = run(text, { rate: 200, seconds: 200, invariants: ['no-stale-reads'] })
    const reads = (result.requests.all?.offered ?? 0) / 2
    // 10 writes a second of each key: 1 − e^(−1) = 63.2 %.
    expect((result.invariants[0]?.observed ?? 0) / reads).toBeGreaterThan(0.61)
    expect((result.invariants[0]?.observed ?? 0) / reads).toBeLessThan(0.655)
  })
})

describe('a Redis cluster', () => {
  const look = '{ write: db, key: product }'

  it('of three masters with copies replaces a lost one after 15 s and an election', () => {
    const result = run(topology('engine: redis, mode: cluster, masters: 3, replicasPerMaster: 1', look), {
      rate: 200,
      seconds: 60,
      faults: [killed(10)],
    })
    expect(failing(result)).toEqual(Array.from({ length: 16 }, (_, i) => 11 + i))
    const errors = (at: number): number =>
      Object.values(result.series.find((second) => second.at === at)?.requests.all?.errors ?? {}).reduce(
        (a, b) => a + b,
        0,
      )
    // A third of the keys at first, all of them while the cluster is down.
    expect(errors(20)).toBeLessThan(100)
    expect(errors(26)).toBeGreaterThan(160)
  })

  it('of two masters elects nobody: with one of them gone all keys are refused', () => {
    const result = run(topology('engine: redis, mode: cluster, masters: 2, replicasPerMaster: 1', look), {
      rate: 200,
      seconds: 60,
      faults: [killed(10)],
    })
    const last = result.series.at(-1)?.requests.all
    expect(last?.ok).toBe(0)
    expect(result.events).toContainEqual({
      type: 'note',
      at: 25,
      message: 'nobody can be promoted to primary of db in place of db/0',
    })
  })
})

describe('a MongoDB replica set', () => {
  it('of three elects within 12 s; of two it stands still, whichever is lost', () => {
    const set = (readReplicas: number, lost: number): RunResult =>
      run(topology(`engine: mongodb, readReplicas: ${readReplicas}`, write), {
        rate: 100,
        seconds: 40,
        faults: [killed(10, lost)],
      })
    expect(failing(set(2, 0))).toEqual(Array.from({ length: 12 }, (_, i) => 11 + i))
    expect(failing(set(2, 1))).toEqual([])
    expect(failing(set(1, 0))).toEqual(Array.from({ length: 30 }, (_, i) => 11 + i))
    expect(failing(set(1, 1))).toEqual(Array.from({ length: 20 }, (_, i) => 21 + i))
  })
})

describe('a store that does not persist', () => {
  it('loses all writes and counters when it dies, one with an append-only file none', () => {
    const lost = (persistence: string): RunResult =>
      run(topology(`engine: redis, persistence: ${persistence}`, '{ reserve: product.stock, via: db, guard: lua }'), {
        rate: 100,
        seconds: 20,
        arrivals: { kind: 'constant' },
        faults: [killed(10, 0, 1)],
        invariants: ['no-lost-writes'],
      })
    expect(lost('none').invariants[0]).toMatchObject({ verdict: 'fail', observed: 1000 })
    expect(lost('aof').invariants[0]).toMatchObject({ verdict: 'pass', observed: 0 })
    // No snapshot before 60 s with 10,000 changes.
    expect(lost('rdb').invariants[0]).toMatchObject({ verdict: 'fail', observed: 1000 })
  })

  it('forgets its locks, whose holders work on', () => {
    const flow = '{ lock: db, key: product, ttl: 60s, do: [{ wait: { const: 3s } }] }'
    const result = run(topology('engine: redis', flow).replace('keys: 1000', 'keys: 1'), {
      rate: 1,
      seconds: 20,
      faults: [killed(10, 0, 0)],
      invariants: ['mutual-exclusion'],
    })
    expect(result.invariants[0]).toMatchObject({ verdict: 'fail', observed: 1 })
    expect(result.invariants[0]?.why).toContain('forgotten')
  })
})

describe('the pools of a store that fails over', () => {
  it('take their connections from whoever is primary, within its limit', () => {
    const result = run(
      topology(
        'engine: mysql, readReplicas: 1, maxConnections: 11, failover: { detect: 1s, promote: 1s }',
        '{ write: app.main, table: product, time: { wait: { const: 50ms } } }',
        '    pools: { main: { to: db, size: 20 } }',
      ),
      { rate: 190, seconds: 30, faults: [killed(10)] },
    )
    // 190/s of 50 ms need 9.5 connections, sometimes more than 10: before as after.
    const refused = (from: number, to: number): number =>
      result.series
        .filter(({ at }) => at > from && at <= to)
        .reduce((sum, { requests }) => sum + (requests.all?.errors['502'] ?? 0), 0)
    expect(refused(0, 10)).toBeGreaterThan(50)
    expect(refused(13, 30)).toBeGreaterThan(50)
    expect(refused(13, 30)).toBeLessThan(190 * 17 * 0.6)
  })
})

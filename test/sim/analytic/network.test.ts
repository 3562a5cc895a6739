/** The network that a topology means: held against textbook answers where there are some, else against the event engine. */
import { describe, expect, it } from 'vitest'
import { topologyPlacement } from '../../../src/catalog/placement.js'
import { defaultExperiment } from '../../../src/experiment/default.js'
import type { Placement } from '../../../src/result/placement.js'
import { checkAgainstTheory, type TheoryCheck } from '../../../src/sim/analytic/check.js'
import { extremeOf, fittedQuantile, gammaTail, lnGamma } from '../../../src/sim/analytic/gamma.js'
import { mixedCores } from '../../../src/sim/analytic/mixed-cores.js'
import { mmc } from '../../../src/sim/analytic/mmc.js'
import { coreDomains } from '../../../src/sim/analytic/network/domains.js'
import { solveTopology } from '../../../src/sim/analytic/network/solve.js'
import { type Dispatch, sideBySide } from '../../../src/sim/analytic/spread.js'
import { simulate } from '../../../src/sim/des/simulate.js'
import { topologyFrom } from '../../support/topology.js'

const service = (components: string, flow: string, traffic: string, request = 'serve: app'): string => `
components:
${components}
requests:
  get: { share: 100%, ${request}, route: GET /, flow: ${flow} }
traffic: ${traffic}
`

const checked = (text: string, seconds: number): TheoryCheck => {
  const topology = topologyFrom(text)
  const experiment = defaultExperiment(topology, seconds, 1)
  return checkAgainstTheory(simulate({ topology, experiment, seed: 1 }), topology, experiment)
}

/** Relative difference of simulation and theory. */
const off = (check: TheoryCheck, subject: string, quantity: string): number =>
  Math.abs(check.rows.find((row) => row.subject === subject && row.quantity === quantity)?.difference ?? 1)

const db = (cores: number): string =>
  `  db: { engine: postgres, resources: { cpu: ${cores} }, demand: { cpu: { const: 0s } } }`

describe('what is held meanwhile', () => {
  const threads = `  app: { engine: service, execution: { model: threads, threads: 16 }, resources: { cpu: 2 }, pools: { main: { to: db, size: 6 } } }\n${db(4)}`
  const flow = '[{ compute: 1ms }, { query: app.main, time: { cpu: 2ms, wait: 3ms } }, { compute: 0.5ms }]'

  it('threads around a pool around a database, open and closed: within 7 %', () => {
    const open = checked(service(threads, flow, '{ rate: 950/s }'), 60)
    expect(off(open, 'get', 'latency.mean')).toBeLessThan(0.07)
    expect(off(open, 'app.main', 'pools.main.inUse')).toBeLessThan(0.02)
    const closed = checked(service(threads, flow, '{ users: 60, thinkTime: 40ms }'), 60)
    expect(off(closed, 'all', 'ratePerSecond')).toBeLessThan(0.025)
    expect(off(closed, 'get', 'latency.mean')).toBeLessThan(0.07)
  })

  it('a pool for everybody changes nothing: the network is the same with and without it', () => {
    const at = (traffic: string, query: string): number => {
      const topology = topologyFrom(
        service(
          `  app: { engine: service, execution: { model: virtual-threads }, pools: { main: { to: db, size: 500 } } }\n${db(2)}`,
          `[{ compute: 2ms }, { query: ${query}, time: { cpu: 5ms, wait: 3ms } }]`,
          traffic,
        ),
      )
      const { solved } = solveTopology(topology, topologyPlacement(topology), 'shared')
      const { table } = solved.point
      return table.traffic === 'closed' ? table.throughputPerSecond : (solved.residences.services.get('app') ?? 0)
    }
    for (const traffic of ['{ rate: 300/s }', '{ users: 40, thinkTime: 80ms }'])
      expect(at(traffic, 'app.main') / at(traffic, 'db')).toBeCloseTo(1, 9)
  })

  it('a closed network never exceeds what its pool carries, and comes close to it', () => {
    const topology = topologyFrom(
      service(
        `  app: { engine: service, execution: { model: virtual-threads }, resources: { cpu: 8 }, pools: { main: { to: db, size: 5 } } }\n${db(4)}`,
        '[{ compute: 1ms }, { query: app.main, time: { cpu: 1ms, wait: 9ms } }]',
        '{ users: 400, thinkTime: 100ms }',
      ),
    )
    const { solved } = solveTopology(topology, topologyPlacement(topology), 'shared')
    const { throughputPerSecond } = solved.point.table
    // Five connections of 10 ms each, and a little waiting for cores inside.
    expect(throughputPerSecond).toBeLessThan(500)
    expect(throughputPerSecond).toBeGreaterThan(490)
    const pool = solved.residences.pools.get('app.main')
    // All users are thinking, computing, waiting for a connection, or holding one.
    expect(throughputPerSecond * ((pool?.waitSeconds ?? 0) + (pool?.holdSeconds ?? 0) + 0.1 + 0.001)).toBeCloseTo(
      400,
      0,
    )
    expect(throughputPerSecond * (pool?.holdSeconds ?? 0)).toBeCloseTo(5, 2)
  })

  it('waits more the more arrives, and the less room there is', () => {
    const wait = (rate: number, size: number): number => {
      const topology = topologyFrom(
        service(
          `  app: { engine: service, execution: { model: virtual-threads }, pools: { main: { to: db, size: ${size} } } }\n${db(3)}`,
          '[{ query: app.main, time: { cpu: 4ms, wait: 4ms } }]',
          `{ rate: ${rate}/s }`,
        ),
      )
      return (
        solveTopology(topology, topologyPlacement(topology), 'shared').solved.residences.pools.get('app.main')
          ?.waitSeconds ?? -1
      )
    }
    const byRate = [50, 150, 300, 450, 550].map((rate) => wait(rate, 8))
    for (const [i, value] of byRate.entries()) expect(value).toBeGreaterThan(i === 0 ? -1 : (byRate[i - 1] ?? 0))
    const bySize = [7, 8, 10, 14, 30].map((size) => wait(500, size))
    for (let i = 1; i < bySize.length; i++) expect(bySize[i]).toBeLessThan(bySize[i - 1] ?? 0)
    expect(wait(500, 30)).toBeLessThan(1e-4)
    expect(wait(800, 30)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('cores that are shared', () => {
  it('a loop beside a database on two cores, and four loops on two cores: within 12 % of the event engine', () => {
    const host = 'hosts: { box: { count: 1, cpu: 2, memory: 4GiB } }\n'
    const beside = checked(
      host +
        service(
          `  app: { engine: service, host: box, execution: { model: event-loop, processes: 1 } }
  db: { engine: postgres, host: box, demand: { cpu: { const: 0s } } }`,
          '[{ compute: 2ms }, { query: db, time: { cpu: 4ms } }]',
          '{ rate: 250/s }',
        ),
      150,
    )
    expect(off(beside, 'get', 'latency.mean')).toBeLessThan(0.12)
    const crowd = checked(
      host +
        service(
          '  app: { engine: service, host: box, execution: { model: event-loop, processes: 4 } }',
          '[{ compute: 4ms }]',
          '{ rate: 350/s }',
        ),
      150,
    )
    expect(off(crowd, 'get', 'latency.mean')).toBeLessThan(0.12)
  })

  it('mixed cores without loops are M/M/c, without parallel work and with enough cores undisturbed', () => {
    for (const load of [0.3, 1.2, 1.9])
      expect(mixedCores({ cores: 2, loops: 0, loopLoad: 0, parallelLoad: load }).parallelStretch).toBeCloseTo(
        mmc({ arrivalRatePerSecond: load, serviceSeconds: 1, servers: 2 }).responseSeconds,
        6,
      )
    expect(mixedCores({ cores: 4, loops: 4, loopLoad: 3, parallelLoad: 0 }).loopStretch).toBeCloseTo(1, 9)
    expect(mixedCores({ cores: 0.5, loops: 1, loopLoad: 0.2, parallelLoad: 0 }).loopStretch).toBeCloseTo(2, 9)
    expect(mixedCores({ cores: 2, loops: 1, loopLoad: 0.5, parallelLoad: 1.5 }).loopStretch).toBe(
      Number.POSITIVE_INFINITY,
    )
  })

  it('sets of cores: machines, pins that touch, quotas where all have one', () => {
    const hosts = { a: { cpu: 4 }, b: { cpu: 2 } }
    const sets = (instances: Placement['instances']) => {
      const domains = coreDomains({ hosts, instances, origin: 'experiment' })
      return Object.fromEntries([...domains].map(([id, { cores, members }]) => [id, [cores, members.length]]))
    }
    expect(sets({ x: { host: 'a' }, y: { host: 'a' }, z: { host: 'b' } })).toEqual({ x: [4, 2], y: [4, 2], z: [2, 1] })
    expect(sets({ x: { host: 'a', pin: [0, 1] }, y: { host: 'a', pin: [1, 2] }, z: { host: 'a', pin: [3] } })).toEqual({
      x: [3, 2],
      y: [3, 2],
      z: [1, 1],
    })
    // Who may run anywhere shares with everyone.
    expect(sets({ x: { host: 'a', pin: [0] }, y: { host: 'a' } })).toEqual({ x: [4, 2], y: [4, 2] })
    expect(sets({ x: { host: 'b', quota: 0.5 }, y: { host: 'b', quota: 1 } })).toEqual({ x: [0.5, 1], y: [1, 1] })
    expect(sets({ x: { host: 'b', quota: 1.5 }, y: { host: 'b', quota: 1.5 } })).toEqual({ x: [1, 1], y: [1, 1] })
    expect(sets({ x: { host: 'b', quota: 0.5 }, y: { host: 'b' } })).toEqual({ x: [2, 2], y: [2, 2] })
  })
})

describe('who chooses the queue', () => {
  const side = (dispatch: Dispatch, utilization: number, copies: number, elsewhere = 0) =>
    sideBySide({
      arrivalRatePerSecond: utilization * copies,
      serviceSeconds: 1,
      servers: 1,
      copies,
      dispatch,
      scv: 1,
      elsewhere,
    }).waitSeconds

  it('one queue waits least, then least connections, in turn, and at random, whatever the load', () => {
    for (const utilization of [0.3, 0.6, 0.9, 0.99])
      for (const copies of [2, 3, 8, 40]) {
        const waits = (['shared', 'least', 'turn', 'random'] as const).map((dispatch) =>
          side(dispatch, utilization, copies),
        )
        for (let i = 1; i < waits.length; i++) expect(waits[i]).toBeGreaterThanOrEqual(waits[i - 1] ?? 0)
        expect(side('two', utilization, copies)).toBeGreaterThanOrEqual(waits[0] ?? 0)
        expect(side('two', utilization, copies)).toBeLessThan(waits[3] ?? 0)
      }
  })

  it('the better of two of very many is the sum of double exponentials', () => {
    expect(side('two', 0.9, 100_000)).toBeCloseTo(0.9 ** 2 + 0.9 ** 6 + 0.9 ** 14 + 0.9 ** 30 + 0.9 ** 62, 2)
  })

  // Waits in the event engine, in service times: 400,000 requests each.
  it.each([
    [0.5, 4, 0, 0.16],
    [0.8, 2, 0.8, 2.095],
    [0.8, 4, 0, 0.947],
    [0.8, 4, 8, 2.138],
    [0.8, 8, 40, 2.818],
    [0.9, 4, 9, 3.918],
  ])(
    'least connections at ρ = %d among %d, %d of each elsewhere, wait %d service times, within 12 %%',
    (rho, copies, elsewhere, simulated) => {
      expect(Math.abs(side('least', rho, copies, elsewhere) / simulated - 1)).toBeLessThan(0.12)
    },
  )

  it('replicas with pools of their own behind least connections and in turn: within 3 %', () => {
    const behind = (balance: string): string => `  edge: { engine: nginx, upstream: app, balance: ${balance} }
  app: { engine: service, replicas: 3, execution: { model: event-loop, processes: 1 }, pools: { main: { to: db, size: 3 } } }\n${db(4)}`
    const flow = '[{ compute: 1ms }, { query: app.main, time: { cpu: 2ms, wait: 3ms } }]'
    for (const balance of ['least_conn', 'round_robin'])
      expect(
        off(
          checked(service(behind(balance), flow, '{ rate: 1300/s }', 'enter: edge, serve: app'), 60),
          'get',
          'latency.mean',
        ),
      ).toBeLessThan(0.03)
  })
})

describe('times that are fitted', () => {
  it('the gamma function and its tails, against values that are known', () => {
    expect(lnGamma(5)).toBeCloseTo(Math.log(24), 12)
    expect(lnGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12)
    expect(gammaTail(1, 2)).toBeCloseTo(Math.exp(-2), 12)
    expect(gammaTail(3, 4)).toBeCloseTo(Math.exp(-4) * (1 + 4 + 8), 12)
    // χ² with one degree of freedom: 3.841 is its 95 % quantile.
    expect(gammaTail(0.5, 3.841459 / 2)).toBeCloseTo(0.05, 7)
    expect(gammaTail(200, 200)).toBeCloseTo(0.4906, 3)
  })

  it('quantiles: exponential, Erlang, constant', () => {
    expect(fittedQuantile({ mean: 2, variance: 4 }, 0.95)).toBeCloseTo(2 * Math.log(20), 9)
    expect(fittedQuantile({ mean: 3, variance: 3 }, 0.95)).toBeCloseTo(6.295794, 5)
    expect(fittedQuantile({ mean: 3, variance: 0 }, 0.95)).toBe(3)
  })

  it('the longest of exponentials is harmonic, the shortest a fraction; constants are what they are', () => {
    const exponential = { mean: 1, variance: 1 }
    const all = extremeOf([exponential, exponential, exponential], 'all')
    expect(all.mean).toBeCloseTo(1 + 1 / 2 + 1 / 3, 4)
    expect(all.variance).toBeCloseTo(1 + 1 / 4 + 1 / 9, 3)
    expect(extremeOf([exponential, exponential, exponential], 'any').mean).toBeCloseTo(1 / 3, 4)
    const constants = [2, 5].map((mean) => ({ mean, variance: 0 }))
    expect(extremeOf(constants, 'all').mean).toBe(5)
    expect(extremeOf(constants, 'any').mean).toBe(2)
  })
})

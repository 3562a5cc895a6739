/** What `simulate --check` says: where theory holds, by which formula, and by name why it does not. */
import { describe, expect, it } from 'vitest'
import { defaultExperiment } from '../../../src/experiment/default.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import { formatCheck } from '../../../src/report/check.js'
import { checkAgainstTheory, type TheoryCheck } from '../../../src/sim/analytic/check.js'
import { simulate } from '../../../src/sim/des/simulate.js'
import { topologyFrom } from '../../support/topology.js'

const service = (components: string, flow: string, traffic: string, request = 'serve: app'): string => `
components:
${components}
requests:
  get: { share: 100%, ${request}, route: GET /, flow: ${flow} }
traffic: ${traffic}
`

const loop = '  app: { engine: service, execution: { model: event-loop, processes: 1 } }'

/** Simulated for a while and checked. */
const checked = (text: string, seconds: number, seed = 1): TheoryCheck => {
  const topology = topologyFrom(text)
  const experiment = defaultExperiment(topology, seconds, seed)
  return checkAgainstTheory(simulate({ topology, experiment, seed }), topology, experiment)
}

const experimented = (text: string, experiment: string): TheoryCheck => {
  const topology = topologyFrom(text)
  const parsed = parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: topology.yaml\nseed: 1\n${experiment}`,
    { file: 'e.yaml', topology },
  )
  return checkAgainstTheory(simulate({ topology, experiment: parsed, seed: 1 }), topology, parsed)
}

const rowOf = (check: TheoryCheck, subject: string, quantity: string) =>
  check.rows.find((row) => row.subject === subject && row.quantity === quantity)

describe('where theory is exact', () => {
  it('M/M/1: mean, 95th and 99th percentile, utilization and number of oracle 1, all inside their intervals', () => {
    const check = checked(service(loop, '[{ compute: 100ms }]', '{ rate: 8/s }'), 10_000)
    expect(check.caveats).toEqual([])
    expect(rowOf(check, 'get', 'latency.mean')).toMatchObject({ basis: 'exact', formula: 'M/M/1', inside: true })
    expect(rowOf(check, 'get', 'latency.mean')?.theory).toBeCloseTo(0.5, 9)
    expect(rowOf(check, 'get', 'latency.p95')?.theory).toBeCloseTo(1.49787, 5)
    expect(rowOf(check, 'get', 'latency.p99')).toMatchObject({ basis: 'exact', formula: 'M/M/1' })
    expect(rowOf(check, 'app', 'utilization.cpu')).toMatchObject({ theory: 0.8, basis: 'exact', inside: true })
    expect(rowOf(check, 'app', 'queue.mean')?.theory).toBeCloseTo(4, 9)
    expect(check.summary.outside).toBe(0)
    expect(check.summary.inside).toBe(check.summary.exact)
  })

  it('M/G/1 with constant service: the mean is exact, percentiles are those of a gamma distribution', () => {
    const check = checked(service(loop, '[{ compute: { const: 100ms } }]', '{ rate: 8/s }'), 10_000)
    expect(rowOf(check, 'get', 'latency.mean')).toMatchObject({ basis: 'exact', formula: 'M/G/1', inside: true })
    expect(rowOf(check, 'get', 'latency.mean')?.theory).toBeCloseTo(0.3, 9)
    expect(rowOf(check, 'get', 'latency.p95')).toMatchObject({ basis: 'approximation', formula: 'gamma' })
    expect(Math.abs(rowOf(check, 'get', 'latency.p95')?.difference ?? 1)).toBeLessThan(0.05)
  })

  it('processor sharing on three cores: insensitive, as M/M/3, whatever the service time', () => {
    const three = '  app: { engine: service, execution: { model: virtual-threads }, resources: { cpu: 3 } }'
    const check = checked(service(three, '[{ compute: { mean: 1s, cv: 2 } }]', '{ rate: 2/s }'), 40_000)
    expect(rowOf(check, 'get', 'latency.mean')).toMatchObject({ basis: 'exact', formula: 'M/G/c-PS', inside: true })
    expect(rowOf(check, 'get', 'latency.mean')?.theory).toBeCloseTo(1.444444, 6)
  })

  it('three threads that wait: Erlang C, with its percentiles', () => {
    const threads = '  app: { engine: service, execution: { model: threads, threads: 3 } }'
    const check = checked(service(threads, '[{ wait: 1s }]', '{ rate: 2/s }'), 20_000)
    expect(rowOf(check, 'get', 'latency.mean')).toMatchObject({ basis: 'exact', formula: 'Erlang C', inside: true })
    expect(rowOf(check, 'get', 'latency.mean')?.theory).toBeCloseTo(1.444444, 6)
    expect(rowOf(check, 'get', 'latency.p95')).toMatchObject({ basis: 'exact', inside: true })
  })

  it('a pool of exponential holds: in use and waiting as oracle 6 has them', () => {
    const pooled = `  app: { engine: service, execution: { model: virtual-threads }, pools: { main: { to: db, size: 11 } } }
  db: { engine: postgres, demand: { cpu: { const: 0s } } }`
    const check = checked(service(pooled, '[{ query: app.main, time: { wait: 20ms } }]', '{ rate: 500/s }'), 400)
    expect(rowOf(check, 'app.main', 'pools.main.inUse')).toMatchObject({ basis: 'exact', inside: true })
    expect(rowOf(check, 'app.main', 'pools.main.inUse')?.theory).toBeCloseTo(10, 9)
    expect(rowOf(check, 'app.main', 'pools.main.waiting')).toMatchObject({ basis: 'exact', formula: 'Erlang C' })
    expect(rowOf(check, 'app.main', 'pools.main.waiting')?.theory).toBeCloseTo(500 * 0.013642, 2)
    expect(rowOf(check, 'get', 'latency.mean')?.theory).toBeCloseTo(0.033642, 5)
  })

  it('a closed network of an event loop that is visited twice and four shared cores', () => {
    const tiers = `${loop}\n  db: { engine: postgres, resources: { cpu: 4 }, demand: { cpu: { const: 0s } } }`
    const flow = '[{ compute: 0.5ms }, { query: db, time: { cpu: 2ms, wait: 2ms } }, { compute: 0.5ms }]'
    const check = checked(service(tiers, flow, '{ users: 60, thinkTime: 50ms }'), 100)
    expect(check.load).toBe('closed, 60 users who think 50 ms')
    for (const [subject, quantity] of [
      ['all', 'ratePerSecond'],
      ['get', 'latency.mean'],
      ['db', 'queue.mean'],
    ] as const)
      expect(rowOf(check, subject, quantity)).toMatchObject({
        basis: 'exact',
        formula: 'mean value analysis',
        inside: true,
      })
  })

  it('round robin over three: each sees every third of a Poisson stream, Erlang/M/1', () => {
    const behind = `  edge: { engine: nginx, upstream: app, balance: round_robin, demand: { cpu: { const: 0s } } }
  app: { engine: service, replicas: 3, execution: { model: event-loop, processes: 1 } }`
    const check = checked(service(behind, '[{ compute: 100ms }]', '{ rate: 24/s }', 'enter: edge, serve: app'), 4000)
    expect(rowOf(check, 'get', 'latency.mean')).toMatchObject({ basis: 'exact', formula: 'Erlang/M/1', inside: true })
    expect(rowOf(check, 'edge', 'queue.mean')?.theory).toBeCloseTo(
      24 * (rowOf(check, 'get', 'latency.mean')?.theory ?? 0),
      9,
    )
  })
})

describe('exact rows', () => {
  const host = `
hosts: { box: { count: 1, cpu: 2, memory: 4GiB } }
components:
  app: { engine: service, host: box, execution: { model: virtual-threads } }
  db: { engine: postgres, host: box, demand: { cpu: { const: 0s } } }
requests:
  a: { share: 70%, serve: app, route: GET /a, flow: [{ compute: { const: 4ms } }, { query: db, time: { cpu: { mean: 10ms, cv: 2 }, wait: 5ms } }] }
  b: { share: 30%, serve: app, route: GET /b, flow: [{ compute: 20ms }] }
traffic: { rate: 90/s }
`
  const jackson = service(
    `${loop}\n  db: { engine: postgres, resources: { cpu: 1.5 }, demand: { cpu: { const: 0s } } }\n  cache: { engine: redis }`,
    '[{ compute: 5ms }, { lookup: cache, hitRatio: 60%, miss: [{ query: db, time: { cpu: 8ms, wait: 5ms } }] }, { compute: 5ms }]',
    '{ rate: 50/s }',
  )

  it.each([
    ['two components on one host, two classes', host],
    ['a Jackson network whose loop is visited twice', jackson],
  ])('%s: the interval contains the theory in 95 % of runs, and there is no bias', (_, text) => {
    const runs = Array.from({ length: 12 }, (__, i) => checked(text, 300, i + 1))
    const exact = runs.flatMap(({ rows }) => rows.filter(({ basis }) => basis === 'exact'))
    expect(exact.length).toBeGreaterThan(12 * 5)
    const inside = exact.filter(({ inside: within }) => within === true).length / exact.length
    expect(inside).toBeGreaterThan(0.88)
    const means = exact.filter(({ quantity }) => quantity === 'latency.mean')
    const bias = means.reduce((sum, { difference }) => sum + (difference ?? 0), 0) / means.length
    expect(Math.abs(bias)).toBeLessThan(0.015)
  })
})

describe('where it is an approximation, and by how much it is off', () => {
  const off = (check: TheoryCheck, subject: string, quantity: string): number =>
    Math.abs(rowOf(check, subject, quantity)?.difference ?? 1)

  it('a pool in front of a database that works: a flow-equivalent server, within 4 %', () => {
    const pooled = (
      size: number,
    ) => `  app: { engine: service, execution: { model: virtual-threads }, pools: { main: { to: db, size: ${size} } } }
  db: { engine: postgres, resources: { cpu: 1 }, demand: { cpu: { const: 0s } } }`
    const check = checked(service(pooled(4), '[{ query: app.main, time: { cpu: 1ms } }]', '{ rate: 800/s }'), 300)
    // As many in all as without the pool, M/M/1: four; those beyond four wait for a connection: 4·0.8⁴.
    expect(rowOf(check, 'get', 'latency.mean')?.theory).toBeCloseTo(0.005, 9)
    expect(rowOf(check, 'app.main', 'pools.main.waiting')?.theory).toBeCloseTo(4 * 0.8 ** 4, 9)
    expect(rowOf(check, 'app.main', 'pools.main.waiting')).toMatchObject({
      basis: 'approximation',
      formula: 'flow-equivalent server',
    })
    expect(off(check, 'get', 'latency.mean')).toBeLessThan(0.04)
    expect(off(check, 'app.main', 'pools.main.inUse')).toBeLessThan(0.02)
  })

  it('a fork to two databases: within 4 %, and the reason is named', () => {
    const two = `  app: { engine: service, execution: { model: virtual-threads } }
  a: { engine: postgres, resources: { cpu: 1 }, demand: { cpu: { const: 0s } } }
  b: { engine: postgres, resources: { cpu: 1 }, demand: { cpu: { const: 0s } } }`
    const flow =
      '[{ parallel: [[{ query: a, time: { cpu: 100ms } }], [{ query: b, time: { cpu: 100ms } }]], join: all }]'
    const check = checked(service(two, flow, '{ rate: 8/s }'), 20_000)
    expect(rowOf(check, 'get', 'latency.mean')?.why).toContain('parallel branches')
    expect(off(check, 'get', 'latency.mean')).toBeLessThan(0.04)
  })

  it('replicas behind least connections: between one queue and random ones, within 5 %', () => {
    const behind = `  edge: { engine: nginx, upstream: app, balance: least_conn, demand: { cpu: { const: 0s } } }
  app: { engine: service, replicas: 3, execution: { model: event-loop, processes: 1 } }`
    const check = checked(service(behind, '[{ compute: 100ms }]', '{ rate: 24/s }', 'enter: edge, serve: app'), 4000)
    expect(rowOf(check, 'get', 'latency.mean')?.basis).toBe('approximation')
    expect(rowOf(check, 'get', 'latency.mean')?.why).toContain('least connections')
    expect(off(check, 'get', 'latency.mean')).toBeLessThan(0.05)
    // Utilization is exact whatever the queue: a law without distributions.
    expect(rowOf(check, 'app', 'utilization.cpu')).toMatchObject({ basis: 'exact', inside: true })
  })

  it('workers behind a queue: their calls in hand and the time until the work is done, within 5 %', () => {
    const queue = `  app: { engine: service, execution: { model: virtual-threads } }
  broker: { engine: rabbitmq, queues: { tasks: {} } }
  worker: { engine: service, replicas: 2, consumes: broker.tasks, slots: 2, flow: [{ compute: 30ms }] }`
    const check = checked(service(queue, '[{ compute: 1ms }, { publish: broker.tasks }]', '{ rate: 100/s }'), 200)
    expect(check.caveats.map(({ what }) => what)).toEqual(['queues'])
    expect(off(check, 'worker', 'queue.mean')).toBeLessThan(0.05)
    expect(off(check, 'get', 'completion.mean')).toBeLessThan(0.05)
  })

  it('what comes after an irregular station: its arrivals are not Poisson', () => {
    const tiers = `${loop}\n  next: { engine: service, execution: { model: event-loop, processes: 1 }, operations: { go: { flow: [{ compute: 50ms }] } } }`
    const check = checked(service(tiers, '[{ compute: { const: 80ms } }, { call: next.go }]', '{ rate: 10/s }'), 3000)
    // An event loop is held by nothing while its request is elsewhere: its own burst is M/D/1, exactly.
    expect(rowOf(check, 'next', 'queue.mean')?.why).toBe('arrivals after app are not Poisson')
    expect(off(check, 'get', 'latency.mean')).toBeLessThan(0.1)
  })
})

describe('where it does not apply', () => {
  const text = service(loop, '[{ compute: 10ms }]', '{ rate: 50/s }')
  const open = 'load: { mode: open, arrivals: poisson, stages: [{ hold: 50/s, for: 60s }] }\n'

  it.each([
    ['faults', `${open}faults: [{ at: 20s, kill: app, restart: { after: 2s } }]\n`],
    ['a load that changes', 'load: { mode: open, stages: [{ hold: 10/s, for: 30s }, { ramp: 60/s, for: 30s }] }\n'],
    ['constant arrivals', 'load: { mode: open, arrivals: constant, stages: [{ hold: 50/s, for: 60s }] }\n'],
    ['saturation', 'load: { mode: open, stages: [{ hold: 150/s, for: 60s }] }\n'],
  ])('%s', (what, experiment) => {
    const check = experimented(text, experiment)
    expect(check.caveats.map((caveat) => caveat.what)).toContain(what)
    expect(check.caveats.find((caveat) => caveat.what === what)?.basis).toBe('does-not-apply')
    expect(check.rows.every(({ basis }) => basis === 'does-not-apply')).toBe(true)
    expect(check.summary).toEqual({ exact: 0, inside: 0, outside: 0 })
  })

  it('retries and errors, as they happened; a timeout that never struck changes nothing', () => {
    const client = (timeout: string) =>
      service(
        loop,
        '[{ compute: 10ms }]',
        '{ rate: 50/s }',
        `serve: app, client: { timeout: ${timeout}, retry: { attempts: 2 } }`,
      )
    expect(experimented(client('20ms'), open).caveats.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['retries', 'errors']),
    )
    expect(experimented(client('60s'), open).caveats).toEqual([])
  })

  it('locks are left out of the formulas, and said so', () => {
    const cached = `${loop}\n  cache: { engine: redis }`
    const check = checked(
      `data: { item: { keys: 10, bytes: 1KiB } }\n${service(cached, '[{ lock: cache, key: item, ttl: 5s, do: [{ compute: 1ms }] }]', '{ rate: 10/s }').replace('GET /', '"GET /{item}"')}`,
      60,
    )
    expect(check.caveats).toContainEqual(expect.objectContaining({ what: 'locks', basis: 'approximation' }))
    expect(check.summary.exact).toBe(0)
  })
})

describe('several classes', () => {
  const text = `
components:
  app: { engine: service, execution: { model: virtual-threads }, resources: { cpu: 2 } }
requests:
  small: { share: 80%, serve: app, route: GET /small, flow: [{ compute: 10ms }] }
  large: { share: 20%, serve: app, route: GET /large, flow: [{ compute: { mean: 50ms, cv: 0.5 } }] }
traffic: { rate: 70/s }
`

  it('each is stretched alike by sharing; all of them are a mixture', () => {
    const check = checked(text, 2000)
    const small = rowOf(check, 'small', 'latency.mean')?.theory ?? 0
    const large = rowOf(check, 'large', 'latency.mean')?.theory ?? 0
    expect(large / small).toBeCloseTo(5, 9)
    expect(rowOf(check, 'all', 'latency.mean')?.theory).toBeCloseTo(0.8 * small + 0.2 * large, 12)
    expect(rowOf(check, 'large', 'latency.mean')).toMatchObject({ basis: 'exact', inside: true })
    expect(Math.abs(rowOf(check, 'all', 'latency.p95')?.difference ?? 1)).toBeLessThan(0.1)
  })

  it('an experiment may mix them anew', () => {
    const check = experimented(
      text,
      'load: { mode: open, mix: { small: 100%, large: 0% }, stages: [{ hold: 100/s, for: 30s }] }\n',
    )
    expect(rowOf(check, 'large', 'latency.mean')).toBeUndefined()
    expect(rowOf(check, 'app', 'utilization.cpu')?.theory).toBeCloseTo(0.5, 9)
  })
})

describe('for a reader', () => {
  it('fits into eighty columns, says what is exact, and why what is not', () => {
    const check = checked(service(loop, '[{ compute: { const: 100ms } }]', '{ rate: 8/s }'), 5000)
    const text = formatCheck(check, { columns: 80, color: false })
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(text).toContain('theory beside simulation, open, 8/s')
    expect(text).toContain('M/G/1')
    expect(text).toContain('≈ get: a gamma distribution of the same mean and variance')
    expect(text).toMatch(/4 exact: \d inside the 95 % interval of the simulation, \d outside/)
  })

  it('an overload is told as what it is', () => {
    const text = formatCheck(checked(service(loop, '[{ compute: 100ms }]', '{ rate: 20/s }'), 100), {
      columns: 80,
      color: false,
    })
    expect(text).toContain('unbounded')
    expect(text).toContain('saturation')
    expect(text).toContain('theory does not apply to this run')
  })
})

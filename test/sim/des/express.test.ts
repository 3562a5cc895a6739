/** The express way gives what the general way gives, to the last bit. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { Experiment } from '../../../src/experiment/types.js'
import type { RunEvent } from '../../../src/result/run-event.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { simulate } from '../../../src/sim/des/simulate.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import { parseTopology } from '../../../src/topology/parse.js'
import type { Topology } from '../../../src/topology/types.js'

const header = 'apiVersion: plimsoll/v1\nkind: '

interface Played {
  readonly result: RunResult
  readonly events: readonly RunEvent[]
  readonly ways: readonly string[]
}

const parsed = (text: string): Topology =>
  parseTopology(`${header}Topology\nname: t\n${text}`, { file: 't.yaml', registry: engineRegistry })

const experimentOf = (load: string, topology: Topology): Experiment =>
  parseExperiment(`${header}Experiment\nname: e\ntopology: t.yaml\nseed: 3\n${load}`, { file: 'e.yaml', topology })

const play = (topologyText: string, load: string, express: boolean): Played => {
  const topology = parsed(topologyText)
  const experiment = experimentOf(load, topology)
  const events: RunEvent[] = []
  const simulation = new Simulation({ topology, experiment, seed: 3, express, onEvent: (event) => events.push(event) })
  const ways = [simulation.way]
  while (simulation.advance()) ways.push(simulation.way)
  const result = simulation.finish()
  return { result, events, ways: [...new Set([...ways, simulation.way])] }
}

const same = (topology: string, load: string): Played => {
  const quick = play(topology, load, true)
  const general = play(topology, load, false)
  expect(quick.result).toEqual(general.result)
  expect(quick.events).toEqual(general.events)
  return quick
}

const open = (rate: number, seconds: number): string =>
  `load: { mode: open, stages: [{ hold: ${rate}/s, for: ${seconds}s }] }\nwarmup: 2s\n`

const shortly = (rate: number): string => `load: { mode: open, stages: [{ hold: ${rate}/s, for: 2s }] }\nwarmup: 0.5s\n`

const tiers = (pool: string, client = ''): string => `
hosts: { app: { cpu: 3 }, db: { cpu: 2 } }
components:
  edge: { engine: nginx, upstream: app, balance: least_conn }
  app:
    engine: service
    host: app
    replicas: 3
    execution: { model: event-loop, processes: 1 }
    pools: { main: { to: db, ${pool} } }
  db: { engine: postgres, host: db, maxConnections: 100 }
requests:
  get:
    share: 70%
    enter: edge
    serve: app
    route: GET /
    ${client}
    flow:
      - compute: 1ms
      - query: app.main
        table: t
        time: { cpu: { mean: 0.8ms, cv: 2 }, wait: { p50: 2ms, p99: 9ms } }
      - wait: 1ms
  other: { share: 30%, serve: app, route: GET /other, flow: [{ compute: { uniform: [1ms, 3ms] } }, { query: db, table: t }] }
`

const executions = [
  'model: event-loop, processes: 1',
  'model: event-loop, processes: 2',
  'model: virtual-threads',
] as const

const one = (step: string): string => `
components: { server: { engine: service, execution: { model: event-loop, processes: 1 } } }
requests: { get: { share: 100%, serve: server, route: GET /, flow: [{ ${step} }] } }
`

/** Sources of the programs that are compiled meanwhile. */
const sourcesOf = (action: () => void): readonly string[] => {
  const sources: string[] = []
  const { Function: original } = globalThis
  globalThis.Function = new Proxy(original, {
    construct: (target, args: string[]) => {
      sources.push(args.at(-1) ?? '')
      return Reflect.construct(target, args)
    },
  })
  try {
    action()
  } finally {
    globalThis.Function = original
  }
  return sources
}

describe('the express way', () => {
  it('is taken, and is the general way to the last bit: tiers, pools, processor sharing, two classes', () => {
    const { result, ways } = same(tiers('size: 2'), open(900, 12))
    expect(ways).toEqual(['express'])
    expect(result.requests.all?.ok).toBeGreaterThan(8000)
    expect(result.components.app?.pools.main?.waiting).toBeGreaterThan(0)
  })

  it('begins anew on the general way when an acquire timeout strikes, and whoever listens hears nothing twice', () => {
    const { result, events, ways } = same(tiers('size: 1, acquireTimeout: 30ms'), open(1200, 8))
    expect(ways).toEqual(['express', 'general'])
    expect(result.requests.all?.errors['503']).toBeGreaterThan(0)
    expect(events.filter(({ type }) => type === 'started')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'second')).toHaveLength(8)
  })

  it('begins anew when a client waits no longer, and when it would only be noticed after the end', () => {
    const { result, ways } = same(tiers('size: 1', 'client: { timeout: 60ms }'), open(1200, 8))
    expect(ways).toEqual(['express', 'general'])
    expect(result.requests.all?.errors.timeout).toBeGreaterThan(0)
  })

  it('holds for bursts and ramps, round robin, shared cores and overload', () => {
    const model = fc.record({
      loops: fc.constantFrom(...executions),
      balance: fc.constantFrom('least_conn', 'round_robin'),
      replicas: fc.integer({ min: 1, max: 5 }),
      cpu: fc.integer({ min: 1, max: 4 }),
      rate: fc.integer({ min: 50, max: 900 }),
      arrivals: fc.constantFrom('poisson', '{ bursty: { factor: 3, on: 1s, off: 4s } }'),
      size: fc.integer({ min: 1, max: 6 }),
    })
    fc.assert(
      fc.property(model, ({ loops, balance, replicas, cpu, rate, arrivals, size }) => {
        const topology = `
hosts: { app: { cpu: ${cpu} } }
components:
  edge: { engine: nginx, host: app, upstream: app, balance: ${balance} }
  app: { engine: service, host: app, replicas: ${replicas}, execution: { ${loops} }, pools: { main: { to: db, size: ${size} } } }
  db: { engine: postgres, host: app }
requests:
  get: { share: 100%, enter: edge, serve: app, route: GET /, flow: [{ compute: 1ms }, { query: app.main, table: t, time: { cpu: 0.5ms, wait: 2ms } }] }
`
        same(
          topology,
          `load: { mode: open, arrivals: ${arrivals}, stages: [{ ramp: ${rate}/s, for: 3s }, { hold: ${rate}/s, for: 2s }] }\n`,
        )
      }),
      { numRuns: 20 },
    )
  })

  it('holds for whatever shapes its programs are written for: classes, distributions, hosts, quotas, many replicas', () => {
    const step = fc.constantFrom(
      '{ compute: 1ms }',
      '{ compute: { p50: 0.5ms, p99: 6ms } }',
      '{ compute: { uniform: [0.2ms, 1ms] } }',
      '{ compute: { mean: 1ms, cv: 3 } }',
      '{ wait: { mean: 2ms, cv: 0.5 } }',
      '{ query: db, table: t }',
      '{ query: app.main, table: t, time: { cpu: { p50: 0.4ms, p99: 2ms }, wait: 1ms } }',
      '{ query: app.other, table: u, time: { cpu: 0.3ms } }',
    )
    const flow = fc.array(step, { minLength: 1, maxLength: 4 })
    const model = fc.record({
      entry: fc.constantFrom('enter: edge, ', ''),
      balance: fc.constantFrom('least_conn', 'round_robin'),
      execution: fc.constantFrom(...executions),
      machines: fc.integer({ min: 1, max: 3 }),
      cpu: fc.integer({ min: 1, max: 5 }),
      replicas: fc.integer({ min: 1, max: 11 }),
      quota: fc.constantFrom('', 'resources: { cpu: 0.5 }, '),
      database: fc.constantFrom('app', 'db'),
      size: fc.integer({ min: 1, max: 4 }),
      flows: fc.tuple(flow, flow, flow),
      rate: fc.integer({ min: 50, max: 700 }),
    })
    fc.assert(
      fc.property(
        model,
        ({ entry, balance, execution, machines, cpu, replicas, quota, database, size, flows, rate }) => {
          const request = (i: number, share: number, way: string): string =>
            `  r${i}: { share: ${share}%, ${way}serve: app, route: GET /${i}, client: { timeout: ${i + 9}s }, flow: [${flows[i]?.join(', ')}] }`
          const topology = `
hosts: { app: { count: ${machines}, cpu: ${cpu} }, db: { cpu: ${cpu} } }
components:
  edge: { engine: nginx, host: app, upstream: app, balance: ${balance} }
  app:
    { engine: service, host: app, replicas: ${replicas}, ${quota}execution: { ${execution} },
      pools: { main: { to: db, size: ${size} }, other: { to: db, size: 2 } } }
  db: { engine: postgres, host: ${database}, maxConnections: 300 }
requests:
${request(0, 60, entry)}
${request(1, 25, entry)}
${request(2, 15, '')}
`
          // A quota beside neighbours that have none throttles, which only the general way knows.
          expect([...same(topology, shortly(rate)).ways]).toEqual([quota === '' ? 'express' : 'general'])
        },
      ),
      { numRuns: 25 },
    )
  })

  it('goes on with more rows when more requests are in flight than it has', () => {
    const { result, ways } = same(one('compute: 2ms'), open(2000, 4))
    expect(ways).toEqual(['express'])
    expect(result.components.server?.queue.max).toBeGreaterThan(2100)
  })

  it('plays two simulations of one shape side by side', () => {
    const topology = parsed(one('compute: 1ms'))
    const experiment = experimentOf(open(800, 4), topology)
    const alone = [1, 2].map((seed) => simulate({ topology, experiment, seed }))
    const simulations = [1, 2].map((seed) => new Simulation({ topology, experiment, seed }))
    while (simulations.map((simulation) => simulation.advance()).includes(true));
    expect(simulations.map((simulation) => simulation.finish())).toEqual(alone)
    expect(alone[0]?.requests.all?.latency?.mean).not.toBe(alone[1]?.requests.all?.latency?.mean)
  })

  it('compiles a shape once: names and numbers of a topology are no part of a program', () => {
    const text = one('compute: { mean: 1ms, cv: 1.5 }')
    const renamed = text.replaceAll('server', 'itsname').replaceAll('get', 'fetchit').replace('1ms', '0.7ms')
    expect(sourcesOf(() => play(text, open(300, 3), true))).toHaveLength(1)
    expect(sourcesOf(() => play(renamed, open(400, 4), true))).toEqual([])
    const named = [
      ['edge', 'zebra'],
      ['main', 'yak'],
      ['other', 'wolf'],
    ].reduce((text, [from = '', to = '']) => text.replaceAll(from, to), tiers('size: 2'))
    const [source = ''] = sourcesOf(() => play(named, open(300, 3), true))
    expect(source).toContain('for (;;)')
    expect(['zebra', 'yak', 'wolf', 'app', 'db', '0.0008'].filter((name) => source.includes(name))).toEqual([])
  })
})

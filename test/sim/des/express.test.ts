/** The express way gives what the general way gives, to the last bit. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { RunEvent } from '../../../src/result/run-event.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { repeated } from '../../../src/sim/des/express/express.js'
import { expressOps, firstStore } from '../../../src/sim/des/express/script.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import { parseTopology } from '../../../src/topology/parse.js'

const header = 'apiVersion: plimsoll/v1\nkind: '

interface Played {
  readonly result: RunResult
  readonly events: readonly RunEvent[]
  readonly ways: readonly string[]
}

const play = (topologyText: string, load: string, express: boolean): Played => {
  const topology = parseTopology(`${header}Topology\nname: t\n${topologyText}`, {
    file: 't.yaml',
    registry: engineRegistry,
  })
  const experiment = parseExperiment(`${header}Experiment\nname: e\ntopology: t.yaml\nseed: 3\n${load}`, {
    file: 'e.yaml',
    topology,
  })
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
      loops: fc.constantFrom(
        'model: event-loop, processes: 1',
        'model: event-loop, processes: 2',
        'model: virtual-threads',
      ),
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
      { numRuns: 40 },
    )
  })

  it('repeats the constants of its script', () => {
    expect(repeated).toEqual(expressOps)
    expect(firstStore).toBe(2)
  })
})

/** What the core does by itself, and by its segments, is what the closures of the operations do, to the last bit. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { RunEvent } from '../../../src/result/run-event.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { anew } from '../../../src/sim/des/core.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import { parseTopology } from '../../../src/topology/parse.js'

interface Played {
  readonly result: RunResult
  readonly events: readonly RunEvent[]
}

/** Ways to do the same. */
const ways = { closures: { byClosures: true }, core: {}, segments: { segmentsAtOnce: true } } as const

const play = (topologyText: string, experimentText: string, way: keyof typeof ways): Played => {
  const topology = parseTopology(topologyText, { file: 't.yaml', registry: engineRegistry })
  const experiment = parseExperiment(experimentText, { file: 'e.yaml', topology })
  const events: RunEvent[] = []
  const onEvent = (event: RunEvent): void => {
    events.push(event)
  }
  const simulation = new Simulation({ topology, experiment, seed: 3, express: false, ...ways[way], onEvent })
  while (simulation.advance());
  return { result: simulation.finish(), events }
}

const same = (topology: string, experiment: string): RunResult => {
  const closures = play(topology, experiment, 'closures')
  for (const way of ['core', 'segments'] as const) {
    const { result, events } = play(topology, experiment, way)
    expect(result).toEqual(closures.result)
    expect(events).toEqual(closures.events)
  }
  return closures.result
}

const scenario = readFileSync(new URL('../../../scenarios/flash-sale/topology.yaml', import.meta.url), 'utf8')
const experiment = (load: string, faults: string): string =>
  `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t.yaml\nload: ${load}\nwarmup: 1s\nfaults: [${faults}]\n`

describe('the core', () => {
  it('is the closures to the last bit: flash-sale, its users, its saga, and an app server that dies', () => {
    const { requests, components } = same(
      scenario,
      experiment(
        '{ mode: closed, stages: [{ hold: 400, for: 4s }] }',
        '{ at: 2s, kill: app/0, restart: { after: 500ms } }',
      ),
    )
    expect(requests.all?.completed).toBeGreaterThan(5000)
    expect(requests.all?.errors['502']).toBeGreaterThan(0)
    expect(components.cache?.locks?.product?.waited).toBeGreaterThan(0)
  })

  it('under each kind of fault', () => {
    const faults = [
      'kill: cache, restart: { after: 500ms }',
      'pause: app/1, for: 600ms',
      'cpu: edge, share: 50%, for: 1s',
      'latency: app -> db, add: 20ms, for: 1s',
      'dependency-error: payment, share: 30%, for: 1s',
      'kill: db/0, restart: { after: 700ms }',
      'traffic-spike: all, factor: 200%, for: 1s',
    ]
    for (const fault of faults)
      same(scenario, experiment('{ mode: open, stages: [{ hold: 400/s, for: 3s }] }', `{ at: 1200ms, ${fault} }`))
  }, 30_000)

  it('on networks of every kind of step', () => {
    const step = fc.constantFrom(
      'compute: 1ms',
      'wait: { const: 1ms }',
      'query: app.main, table: t, time: { cpu: 1ms, wait: 1ms }',
      'write: app.main, table: t, timeout: 8ms',
      'call: partner, timeout: 4ms, retry: { attempts: 2, backoff: 1ms }, fallback: empty',
      'lookup: cache, key: k, ttl: 1s, miss: [{ query: app.main, table: t }], fallback: stale',
      'transaction: app.main, do: [{ write: app.main, table: t }]',
      'repeat: 2, do: [{ compute: 0.5ms }]',
      'parallel: [[{ compute: 1ms }], [{ wait: 1ms }]]',
      'choose: [{ weight: 30%, flow: [{ compute: 1ms }] }, { weight: 70%, flow: [{ wait: 1ms }] }]',
      'lock: cache, key: k, ttl: 1s, wait: 20ms, do: [{ reserve: k.left, via: app.main, guard: row-lock }]',
    )
    const model = fc.record({
      flow: fc.array(step, { minLength: 1, maxLength: 4 }),
      execution: fc.constantFrom(
        'model: event-loop, processes: 2',
        'model: virtual-threads',
        'model: threads, threads: 4',
      ),
      users: fc.integer({ min: 1, max: 40 }),
      pool: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(model, ({ flow, execution, users, pool }) => {
        const steps = flow.map((each, i) => `{ ${each}, id: s-${i} }`).join(', ')
        same(
          `
apiVersion: plimsoll/v1
kind: Topology
name: t
hosts: { h: { cpu: 2 } }
data: { k: { keys: 20, popularity: zipf(1), bytes: 1KiB, counters: { left: 50 } } }
components:
  edge: { engine: nginx, host: h, upstream: app, balance: least_conn }
  app: { engine: service, host: h, replicas: 2, execution: { ${execution} }, pools: { main: { to: db, size: ${pool}, acquireTimeout: 50ms } } }
  cache: { engine: redis, host: h }
  db: { engine: postgres, host: h }
  partner: { engine: external, latency: { p50: 2ms, p99: 8ms }, errors: 5% }
requests:
  get: { share: 100%, enter: edge, serve: app, route: 'GET /{k}', client: { timeout: 100ms, retry: { attempts: 2 } }, flow: [${steps}] }
`,
          experiment(`{ mode: closed, thinkTime: 5ms, stages: [{ hold: ${users}, for: 2s }] }`, ''),
        )
      }),
      { numRuns: 25 },
    )
  }, 30_000)

  it('can be evaluated anew, for it refers to nothing around it', () => {
    const twice = (n: number): number => 2 * n
    expect(anew(twice)(4)).toBe(8)
    expect(anew(twice)).not.toBe(anew(twice))
  })
})

/** A percentile taken apart, where theory tells what its parts are. */
import { describe, expect, it } from 'vitest'
import { capacityPlan } from '../../src/plan/capacity.js'
import type { Simulate } from '../../src/plan/why/lengths.js'
import { worstRequest } from '../../src/plan/why/request.js'
import type { Measure, Why } from '../../src/plan/why/types.js'
import { whySoLong } from '../../src/plan/why/why.js'
import { renderText } from '../../src/report/document.js'
import { whyDocument } from '../../src/report/why.js'
import { replicationSeed } from '../../src/run/replications.js'
import { simulateAll } from '../../src/run/simulate-all.js'
import type { Topology } from '../../src/topology/types.js'
import { topologyFrom } from '../support/topology.js'

const plain = (text: string): string => text

const why = async (topology: Topology, request = 'view', measure: Measure = 'p95'): Promise<Why> => {
  const simulate: Simulate = (variants) =>
    simulateAll({
      source: {
        topology: { file: 'topology.yaml', text: topology.source.text },
        experiment: undefined,
        durationSeconds: 1,
      },
      points: variants.map(({ replication, ...counterfactual }) => ({
        settings: [],
        seed: replicationSeed(7, replication),
        counterfactual,
      })),
      plan: { fewest: 1, most: 1, enough: () => true },
      threads: 1,
      signal: new AbortController().signal,
      now: () => 0,
      onProgress: () => {},
    })
  const made = await whySoLong({ topology, plan: capacityPlan(topology), request, measure, seed: 7, simulate })
  if (made === undefined) throw new Error('interrupted')
  return made
}

const nanoseconds = (seconds: number): number => Math.round(seconds * 1e9)

/** What the parts come to, in whole nanoseconds. */
const sumOf = ({ work, causes, interaction }: Why): number =>
  [work, ...causes, interaction].reduce((sum, { seconds }) => sum + nanoseconds(seconds), 0)

const causeOf = (made: Why, cause: string): number =>
  made.causes.find((part) => part.cause === cause)?.seconds ?? Number.NaN

const one = (flow: string, rest: string, traffic: string): Topology =>
  topologyFrom(
    `components:
  app: { engine: service, execution: { model: event-loop, processes: 1 }${rest}
requests: { view: { share: 100%, serve: app, route: GET /, flow: [${flow}] } }
traffic: ${traffic}
`,
  )

describe('a percentile taken apart', () => {
  it('leaves the exponential service time when nobody waits for the CPU of an M/M/1 queue', async () => {
    const made = await why(one('{ compute: 10ms }', ' }', '{ rate: 70/s }'))
    // Response: exponential with mean S/(1 − ρ); service: exponential with mean S; p95 = mean · ln 20.
    expect(made.work.seconds).toBeCloseTo(0.01 * Math.log(20), 3)
    expect(Math.abs(made.value.seconds / ((0.01 / 0.3) * Math.log(20)) - 1)).toBeLessThan(0.08)
    expect(made.causes.map(({ cause }) => cause)).toEqual(['cpu'])
    expect(sumOf(made)).toBe(nanoseconds(made.value.seconds))
    expect(nanoseconds(made.interaction.seconds)).toBe(0)
  })

  it('takes a mean apart as well: the wait of an M/M/1 queue is ρ·S/(1 − ρ)', async () => {
    const made = await why(one('{ compute: 10ms }', ' }', '{ rate: 50/s }'), 'view', 'mean')
    expect(Math.abs(causeOf(made, 'cpu') / 0.01 - 1)).toBeLessThan(0.1)
    expect(Math.abs(causeOf(made, 'cpu') - 0.01)).toBeLessThan(3 * (made.causes[0]?.halfWidthSeconds ?? 0))
  })

  it('finds the line for a pool of one connection, and not in the CPU', async () => {
    const made = await why(
      one(
        '{ query: app.main, time: { wait: 10ms } }',
        ', pools: { main: { to: db, size: 1 } } }\n  db: { engine: postgres }',
        '{ rate: 50/s }',
      ),
    )
    // M/M/1 at the connection: p95 = S/(1 − ρ)·ln 20, of which S·ln 20 is left without the line.
    expect(Math.abs(causeOf(made, 'pools') / (0.01 * Math.log(20)) - 1)).toBeLessThan(0.15)
    expect(causeOf(made, 'cpu')).toBeLessThan(0.001)
    expect(sumOf(made)).toBe(nanoseconds(made.value.seconds))
  })

  it('finds what misses of a cache cost', async () => {
    const made = await why(
      topologyFrom(`components:
  app: { engine: service, execution: { model: virtual-threads } }
  cache: { engine: redis }
data: { product: { keys: 100 } }
requests:
  view:
    share: 100%
    serve: app
    route: GET /{product}
    flow: [{ lookup: cache, key: product, ttl: 60s, hitRatio: 80%, miss: [{ wait: { const: 50ms } }] }]
traffic: { rate: 50/s }
`),
    )
    expect(Math.abs(causeOf(made, 'misses') / 0.05 - 1)).toBeLessThan(0.03)
    expect(made.work.seconds).toBeLessThan(0.003)
  })

  it('finds the line for one lock, which is not there for those that never meet', async () => {
    const made = await why(
      topologyFrom(`components:
  app: { engine: service, execution: { model: virtual-threads } }
  cache: { engine: redis }
data: { product: { keys: 1 } }
requests:
  view:
    share: 100%
    serve: app
    route: POST /{product}
    flow: [{ lock: cache, key: product, ttl: 60s, do: [{ wait: 10ms }] }]
traffic: { rate: 50/s }
`),
    )
    expect(Math.abs(causeOf(made, 'locks') / (0.01 * Math.log(20)) - 1)).toBeLessThan(0.25)
    expect(Math.abs(made.work.seconds / (0.01 * Math.log(20)) - 1)).toBeLessThan(0.1)
  })

  it('takes away retries, distances and the tail of a dependency, and leaves its median', async () => {
    const made = await why(
      topologyFrom(`components:
  app: { engine: service, zone: a, execution: { model: virtual-threads } }
  bank: { engine: external, latency: { p50: 20ms, p99: 200ms }, errors: 20% }
  db: { engine: postgres, zone: b }
network: { crossZone: 4ms }
requests:
  view:
    share: 100%
    serve: app
    route: GET /
    flow:
      - { query: db, time: { wait: { const: 1ms } } }
      - { call: bank, retry: { attempts: 3, backoff: 0ms } }
traffic: { rate: 50/s }
`),
    )
    expect(made.causes.map(({ cause }) => cause)).toEqual(['cpu', 'retries', 'network', 'tails'])
    expect(made.work.seconds).toBeGreaterThan(0.021)
    expect(made.work.seconds).toBeLessThan(0.023)
    expect(causeOf(made, 'network')).toBeCloseTo(0.004, 3)
    expect(causeOf(made, 'retries')).toBeGreaterThan(0.005)
    expect(causeOf(made, 'tails')).toBeGreaterThan(causeOf(made, 'retries'))
    // Without the errors there is nothing to retry: part of either goes with the other.
    expect(made.interaction.seconds).toBeLessThan(0)
    expect(sumOf(made)).toBe(nanoseconds(made.value.seconds))
  })

  it('looks at closed traffic long enough, whatever rate a variant reaches', async () => {
    const made = await why(one('{ compute: { const: 10ms } }', ' }', '{ users: 8, thinkTime: 0s }'))
    // Eight users in line for one CPU: each answer takes 8·S, of which S is work.
    expect(made.value.seconds).toBeCloseTo(0.08, 3)
    expect(made.work.seconds).toBeCloseTo(0.01, 4)
  })

  it('says that more is offered than is carried', async () => {
    const made = await why(one('{ compute: 10ms }', ' }', '{ rate: 120/s }'))
    expect(made.notes.join()).toContain('more is offered than the system carries')
  })
})

describe('the waterfall', () => {
  const part = (ms: number) => ({ seconds: ms / 1e3, halfWidthSeconds: 1e-4 })
  const made: Why = {
    apiVersion: 'plimsoll/v1',
    kind: 'Why',
    topology: { name: 'shop', digest: '' },
    request: 'purchase',
    measure: 'p95',
    seed: 1,
    value: part(99.9996),
    work: part(33.3333),
    causes: [
      { cause: 'pools', ...part(11.1116), withoutSeconds: 0 },
      { cause: 'cpu', ...part(60.0004), withoutSeconds: 0 },
    ],
    interaction: part(-4.4457),
    samples: 20_000,
    replications: 5,
    measuredSeconds: 100,
    notes: [],
  }

  it('prints figures that add up as they are printed, the largest cause first, within 80 columns', () => {
    const lines = renderText(whyDocument(made), {
      columns: 80,
      paint: { good: plain, bad: plain, dim: plain, strong: plain },
    } as unknown as Parameters<typeof renderText>[1]).split('\n')
    const rows = lines.filter((line) => line.includes('±') && !line.includes('confidence'))
    const figures = rows.map((line) => Number(/([+−]?[\d.]+) +±/.exec(line)?.[1]?.replace('−', '-')))
    expect(rows.map((line) => line.slice(0, 12).trim())).toEqual([
      'work itself',
      'waiting for',
      'waiting for',
      'interaction',
      '95th percent',
    ])
    expect(figures.slice(0, -1).reduce((sum, figure) => sum + figure, 0)).toBeCloseTo(figures.at(-1) ?? 0, 9)
    expect(figures[1]).toBeGreaterThan(figures[2] ?? 0)
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80)
  })
})

describe('the class that is looked at when none is named', () => {
  it('is the one that is worst beside its objective, not the slowest', () => {
    const topology = topologyFrom(`components: { app: { engine: service } }
requests:
  slow: { share: 50%, serve: app, route: GET /slow, slo: { p95: 10s }, flow: [{ wait: 100ms }] }
  fast: { share: 50%, serve: app, route: GET /fast, slo: { p95: 10ms }, flow: [{ wait: 10ms }] }
traffic: { rate: 10/s }
`)
    expect(worstRequest(capacityPlan(topology))).toBe('fast')
  })
})

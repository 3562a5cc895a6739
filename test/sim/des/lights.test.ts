/** Requests without tasks come to what requests with tasks come to, to the last bit, wherever something unusual meets them. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { RunEvent } from '../../../src/result/run-event.js'
import type { RunResult } from '../../../src/result/run-result.js'
import type { Kernel } from '../../../src/sim/des/kernel.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import { parseTopology } from '../../../src/topology/parse.js'

const scenario = readFileSync(new URL('../../../scenarios/flash-sale/topology.yaml', import.meta.url), 'utf8')

interface Played {
  readonly result: RunResult
  readonly events: readonly RunEvent[]
  /** Requests that began without tasks. */
  readonly light: number
}

const play = (topologyText: string, users: number, faults: string, byClosures: boolean): Played => {
  const topology = parseTopology(topologyText, { file: 't.yaml', registry: engineRegistry })
  const text = `apiVersion: plimsoll/v1
kind: Experiment
name: e
topology: t.yaml
load: { mode: closed, stages: [{ hold: ${users}, for: 2s }] }
warmup: 500ms
faults: [${faults}]
`
  const experiment = parseExperiment(text, { file: 'e.yaml', topology })
  const events: RunEvent[] = []
  const way = byClosures ? { byClosures } : { segmentsAtOnce: true }
  const onEvent = (event: RunEvent): void => {
    events.push(event)
  }
  const simulation = new Simulation({ topology, experiment, seed: 3, express: false, ...way, onEvent })
  while (simulation.advance());
  const { kernel } = (simulation as unknown as { readonly course: { readonly kernel: Kernel } }).course
  const result = simulation.finish()
  return { result, events, light: kernel.lights.generation.reduce((sum, count) => sum + count, 0) }
}

/** Plays it both ways; returns what came out, and the share of requests that began without tasks. */
const same = (
  topologyText: string,
  users: number,
  faults = '',
): { readonly result: RunResult; readonly share: number } => {
  const heavy = play(topologyText, users, faults, true)
  const light = play(topologyText, users, faults, false)
  expect(heavy.light).toBe(0)
  expect(light.result).toEqual(heavy.result)
  expect(light.events).toEqual(heavy.events)
  const begun = light.events.reduce(
    (sum, event) => sum + (event.type === 'second' ? (event.requests.all?.offered ?? 0) : 0),
    0,
  )
  return { result: light.result, share: light.light / begun }
}

describe('requests without tasks', () => {
  it('are all of a class whose clients wait no longer than a timeout', () => {
    const { result, share } = same(scenario, 300)
    // Four of five; the others lock, write and pay.
    expect(share).toBeGreaterThan(0.75)
    expect(share).toBeLessThan(0.85)
    expect(result.requests['view-product']?.outcomes?.miss?.latency?.p95).toBeGreaterThan(0.004)
  })

  it('get their tasks when a process dies, pauses or drains, or a way to it is struck', () => {
    const faults = [
      'kill: app/0, restart: { after: 300ms }',
      'kill: edge, restart: { after: 300ms }',
      'kill: cache/0, restart: { after: 300ms }',
      'stop: app/0, restart: { after: 300ms }',
      'pause: app/1, for: 300ms',
      'partition: app -> cache, for: 500ms',
      'reset: edge -> app, share: 30%, for: 500ms',
    ]
    for (const fault of faults) expect(same(scenario, 100, `{ at: 1s, ${fault} }`).share).toBeGreaterThan(0.3)
  }, 60_000)

  it('get them when their client, or the balancer, waits no longer', () => {
    const impatient = scenario
      .replace('client: { timeout: 1s, retry: { attempts: 2 } }', 'client: { timeout: 4ms, retry: { attempts: 2 } }')
      .replace('balance: least_conn\n', 'balance: least_conn\n    readTimeout: 3ms\n')
    expect(impatient).toContain('timeout: 4ms')
    expect(impatient).toContain('readTimeout: 3ms')
    const { result, share } = same(impatient, 200)
    expect(share).toBeGreaterThan(0.3)
    expect(result.requests['view-product']?.errors.timeout).toBeGreaterThan(100)
  })

  it('get them when there is no room for them', () => {
    const full = scenario.replace('maxInFlight: 3000', 'maxInFlight: 20')
    const { result } = same(full, 200)
    expect(result.requests['view-product']?.errors['503']).toBeGreaterThan(100)
  })
})

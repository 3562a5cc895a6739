/** A quota among neighbours without one: full speed until it is used up, then nothing until the next 100 ms. */
import { expect, test } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { InstancePlacement, Placement } from '../../../src/result/placement.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import { parseTopology } from '../../../src/topology/parse.js'

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: throttled
components: { app: { engine: service, execution: { model: event-loop, processes: 1 } } }
requests: { get: { share: 100%, serve: app, route: GET /, flow: [{ compute: { const: 10ms } }] } }
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

const placed = (app: Omit<InstancePlacement, 'host'>): Placement => ({
  hosts: { local: { cpu: 2 } },
  instances: { 'app/0': { host: 'local', ...app }, generator: { host: 'local' } },
  origin: 'runtime',
})

const play = (placement: Placement, load: string, faults = '[]'): RunResult => {
  const experiment = parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t\nload: ${load}\nfaults: ${faults}\n`,
    { file: 'e.yaml', topology },
  )
  const simulation = new Simulation({ topology, experiment, placement, seed: 3 })
  while (simulation.advance());
  return simulation.finish()
}

const closed = (users: number, seconds = 30): string =>
  `{ mode: closed, thinkTime: 0s, stages: [{ hold: ${users}, for: ${seconds}s }] }`
const rate = (result: RunResult): number => result.requests.all?.ratePerSecond ?? Number.NaN

test('a saturated instance gets its quota: 0.4 cores at 10 ms are 40 requests a second, of one event loop or of many', () => {
  for (const eventLoops of [1, undefined])
    expect(rate(play(placed({ quota: 0.4, ...(eventLoops && { eventLoops }) }), closed(4)))).toBeCloseTo(40, 0)
})

test('a request that comes alone is not slowed, as it would be on a slower core: 10 ms, not 25', () => {
  const result = play(placed({ quota: 0.4, eventLoops: 1 }), '{ stages: [{ hold: 1/s, for: 300s }] }')
  expect(result.requests.all?.latency?.p50).toBeCloseTo(0.01, 3)
  expect(result.requests.all?.latency?.p95 ?? 1).toBeLessThan(0.025)
})

test('who has used up its quota waits for the rest of the period: 60 of 100 ms', () => {
  const result = play(placed({ quota: 0.4, eventLoops: 1 }), closed(1))
  // Four or five requests of 10 ms, then one that is held up.
  expect(result.requests.all?.latency?.p50).toBeCloseTo(0.01, 3)
  expect(result.requests.all?.latency?.max ?? 0).toBeGreaterThan(0.06)
  expect(result.requests.all?.latency?.max ?? 1).toBeLessThan(0.08)
})

test('a quota of all that the instance could use anyway changes nothing', () => {
  const free = play(placed({ eventLoops: 1 }), closed(4))
  expect(play(placed({ eventLoops: 1, quota: 1 }), closed(4)).requests).toEqual(free.requests)
})

test('a paused instance stays paused when its next period begins, and is throttled again afterwards', () => {
  const pause = '[{ at: 10s, pause: app/0, for: 5s }]'
  const result = play(placed({ quota: 0.4, eventLoops: 1 }), closed(4, 30), pause)
  expect(rate(result)).toBeCloseTo((40 * 25) / 30, 0)
})

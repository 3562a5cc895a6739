/** The cores of a real machine: who runs keeps its core for a slice, and the line takes whom it owes most. */
import { expect, test } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { Placement } from '../../../src/result/placement.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import { parseTopology } from '../../../src/topology/parse.js'

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: sliced
components:
  short: { engine: service, execution: { model: event-loop, processes: 1 } }
  long: { engine: service, execution: { model: event-loop, processes: 1 } }
requests:
  quick: { share: 50%, serve: short, route: GET /quick, flow: [{ compute: { const: 0.2ms } }] }
  slow: { share: 50%, serve: long, route: GET /slow, flow: [{ compute: { const: 1.2ms } }] }
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

const placed = (origin: Placement['origin'], cpu: number): Placement => ({
  hosts: { local: { cpu } },
  instances: { 'short/0': { host: 'local', eventLoops: 1 }, 'long/0': { host: 'local', eventLoops: 1 } },
  origin,
})

const play = (placement: Placement, load: string, faults = '[]', mix = ''): RunResult => {
  const experiment = parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t\nload: { ${mix}${load} }\nfaults: ${faults}\n`,
    { file: 'e.yaml', topology },
  )
  const simulation = new Simulation({ topology, experiment, placement, seed: 3 })
  while (simulation.advance());
  return simulation.finish()
}
const open = (rate: number): string => `stages: [{ hold: ${rate}/s, for: 60s }]`
const mean = (result: RunResult, id: string): number => result.requests[id]?.latency?.mean ?? Number.NaN

test('work is conserved: the same CPU and the same throughput as when the core is shared without slices', () => {
  const [sliced, shared] = (['runtime', 'topology'] as const).map((origin) => play(placed(origin, 1), open(700)))
  for (const id of ['short', 'long'])
    expect((sliced?.components[id]?.cpuSeconds ?? 0) / (shared?.components[id]?.cpuSeconds ?? 1)).toBeCloseTo(1, 2)
  expect(sliced?.hosts.local?.utilization.cpu).toBeCloseTo(shared?.hosts.local?.utilization.cpu ?? 0, 2)
})

test('a short burst waits for the long one that runs, as it would not if the core were shared', () => {
  const [sliced, shared] = (['runtime', 'topology'] as const).map((origin) => play(placed(origin, 1), open(700)))
  if (sliced === undefined || shared === undefined) throw new Error('not played')
  expect(mean(sliced, 'quick')).toBeGreaterThan(1.1 * mean(shared, 'quick'))
  expect(mean(sliced, 'slow')).toBeLessThan(mean(shared, 'slow'))
})

test('M/D/1: one class alone is served first come, first served: W = ρS/(2(1 − ρ))', () => {
  const result = play(placed('runtime', 1), 'stages: [{ hold: 500/s, for: 200s }]', '[]', 'mix: { slow: 100% }, ')
  const rho = 500 * 0.0012
  expect(mean(result, 'slow') / (0.0012 + (rho * 0.0012) / (2 * (1 - rho)))).toBeCloseTo(1, 1)
})

test('a saturated core gives each of two busy processes half, however long their bursts', () => {
  // Quick requests want 0.8 of the core, slow ones 1.2.
  const mix = 'mix: { quick: 80%, slow: 20% }, '
  const result = play(placed('runtime', 1), 'stages: [{ hold: 5000/s, for: 5s }]', '[]', mix)
  for (const id of ['short', 'long']) expect((result.components[id]?.cpuSeconds ?? 0) / 5).toBeCloseTo(0.5, 1)
})

test('a fault that takes half of the cores halves what they do', () => {
  const load = 'mode: closed, thinkTime: 0s, stages: [{ hold: 40, for: 20s }]'
  const whole = play(placed('runtime', 1), load)
  const half = play(placed('runtime', 1), load, '[{ at: 0s, cpu: long/0, share: 50%, for: 20s }]')
  const rate = (result: RunResult): number => result.requests.all?.ratePerSecond ?? 0
  expect(rate(half) / rate(whole)).toBeCloseTo(0.5, 1)
})

/** What calibration knows of a visit beside its demand: turns, an aftermath, a late generator, a machine with other work. */
import { expect, test } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { Placement } from '../../../src/result/placement.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import type { Calibration } from '../../../src/topology/calibration.js'
import { parseTopology } from '../../../src/topology/parse.js'

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: turns
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, execution: { model: event-loop, processes: 1 } }
  cache: { engine: redis, memory: 64MiB }
requests:
  get:
    share: 100%
    enter: edge
    serve: app
    route: GET /
    flow: [{ compute: { const: 1ms } }, { lookup: cache, hitRatio: 100% }]
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

const placement: Placement = {
  hosts: { local: { cpu: 4 } },
  instances: {
    'edge/0': { host: 'local', eventLoops: 1 },
    'app/0': { host: 'local', eventLoops: 1 },
    'cache/0': { host: 'local', eventLoops: 1 },
    generator: { host: 'local' },
  },
  origin: 'runtime',
}

const demand = (seconds: number, turns?: number) => ({
  demand: { law: 'constant', seconds } as const,
  samples: 1,
  ...(turns === undefined ? {} : { turns }),
})

const plain: Calibration = {
  origin: { runs: [], measuredAt: '', topologyDigest: '', machine: '' },
  components: { generator: demand(0.0004), edge: demand(0.0002), app: demand(0.001), cache: demand(0.0001) },
  steps: {},
  hitRatios: {},
  digest: '',
}

const inTurns: Calibration = {
  ...plain,
  components: { generator: demand(0.0004, 2), edge: demand(0.0002, 2), app: demand(0.001, 2), cache: demand(0.0001) },
}

const play = (calibration: Calibration, ratePerSecond: number): RunResult => {
  const experiment = parseExperiment(
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t\nload: { stages: [{ hold: ${ratePerSecond}/s, for: ${12_000 / ratePerSecond}s }] }\n`,
    { file: 'e.yaml', topology },
  )
  const simulation = new Simulation({ topology: { ...topology, calibration }, experiment, placement, seed: 5 })
  while (simulation.advance());
  return simulation.finish()
}

const mean = (result: RunResult): number => result.requests.all?.latency?.mean ?? Number.NaN
const used = (result: RunResult): readonly number[] =>
  Object.values(result.components).map(({ cpuSeconds }) => cpuSeconds)

test('turns change when CPU is used, not how much: 0.2, 2 and 0.1 ms per request', () => {
  for (const calibration of [plain, inTurns, { ...inTurns, aftermath: 0.3 }])
    for (const [i, milliseconds] of [0.2, 2, 0.1].entries())
      expect((1e3 * (used(play(calibration, 100))[i] ?? 0)) / 12_000 / milliseconds).toBeCloseTo(1, 1)
})

test('alone on the machine a request takes its demand, however many turns that is: 2.7 ms', () => {
  expect(mean(play(plain, 2))).toBeCloseTo(0.0027, 4)
  expect(mean(play(inTurns, 2))).toBeCloseTo(0.0027, 4)
})

test('nobody waits for what comes after the answer: 1.7 ms of overhead less 30 %', () => {
  expect(mean(play({ ...inTurns, aftermath: 0.3 }, 2))).toBeCloseTo(0.0027 - 0.3 * 0.0017, 4)
})

test('what comes after an answer keeps the next request waiting', () => {
  const alone = mean(play({ ...inTurns, aftermath: 0.3 }, 2))
  const busy = mean(play({ ...inTurns, aftermath: 0.3 }, 300))
  // The event loop of the service is busy for 2 ms of each 3.3 ms, whoever waits for them.
  expect(busy - alone).toBeGreaterThan(0.001)
})

test('a late generator adds its lateness, of which what it computes until it sends is a part: 0.5 ms − 0.2 ms', () => {
  const lateness = [{ ratePerSecond: 2, p50Seconds: 0.0004, meanSeconds: 0.0005 }]
  expect(mean(play({ ...inTurns, lateness }, 2)) - mean(play(inTurns, 2))).toBeCloseTo(0.0003, 4)
})

test('other work on the machine takes its share of the cores, and counts as use of the host', () => {
  const quiet = play(inTurns, 300)
  const shared = play({ ...inTurns, background: 0.2 }, 300)
  const host = (result: RunResult): number => result.hosts.local?.utilization.cpu ?? Number.NaN
  expect(host(shared) - host(quiet)).toBeCloseTo(0.2, 2)
  expect(mean(shared)).toBeGreaterThan(mean(quiet))
})

/** A calibration that knows what visits of each kind cost: the engine and the analytic solver compute with it alike. */
import { expect, test } from 'vitest'
import { engineRegistry } from '../../../src/catalog/index.js'
import { parseExperiment } from '../../../src/experiment/parse.js'
import type { Placement } from '../../../src/result/placement.js'
import { solveTopology } from '../../../src/sim/analytic/network/solve.js'
import { stationDemands } from '../../../src/sim/analytic/network/usage.js'
import { Simulation } from '../../../src/sim/des/simulation.js'
import type { Calibration } from '../../../src/topology/calibration.js'
import { parseTopology } from '../../../src/topology/parse.js'

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: kinds
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, execution: { model: event-loop, processes: 1 }, pools: { main: { to: db, size: 9 } } }
  db: { engine: postgres }
requests:
  get: { share: 75%, enter: edge, serve: app, route: GET /, flow: [{ query: app.main, time: { cpu: 1ms, wait: 1ms } }] }
  post: { share: 25%, enter: edge, serve: app, route: POST /, flow: [{ write: app.main, table: t, time: { cpu: 1ms, wait: 1ms } }] }
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

const placement: Placement = {
  hosts: { local: { cpu: 4 } },
  instances: {
    'edge/0': { host: 'local', eventLoops: 1 },
    'app/0': { host: 'local', eventLoops: 1 },
    'db/0': { host: 'local' },
    generator: { host: 'local' },
  },
  origin: 'runtime',
}

const demand = (seconds: number, kinds: NonNullable<Calibration['components'][string]['kinds']>, turns = 2) => ({
  demand: { law: 'constant', seconds } as const,
  samples: 1,
  turns,
  kinds,
})

const calibration: Calibration = {
  origin: { runs: [], measuredAt: '', topologyDigest: '', machine: '' },
  components: {
    generator: demand(0.0002, { get: { factor: 1 }, post: { factor: 2 } }),
    edge: demand(0.0001, { get: { factor: 0.5 }, post: { factor: 4 } }),
    // Its mean visit takes four turns, these two.
    app: demand(0.0004, { get: { factor: 0.5, turns: 2 }, post: { factor: 2, turns: 2 } }, 4),
    db: demand(0.0002, { 'get/0': { factor: 1 }, 'post/0': { factor: 6 } }),
  },
  steps: {},
  hitRatios: {},
  aftermath: 0.2,
  digest: '',
}

/** CPU per request of the mix in ms: ¾ of a get and ¼ of a post. */
const wanted = { edge: 0.75 * 0.05 + 0.25 * 0.4, app: 0.75 * 0.2 + 0.25 * 0.8, db: 1 + 0.75 * 0.2 + 0.25 * 1.2 }
const generator = 0.75 * 0.2 + 0.25 * 0.4

const calibrated = { ...topology, calibration }

test('in the engine every kind costs what it costs, in turns, after its answer and at the generator', () => {
  const experiment = parseExperiment(
    'apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: t\nload: { stages: [{ hold: 100/s, for: 200s }] }\n',
    { file: 'e.yaml', topology },
  )
  const simulation = new Simulation({ topology: calibrated, experiment, placement, seed: 5 })
  while (simulation.advance());
  const result = simulation.finish()
  const requests = result.requests.all?.completed ?? Number.NaN
  for (const [id, milliseconds] of Object.entries(wanted))
    expect((1e3 * (result.components[id]?.cpuSeconds ?? 0)) / requests / milliseconds).toBeCloseTo(1, 1)
  expect((1e3 * result.generator.cpuSeconds) / requests / generator).toBeCloseTo(1, 1)
})

test('in the analytic solver, too', () => {
  const { usage } = solveTopology(calibrated, placement, 'shared').solved
  const demands = stationDemands(usage, 100)
  const seconds = (id: string): number =>
    [...usage.stations.values()].reduce(
      (sum, station) => sum + (station.component.id === id ? (demands.get(station.id)?.cpuSeconds ?? 0) : 0),
      0,
    )
  for (const [id, milliseconds] of Object.entries(wanted)) expect(1e3 * seconds(id)).toBeCloseTo(milliseconds, 9)
  expect(1e3 * usage.generatorSeconds(100)).toBeCloseTo(generator, 9)
})

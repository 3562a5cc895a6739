import { expect, test } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import { steadyText } from '../../src/experiment/steady-text.js'
import { parseTopology } from '../../src/topology/parse.js'

const topology = parseTopology(
  `apiVersion: plimsoll/v1
kind: Topology
name: two
components: { app: { engine: service } }
requests:
  a: { share: 60%, serve: app, route: GET /a, flow: [{ compute: 1ms }] }
  b: { share: 40%, serve: app, route: GET /b, flow: [{ compute: 1ms }] }
`,
  { file: 'topology.yaml', registry: engineRegistry },
)

const parsed = (load: Parameters<typeof steadyText>[0]) =>
  parseExperiment(steadyText(load), { file: 'e.yaml', topology })
const base = { name: 'measured', topology: 'a "b"/topology.yaml', seed: 3, seconds: 20, warmupSeconds: 4 }

test('an open load says what it was told', () => {
  const pin = { generator: [1], stack: [0] }
  const experiment = parsed({ ...base, level: { ratePerSecond: 123.456 }, mix: { a: 0.25, b: 0.75 }, pin })
  expect(experiment).toMatchObject({ name: 'measured', topology: 'a "b"/topology.yaml', seed: 3, warmupSeconds: 4 })
  expect(experiment.load).toMatchObject({ mode: 'open', arrivals: { kind: 'poisson' }, mix: { a: 0.25, b: 0.75 } })
  expect(experiment.load.stages).toEqual([{ fromLevel: 123.456, toLevel: 123.456, durationSeconds: 20 }])
  expect(experiment.placement?.pin).toEqual(pin)
})

test('a closed load has users who do not think', () => {
  const { load, placement } = parsed({ ...base, level: { users: 48 } })
  expect(load).toMatchObject({ mode: 'closed', mix: undefined, stages: [{ fromLevel: 48, toLevel: 48 }] })
  expect(load.thinkTime).toEqual({ shape: 'exponential', meanSeconds: 0 })
  expect(placement).toBeUndefined()
})

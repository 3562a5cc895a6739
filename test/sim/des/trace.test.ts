import { expect, it } from 'vitest'
import { defaultExperiment } from '../../../src/experiment/default.js'
import { simulate } from '../../../src/sim/des/simulate.js'
import { topologyFile } from '../../support/topology.js'

it('a recorded trace is played with its times and its classes', () => {
  const topology = topologyFile('scenarios/optimization-api/topology.yaml')
  const base = defaultExperiment(topology, 3, 1)
  const arrivals = {
    kind: 'trace',
    file: 't.csv',
    times: Float64Array.of(0.2, 0.9, 1.5, 1.6, 2.5),
    classes: { ids: ['optimize', 'get-route'], of: Uint16Array.of(0, 1, 1, 0, 1) },
  } as const
  const result = simulate({ topology, experiment: { ...base, load: { ...base.load, arrivals } }, seed: 1 })
  expect(result.series.map(({ requests }) => [requests.optimize?.offered, requests['get-route']?.offered])).toEqual([
    [1, 1],
    [1, 1],
    [0, 1],
  ])
})

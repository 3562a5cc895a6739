/**
 * Oracles 1 and 2 in the event engine, from YAML to the mean of 10⁶ requests. The standard error of the mean response of an
 * M/M/1 queue over N customers is (1 + ρ)/(μ(1 − ρ)²√N) (docs/model.md), here 0.9 and 0.7 % of the mean.
 */
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { defaultExperiment } from '../../src/experiment/default.js'
import type { RunResult } from '../../src/result/run-result.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { parseTopology } from '../../src/topology/parse.js'

const simulated = (compute: string, ratePerSecond: number, requests: number, seed = 1): RunResult => {
  const topology = parseTopology(
    `apiVersion: plimsoll/v1
kind: Topology
name: mm1
components:
  server: { engine: service, execution: { model: event-loop, processes: 1 } }
requests:
  get: { share: 100%, serve: server, route: GET /, flow: [{ compute: ${compute} }] }
traffic: { rate: ${ratePerSecond}/s }
`,
    { file: 'mm1.yaml', registry: engineRegistry },
  )
  return simulate({ topology, experiment: defaultExperiment(topology, requests / ratePerSecond, seed), seed })
}

const within = (value: number | undefined, expected: number, share: number): void => {
  expect(Math.abs((value ?? 0) / expected - 1)).toBeLessThan(share)
}

describe('M/M/1 in the event engine', () => {
  it('oracle 1: λ = 8/s, S = 0.1 s: mean response 0.5 s, p95 1.498 s, p99 2.303 s, four in the system', () => {
    const result = simulated('0.1s', 8, 1_000_000)
    const { latency } = result.requests.all ?? {}
    within(latency?.mean, 0.5, 0.02)
    within(latency?.p95, 1.49787, 0.03)
    within(latency?.p99, Math.log(100) / 2, 0.05)
    within(result.components.server?.queue.mean, 4, 0.03)
    within(result.components.server?.utilization.cpu, 0.8, 0.005)
  })

  it('oracle 2: λ = 75/s, S = 10 ms: mean response 40 ms, three in the system, utilization 0.75', () => {
    const result = simulated('10ms', 75, 1_000_000)
    within(result.requests.all?.latency?.mean, 0.04, 0.02)
    within(result.components.server?.queue.mean, 3, 0.03)
    within(result.components.server?.utilization.cpu, 0.75, 0.005)
  })
})

describe('other stations in the event engine', () => {
  const run = (components: string, request: string, traffic: string, seconds: number): RunResult => {
    const topology = parseTopology(
      `apiVersion: plimsoll/v1
kind: Topology
name: station
components:
${components}
requests:
  get: { share: 100%, serve: server, route: GET /, ${request} }
traffic: ${traffic}
`,
      { file: 'station.yaml', registry: engineRegistry },
    )
    return simulate({ topology, experiment: defaultExperiment(topology, seconds, 1), seed: 1 })
  }

  it('oracle 3: three threads, λ = 2/s, S = 1 s of waiting: mean response 1.444 s', () => {
    const threads = '  server: { engine: service, execution: { model: threads, threads: 3 } }'
    const result = run(threads, 'flow: [{ wait: 1s }]', '{ rate: 2/s }', 100_000)
    within(result.requests.all?.latency?.mean, 1.444444, 0.02)
    within(result.components.server?.queue.mean, 2.888889, 0.02)
  })

  it('oracle 3 again: three cores shared by attained service have the same mean', () => {
    const cores = '  server: { engine: service, execution: { model: virtual-threads }, resources: { cpu: 3 } }'
    const result = run(cores, 'flow: [{ compute: 1s }]', '{ rate: 2/s }', 100_000)
    within(result.requests.all?.latency?.mean, 1.444444, 0.02)
  })

  it('oracle 6: a pool of 11 connections held for 20 ms at 500/s: mean wait 13.642 ms', () => {
    const pooled = `  server:
    engine: service
    execution: { model: virtual-threads }
    pools: { main: { to: db, size: 11 } }
  db: { engine: postgres, demand: { cpu: 0s } }`
    const result = run(
      pooled,
      'flow: [{ query: server.main, table: t, time: { wait: 20ms } }]',
      '{ rate: 500/s }',
      1500,
    )
    within((result.requests.all?.latency?.mean ?? 0) - 0.02, 0.013642, 0.1)
    within(result.components.server?.pools.main?.inUse, 10, 0.01)
  })

  it('oracle 8: first come, first served with constant and with highly variable service', () => {
    const loop = '  server: { engine: service, execution: { model: event-loop, processes: 1 } }'
    const constant = run(loop, 'flow: [{ compute: { const: 0.1s } }]', '{ rate: 8/s }', 60_000)
    within(constant.requests.all?.latency?.mean, 0.3, 0.02)
    const variable = run(loop, 'flow: [{ compute: { mean: 0.1s, cv: 2 } }]', '{ rate: 8/s }', 60_000)
    within(variable.requests.all?.latency?.mean, 1.1, 0.08)
  })

  it('oracle 10: 100 users who think 300 s: 0.3325 requests per second', () => {
    const loop = '  server: { engine: service, execution: { model: event-loop, processes: 1 } }'
    const result = run(loop, 'flow: [{ compute: 0.63s }]', '{ users: 100, thinkTime: 300s }', 400_000)
    within(result.requests.all?.ratePerSecond, 0.332453, 0.01)
    within(result.requests.all?.latency?.mean, 0.79426, 0.02)
  })
})

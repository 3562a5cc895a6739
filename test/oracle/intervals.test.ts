/**
 * The intervals themselves, through the engine, from YAML: over 2100 trials with fixed seeds, on oracles whose true values
 * are known, the true mean response lies inside the 95 % interval in 93.5 to 96.5 % of them (2100 trials scatter by 0.5 %), and the
 * half-widths are at most 1.3 of the asymptotic ones.
 */
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { defaultExperiment } from '../../src/experiment/default.js'
import type { RunResult } from '../../src/result/run-result.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { parseTopology } from '../../src/topology/parse.js'

interface Oracle {
  readonly name: string
  readonly components: string
  readonly flow: string
  readonly traffic: string
  readonly ratePerSecond: number
  readonly requests: number
  readonly trials: number
  /** Mean response in seconds. */
  readonly responseSeconds: number
  /** Asymptotic standard deviation of the mean response of n requests, times √n; undefined: that of the trials stands for it. */
  readonly deviation?: number
}

const loop = '  server: { engine: service, execution: { model: event-loop, processes: 1 } }'

/**
 * M/M/1, μ = 1000/s. The response of n customers has asymptotic variance (1 + ρ)²/(μ²(1 − ρ)⁴n): 2·Cov(h, T) − Var T with the
 * solution h(t) = ρt²/(2(1 − ρ)) + t of Poisson's equation for the responses T (S. P. Meyn and R. L. Tweedie, Markov Chains and
 * Stochastic Stability, 17.4).
 */
const mm1 = (rho: number, requests: number, trials: number): Oracle => ({
  name: `M/M/1, ρ = ${rho}`,
  components: loop,
  flow: 'flow: [{ compute: 1ms }]',
  traffic: `{ rate: ${1000 * rho}/s }`,
  ratePerSecond: 1000 * rho,
  requests,
  trials,
  responseSeconds: 0.001 / (1 - rho),
  deviation: (0.001 * (1 + rho)) / (1 - rho) ** 2,
})

/** Pollaczek–Khinchine. */
const mg1 = (name: string, time: string, scv: number, rho: number, requests: number, trials: number): Oracle => ({
  name,
  components: loop,
  flow: `flow: [{ compute: ${time} }]`,
  traffic: `{ rate: ${1000 * rho}/s }`,
  ratePerSecond: 1000 * rho,
  requests,
  trials,
  responseSeconds: 0.001 * (1 + (rho * (1 + scv)) / (2 * (1 - rho))),
})

const oracles: readonly Oracle[] = [
  mm1(0.5, 20_000, 350),
  mm1(0.6, 20_000, 300),
  mm1(0.7, 25_000, 250),
  mm1(0.8, 40_000, 150),
  mg1('M/D/1, ρ = 0.7', '{ const: 1ms }', 0, 0.7, 20_000, 200),
  mg1('M/G/1, cv = 2, ρ = 0.5', '{ mean: 1ms, cv: 2 }', 4, 0.5, 25_000, 150),
  {
    name: 'M/M/3 (oracle 3)',
    components: '  server: { engine: service, execution: { model: threads, threads: 3 } }',
    flow: 'flow: [{ wait: 1ms }]',
    traffic: '{ rate: 2000/s }',
    ratePerSecond: 2000,
    requests: 20_000,
    trials: 250,
    responseSeconds: 0.00144444,
  },
  {
    name: 'a pool of 14 connections (oracle 6)',
    components: `  server:
    engine: service
    execution: { model: virtual-threads }
    pools: { main: { to: db, size: 14 } }
  db: { engine: postgres, demand: { cpu: 0s } }`,
    flow: 'flow: [{ query: server.main, table: t, time: { wait: 20ms } }]',
    traffic: '{ rate: 500/s }',
    ratePerSecond: 500,
    requests: 15_000,
    trials: 250,
    responseSeconds: 0.020871,
  },
  {
    // Oracle 10 a thousand times as fast.
    name: '100 users who think',
    components: loop,
    flow: 'flow: [{ compute: 0.63ms }]',
    traffic: '{ users: 100, thinkTime: 300ms }',
    ratePerSecond: 332.453,
    requests: 15_000,
    trials: 200,
    responseSeconds: 0.00079426,
  },
]

class Tally {
  trials = 0
  inside = 0
  private widths = 0
  private sum = 0
  private squares = 0

  add(estimate: number, halfWidth: number, truth: number): void {
    this.trials++
    if (Math.abs(estimate - truth) <= halfWidth) this.inside++
    this.widths += halfWidth
    this.sum += estimate - truth
    this.squares += (estimate - truth) ** 2
  }

  get coverage(): number {
    return this.inside / this.trials
  }

  get meanHalfWidth(): number {
    return this.widths / this.trials
  }

  /** Standard deviation of the estimates. */
  get deviation(): number {
    return Math.sqrt((this.squares - this.sum ** 2 / this.trials) / (this.trials - 1))
  }
}

const play = (oracle: Oracle, each: (result: RunResult) => void): void => {
  const topology = parseTopology(
    `apiVersion: plimsoll/v1
kind: Topology
name: station
components:
${oracle.components}
requests:
  get: { share: 100%, serve: server, route: GET /, ${oracle.flow} }
traffic: ${oracle.traffic}
`,
    { file: 'station.yaml', registry: engineRegistry },
  )
  const experiment = defaultExperiment(topology, oracle.requests / oracle.ratePerSecond, 1)
  for (let trial = 0; trial < oracle.trials; trial++) each(simulate({ topology, experiment, seed: 1000 + trial }))
}

const z = 1.959964

/** Estimates of M/M/1 besides the mean response, with their true values and asymptotic half-widths. */
interface Beside {
  readonly name: string
  readonly value: (result: RunResult) => number | undefined
  readonly halfWidth: (result: RunResult) => number | undefined
  readonly truth: (rho: number) => number
  /** Standard deviation of a mean over t service times, times √t; undefined: not known in closed form. */
  readonly deviation?: (rho: number) => number
}

const beside: readonly Beside[] = [
  {
    name: 'p95 of the response',
    value: ({ requests }) => requests.all?.latency?.p95,
    halfWidth: ({ requests }) => requests.all?.halfWidth?.['latency.p95'],
    truth: (rho) => (0.001 * Math.log(20)) / (1 - rho),
  },
  {
    // A renewal reward process of busy periods: (1 − ρ)²Var B + ρ²/λ², over the mean cycle 1/(λ(1 − ρ)), comes to 2ρ.
    name: 'utilization',
    value: ({ components }) => components.server?.utilization.cpu,
    halfWidth: ({ components }) => components.server?.halfWidth?.['utilization.cpu'],
    truth: (rho) => rho,
    deviation: (rho) => Math.sqrt(2 * rho),
  },
  {
    // W. Whitt, "Planning queueing simulations", 1989, (23).
    name: 'number in the system',
    value: ({ components }) => components.server?.queue.mean,
    halfWidth: ({ components }) => components.server?.halfWidth?.['queue.mean'],
    truth: (rho) => rho / (1 - rho),
    deviation: (rho) => Math.sqrt((2 * rho * (1 + rho)) / (1 - rho) ** 4),
  },
  {
    // What leaves an M/M/1 queue is a Poisson process (Burke 1956).
    name: 'throughput',
    value: ({ requests }) => requests.all?.ratePerSecond,
    halfWidth: ({ requests }) => requests.all?.halfWidth?.ratePerSecond,
    truth: (rho) => 1000 * rho,
    deviation: (rho) => 1000 * Math.sqrt(rho),
  },
]

describe.sequential('95 % half-widths of single runs', () => {
  const pooled = { trials: 0, inside: 0 }
  const tallies = new Map<string, Tally>()
  const relative = new Map<string, number[]>()

  it.each(oracles.map((oracle) => [oracle.name, oracle] as const))(
    'of the mean response: %s',
    (_, oracle) => {
      const tally = new Tally()
      const rho = oracle.ratePerSecond / 1000
      play(oracle, (result) => {
        const { latency, halfWidth } = result.requests.all ?? {}
        tally.add(latency?.mean ?? 0, halfWidth?.['latency.mean'] ?? 0, oracle.responseSeconds)
        if (oracle.deviation === undefined) return
        for (const { name, value, halfWidth: widthOf, truth, deviation } of beside) {
          const width = widthOf(result)
          // Too few samples to tell a percentile.
          if (width === undefined) continue
          const of = tallies.get(name) ?? new Tally()
          tallies.set(name, of)
          of.add((value(result) ?? 0) / truth(rho), width / truth(rho), 1)
          if (deviation === undefined) continue
          const asymptotic = (z * deviation(rho)) / Math.sqrt(1000 * result.durationSeconds)
          relative.set(name, [...(relative.get(name) ?? []), width / asymptotic])
        }
      })
      pooled.trials += tally.trials
      pooled.inside += tally.inside
      expect(tally.coverage).toBeGreaterThan(0.9)
      const asymptotic =
        oracle.deviation === undefined ? z * tally.deviation : (z * oracle.deviation) / Math.sqrt(oracle.requests)
      expect(tally.meanHalfWidth / asymptotic).toBeGreaterThan(0.9)
      expect(tally.meanHalfWidth / asymptotic).toBeLessThan(1.3)
    },
    120_000,
  )

  it('hold the true mean response in 93.5 to 96.5 % of all trials', () => {
    expect(pooled.trials).toBeGreaterThanOrEqual(2000)
    expect(pooled.inside / pooled.trials).toBeGreaterThanOrEqual(0.935)
    expect(pooled.inside / pooled.trials).toBeLessThanOrEqual(0.965)
  })

  it.each(beside.map(({ name }) => name))('hold what else is known of M/M/1: %s', (name) => {
    const tally = tallies.get(name)
    expect(tally?.trials).toBeGreaterThan(1000)
    expect(tally?.coverage).toBeGreaterThanOrEqual(0.93)
    expect(tally?.coverage).toBeLessThanOrEqual(0.975)
    const widths = relative.get(name)
    if (widths === undefined) return
    const mean = widths.reduce((sum, width) => sum + width, 0) / widths.length
    expect(mean).toBeGreaterThan(0.9)
    expect(mean).toBeLessThan(1.3)
  })
})

/**
 * Oracle 9 from YAML on, in the event engine and in what `simulate --check` says beside it: two exponential classes, λ = 4/s each,
 * S = 0.1 s. Without interruption Wq = 0.133333 and 0.666667 s (Cobham 1954), with it R = 0.166667 and 0.833333 s (Kleinrock II, 3.7).
 */
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { defaultExperiment } from '../../src/experiment/default.js'
import { checkAgainstTheory } from '../../src/sim/analytic/check.js'
import { preemptiveResponses } from '../../src/sim/analytic/priority.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { parseTopology } from '../../src/topology/parse.js'

const checked = (priorities: string, times: readonly [string, string], seconds: number, seed = 1) => {
  const topology = parseTopology(
    `apiVersion: plimsoll/v1
kind: Topology
name: priorities
components:
  server: { engine: service, execution: { model: event-loop, processes: 1 }, priorities: ${priorities} }
requests:
  low: { share: 50%, serve: server, route: GET /low, flow: [{ compute: ${times[1]} }] }
  high: { share: 50%, priority: 1, serve: server, route: GET /high, flow: [{ compute: ${times[0]} }] }
traffic: { rate: 8/s }
`,
    { file: 'priorities.yaml', registry: engineRegistry },
  )
  const experiment = defaultExperiment(topology, seconds, seed)
  const result = simulate({ topology, experiment, seed })
  const check = checkAgainstTheory(result, topology, experiment)
  return {
    result,
    check,
    theory: (subject: string) => check.rows.find((row) => row.subject === subject && row.quantity === 'latency.mean'),
  }
}

describe('oracle 9: priorities', () => {
  it('that do not interrupt: waits of 0.1333 and 0.6667 s', () => {
    const { result, theory, check } = checked('non-preemptive', ['0.1s', '0.1s'], 50_000)
    expect(theory('high')).toMatchObject({ basis: 'exact', formula: 'priorities, M/G/1', inside: true })
    expect(theory('low')).toMatchObject({ basis: 'exact', formula: 'priorities, M/G/1', inside: true })
    expect(theory('high')?.theory).toBeCloseTo(0.233333, 6)
    expect(theory('low')?.theory).toBeCloseTo(0.766667, 6)
    expect((result.requests.high?.latency?.mean ?? 0) - 0.1).toBeGreaterThan(0.133333 * 0.97)
    expect((result.requests.high?.latency?.mean ?? 0) - 0.1).toBeLessThan(0.133333 * 1.03)
    expect((result.requests.low?.latency?.mean ?? 0) - 0.1).toBeGreaterThan(0.666667 * 0.95)
    expect((result.requests.low?.latency?.mean ?? 0) - 0.1).toBeLessThan(0.666667 * 1.05)
    // Together they are the M/M/1 that they would be in order of arrival.
    expect(check.rows.find((row) => row.subject === 'server' && row.quantity === 'queue.mean')?.theory).toBeCloseTo(
      4,
      9,
    )
    expect(check.caveats).toEqual([])
  })

  it('that interrupt and resume: responses of 0.1667 and 0.8333 s', () => {
    const { result, theory } = checked('preemptive', ['0.1s', '0.1s'], 50_000)
    expect(theory('high')).toMatchObject({ basis: 'exact', formula: 'priorities, M/G/1', inside: true })
    expect(theory('high')?.theory).toBeCloseTo(1 / 6, 9)
    expect(theory('low')?.theory).toBeCloseTo(5 / 6, 9)
    expect((result.requests.high?.latency?.mean ?? 0) * 6).toBeGreaterThan(0.97)
    expect((result.requests.high?.latency?.mean ?? 0) * 6).toBeLessThan(1.03)
    expect((result.requests.low?.latency?.mean ?? 0) * 1.2).toBeGreaterThan(0.95)
    expect((result.requests.low?.latency?.mean ?? 0) * 1.2).toBeLessThan(1.05)
  })

  it('with unequal and constant times of work, interrupting or not', () => {
    const waits = checked('non-preemptive', ['{ const: 40ms }', '160ms'], 30_000)
    // W0 = 4·0.04²/2 + 4·0.16² = 0.1056 s; σ = 0.16, 0.8.
    expect(waits.theory('high')?.theory).toBeCloseTo(0.04 + 0.1056 / 0.84, 9)
    expect(waits.theory('low')?.theory).toBeCloseTo(0.16 + 0.1056 / (0.84 * 0.2), 9)
    expect(Math.abs(waits.theory('high')?.difference ?? 1)).toBeLessThan(0.03)
    expect(Math.abs(waits.theory('low')?.difference ?? 1)).toBeLessThan(0.06)
    const [high, low] = preemptiveResponses([
      { arrivalRatePerSecond: 4, serviceSeconds: 0.04, scv: 0 },
      { arrivalRatePerSecond: 4, serviceSeconds: 0.16, scv: 1 },
    ])
    const interrupting = checked('preemptive', ['{ const: 40ms }', '160ms'], 30_000)
    expect(interrupting.theory('high')?.theory).toBeCloseTo(high ?? 0, 9)
    expect(interrupting.theory('low')?.theory).toBeCloseTo(low ?? 0, 9)
    expect(Math.abs(interrupting.theory('high')?.difference ?? 1)).toBeLessThan(0.02)
    expect(Math.abs(interrupting.theory('low')?.difference ?? 1)).toBeLessThan(0.06)
  })
})

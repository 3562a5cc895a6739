/**
 * Oracle 21: a metastable retry storm. M/M/1, first come first served, μ = 10/s, client timeout 1 s, k = 3 immediate retries, abandoned
 * work is served all the same. A spike leaves a backlog that is older than the timeout; from then on every attempt is served in
 * vain, so that λ requests a second ask for λ(1 + k) services. The backlog drains at μ − λ(1 + k): the boundary is λ = 2.5/s.
 */
import { describe, expect, it } from 'vitest'
import { parseExperiment } from '../../src/experiment/parse.js'
import type { RunResult } from '../../src/result/run-result.js'
import { simulate } from '../../src/sim/des/simulate.js'
import { topologyFrom } from '../support/topology.js'

/** The second at which the spike begins; until then the base load runs alone. */
const calm = 60

const storm = (
  base: number,
  spike: { readonly seconds: number; readonly after: number },
  policy: { readonly budget?: string; readonly onAbort?: 'cancel' } = {},
  seed = 1,
): RunResult => {
  const budget = policy.budget === undefined ? '' : `, budget: ${policy.budget}`
  const topology = topologyFrom(`
components:
  server: { engine: service, execution: { model: event-loop, processes: 1 }, onAbort: ${policy.onAbort ?? 'continue'} }
requests:
  get:
    share: 100%
    serve: server
    route: GET /
    client: { timeout: 1s, retry: { attempts: 4${budget} } }
    flow: [{ compute: 100ms }]
`)
  const text = `apiVersion: plimsoll/v1
kind: Experiment
name: retry storm
topology: topology.yaml
seed: ${seed}
load:
  mode: open
  arrivals: poisson
  stages:
    - { hold: ${base}/s, for: ${calm}s }
    - { hold: 30/s, for: ${spike.seconds}s }
    - { hold: ${base}/s, for: ${spike.after}s }
`
  const experiment = parseExperiment(text, { file: 'experiment.yaml', topology })
  return simulate({ topology, experiment, seed })
}

/** Successes and failures that completed in (from, to], in seconds from the end of the spike. */
const counted = (result: RunResult, spikeSeconds: number, from: number, to: number) => {
  const end = calm + spikeSeconds
  const seconds = result.series.filter(({ at }) => at > end + from && at <= end + to)
  const sum = (value: (all: { ok: number; completed: number; offered: number }) => number): number =>
    seconds.reduce((total, { requests }) => total + (requests.all === undefined ? 0 : value(requests.all)), 0)
  return {
    ok: sum(({ ok }) => ok),
    completed: sum(({ completed }) => completed),
    offered: sum(({ offered }) => offered),
  }
}

/** Seconds from the end of the spike to the first of ten in a row in which no request failed; Infinity: never. */
const recoverySeconds = (result: RunResult, spikeSeconds: number): number => {
  const end = calm + spikeSeconds
  const after = result.series.filter(({ at }) => at > end)
  const whole = (i: number): boolean =>
    after.slice(i, i + 10).length === 10 &&
    after.slice(i, i + 10).every(({ requests }) => requests.all?.ok === requests.all?.completed) &&
    after.slice(i, i + 10).some(({ requests }) => (requests.all?.ok ?? 0) > 0)
  const found = after.findIndex((_, i) => whole(i))
  return found < 0 ? Number.POSITIVE_INFINITY : (after[found]?.at ?? 0) - end
}

describe('oracle 21: a retry storm', () => {
  it.each([1, 2, 3])('λ = 5/s, beyond the boundary: no goodput for 480 s after a spike of 20 s (seed %i)', (seed) => {
    const result = storm(5, { seconds: 20, after: 480 }, {}, seed)
    // Before it, all is well: ρ = 0.5, and a request in a hundred waits for more than its timeout.
    const before = counted(result, 20, -calm - 20, -20)
    expect(before.ok / before.completed).toBeGreaterThan(0.97)
    const after = counted(result, 20, 0, 480)
    expect(after.ok).toBe(0)
    expect(after.completed).toBeGreaterThan(5 * 480 * 0.9)
    // Four attempts each: 20 services a second are asked of a server that gives ten.
    expect(result.requests.all?.attempts).toBeGreaterThan(3.5 * (result.requests.all?.offered ?? 0))
    expect(result.components.server?.utilization.cpu).toBeGreaterThan(0.9)
  })

  it.each([1, 2, 3])('a retry budget of 20 %% recovers: λ(1 + 0.2) = 6/s is below μ (seed %i)', (seed) => {
    const result = storm(5, { seconds: 20, after: 480 }, { budget: '20%' }, seed)
    // Backlog 20 s × (30 × 1.2 − 10)/s = 520, drained at (10 − 6)/s: 130 s.
    const recovery = recoverySeconds(result, 20)
    expect(recovery).toBeGreaterThan(100)
    expect(recovery).toBeLessThan(170)
    const late = counted(result, 20, 200, 480)
    expect(late.ok / late.completed).toBeGreaterThan(0.95)
  })

  it.each([1, 2, 3])('cancelling abandoned work recovers within seconds (seed %i)', (seed) => {
    const result = storm(5, { seconds: 20, after: 480 }, { onAbort: 'cancel' }, seed)
    expect(recoverySeconds(result, 20)).toBeLessThan(30)
    const late = counted(result, 20, 60, 480)
    expect(late.ok / late.completed).toBeGreaterThan(0.97)
    expect(late.ok / 420).toBeGreaterThan(4.5)
  })

  it.each([1, 2, 3])('λ = 1/s, below the boundary, recovers within 900 s of a spike of 10 s (seed %i)', (seed) => {
    const result = storm(1, { seconds: 10, after: 1000 }, {}, seed)
    // Backlog about 10 s × (30 × 4 − 10)/s = 1100 at most, drained at (10 − 4)/s: 183 s.
    const recovery = recoverySeconds(result, 10)
    expect(recovery).toBeGreaterThan(120)
    expect(recovery).toBeLessThan(230)
    expect(counted(result, 10, 1, recovery - 60).ok).toBe(0)
    const late = counted(result, 10, 900, 1000)
    expect(late.ok / late.completed).toBeGreaterThan(0.99)
  })

  it('the boundary lies at λ(1 + k) = μ: 2/s recovers by itself, 3/s never does', () => {
    // Backlog about 2200: drained at (10 − 8)/s within some 1100 s, or growing by 2/s.
    const below = recoverySeconds(storm(2, { seconds: 20, after: 3000 }), 20)
    expect(below).toBeGreaterThan(800)
    expect(below).toBeLessThan(1500)
    const beyond = storm(3, { seconds: 20, after: 3000 })
    expect(recoverySeconds(beyond, 20)).toBe(Number.POSITIVE_INFINITY)
    expect(counted(beyond, 20, 0, 3000).ok).toBe(0)
  })
})

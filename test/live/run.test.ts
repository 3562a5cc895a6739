/** `plimsoll run` on real servers and in the simulator: the loop that the program exists for. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Comparison } from '../../src/contract/comparison.js'
import type { SecondEvent } from '../../src/result/run-event.js'
import type { RunResult } from '../../src/result/run-result.js'
import { workplace } from './support/cli.js'
import { leftBehind, nothing, snapshot } from './support/leftovers.js'

const place = workplace()
const before = snapshot(place.base)
afterAll(() => place.remove())
afterEach(async () => {
  await place.run('down')
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})

const experiment = (name: string, text: string): string => {
  const file = join('api', 'experiments', `${name}.yaml`)
  writeFileSync(
    join(place.folder, file),
    `apiVersion: plimsoll/v1\nkind: Experiment\nname: ${name}\ntopology: ../topology.yaml\n${text}`,
  )
  return file
}

const compare = async (file: string): Promise<Comparison> => {
  const { code, stdout, stderr } = await place.run('run', file, '--on', 'both', '--json')
  expect([0, 4], stderr).toContain(code)
  return JSON.parse(stdout) as Comparison
}

const errorsIn = (second: SecondEvent): number =>
  Object.values(second.requests.all?.errors ?? {}).reduce((sum, count) => sum + count, 0)

describe.sequential('killing one of two app servers under steady load', () => {
  let comparison: Comparison
  beforeAll(async () => {
    comparison = await compare(
      experiment(
        'lose-one',
        `seed: 7
load: { mode: open, arrivals: poisson, stages: [{ hold: 120/s, for: 18s }] }
warmup: 3s
faults: [{ at: 6s, kill: app/0, restart: { after: 5s } }]
`,
      ),
    )
  })

  test.each(['stack', 'sim'] as const)('on the %s no more requests fail than were in flight', (engine) => {
    const [fault] = comparison[engine].faults
    expect(fault).toMatchObject({ kind: 'kill', target: 'app/0' })
    expect(fault?.failedRequests).toBeLessThanOrEqual(fault?.inFlightAtInjection ?? -1)
  })

  test.each(['stack', 'sim'] as const)('on the %s traffic is whole within 5 s and stays so', (engine) => {
    const { faults, series } = comparison[engine]
    const [fault] = faults
    expect(fault?.recoverySeconds).toBeLessThanOrEqual(5)
    const after = series.filter((second) => second.at > (fault?.sloRegainedAt ?? Number.POSITIVE_INFINITY) + 1)
    expect(after.length).toBeGreaterThanOrEqual(5)
    expect(after.map(errorsIn)).toEqual(after.map(() => 0))
    const offered = after.reduce((sum, second) => sum + (second.requests.all?.offered ?? 0), 0)
    const ok = after.reduce((sum, second) => sum + (second.requests.all?.ok ?? 0), 0)
    expect(ok / offered).toBeGreaterThanOrEqual(0.95)
  })

  test('the balancer notices within a second, on both', () => {
    for (const engine of ['stack', 'sim'] as const) {
      expect(comparison[engine].faults[0]?.detectionSeconds).toBeGreaterThanOrEqual(0)
      expect(comparison[engine].faults[0]?.detectionSeconds).toBeLessThan(1)
    }
    expect(comparison.stack.events.find((event) => event.type === 'detected')).toMatchObject({
      instance: 'app/0',
      by: 'edge',
    })
  })

  test('the server comes back by itself', () => {
    const states = comparison.stack.events.flatMap((event) =>
      event.type === 'instance' && event.instance === 'app/0' ? [event.state] : [],
    )
    expect(states).toEqual(['crashed', 'starting', 'ready'])
    expect(comparison.stack.components.app?.instances[0]?.restarts).toBe(1)
  })

  test('the comparison has the shape of its contract', () => {
    expect(comparison).toMatchObject({ apiVersion: 'plimsoll/v1', kind: 'Comparison' })
    expect([comparison.sim.engine, comparison.stack.engine]).toEqual(['sim', 'stack'])
    expect(comparison.sim.placement).toEqual(comparison.stack.placement)
    const rate = comparison.rows.find((row) => row.subject === 'all' && row.quantity === 'ratePerSecond')
    expect(rate?.errorRatio).toBeCloseTo(((rate?.predicted ?? 0) - (rate?.measured ?? 0)) / (rate?.measured ?? 1), 12)
    expect(Math.abs(rate?.errorRatio ?? 1)).toBeLessThan(0.02)
  })

  test('both runs left a folder that can be read again', async () => {
    const runs = readdirSync(join(place.folder, '.plimsoll', 'runs'))
    expect(runs.map((run) => run.replace(/^\d+-\d+-/, '')).sort()).toEqual(['lose-one-sim', 'lose-one-stack'])
    for (const run of runs) {
      const folder = join(place.folder, '.plimsoll', 'runs', run)
      const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n')
      const times = lines.map((line) => (JSON.parse(line) as { at: number }).at)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      const { code, stdout } = await place.run('report', run)
      expect(code).toBe(0)
      expect(stdout).toContain('kill app/0')
    }
  })
})

test('with PostgreSQL stopped, stale answers are served, marked degraded, on the stack and in the simulator', async () => {
  const { stack, sim } = await compare(
    experiment(
      'lose-db',
      `seed: 13
load: { mode: open, arrivals: poisson, mix: { get-route: 100% }, stages: [{ hold: 150/s, for: 16s }] }
faults: [{ at: 7s, stop: db, for: 5s }]
`,
    ),
  )
  for (const { series, requests, engine } of [stack, sim]) {
    const [outage, rest] = [true, false].map((during) =>
      series.filter(({ at }) => (at > 8 && at <= 12) === during && (during || at <= 7)),
    )
    const degraded = (seconds: readonly SecondEvent[] = []): number =>
      seconds.reduce((sum, second) => sum + (second.requests['get-route']?.degraded ?? 0), 0)
    expect(degraded(rest), engine).toBe(0)
    expect(degraded(outage), engine).toBeGreaterThan(20)
    const requestsOf = requests['get-route']
    expect(requestsOf?.degraded, engine).toBeGreaterThan(20)
    // Most of what was asked for was answered all the same.
    expect((requestsOf?.ok ?? 0) / (requestsOf?.completed ?? 1), engine).toBeGreaterThan(0.9)
  }
})

test('calibrate recovers a compute step of 2 ms within 10 %, and the calibrated model foretells the CPU', async () => {
  const folder = join(place.folder, 'two-ms')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'topology.yaml'),
    `apiVersion: plimsoll/v1
kind: Topology
name: two-ms
components:
  edge: { engine: nginx, upstream: app }
  app: { engine: service, replicas: 1, execution: { model: event-loop, processes: 1 } }
requests:
  work: { share: 100%, enter: edge, serve: app, route: GET /work, flow: [{ compute: 2ms }] }
`,
  )
  writeFileSync(
    join(folder, 'steady.yaml'),
    `apiVersion: plimsoll/v1
kind: Experiment
name: steady
topology: topology.yaml
seed: 1
load: { mode: open, arrivals: poisson, stages: [{ hold: 80/s, for: 17s }] }
warmup: 2s
`,
  )
  const first = await place.run('run', 'two-ms/steady.yaml', '--on', 'both', '--json')
  expect(first.code, first.stderr).toBe(0)
  const uncalibrated = JSON.parse(first.stdout) as Comparison
  const stackRun = readdirSync(join(place.folder, '.plimsoll', 'runs')).find((run) => run.endsWith('steady-stack'))
  const dry = await place.run('calibrate', stackRun ?? '', '--dry-run', '--json')
  expect(dry.code, dry.stderr).toBe(0)
  expect(readdirSync(folder).sort()).toEqual(['steady.yaml', 'topology.yaml'])
  const written = await place.run('calibrate', stackRun ?? '', '--json')
  expect(written.code, written.stderr).toBe(0)
  const calibration = JSON.parse(written.stdout) as {
    steps: Record<string, { cpu: { demand: { law: string; seconds: number }; samples: number } }>
  }
  const step = calibration.steps['work/0']?.cpu
  expect(step?.demand.law).toBe('constant')
  expect(step?.samples).toBeGreaterThan(1000)
  expect(Math.abs((step?.demand.seconds ?? 0) / 0.002 - 1)).toBeLessThan(0.1)
  expect(readFileSync(join(folder, 'calibration.yaml'), 'utf8')).toContain('"work/0"')
  const second = await place.run('run', 'two-ms/steady.yaml', '--on', 'sim', '--json')
  expect(second.code, second.stderr).toBe(0)
  const calibrated = JSON.parse(second.stdout) as RunResult
  const measured = uncalibrated.stack.components.app?.utilization.cpu ?? 0
  const miss = (result: RunResult): number => Math.abs((result.components.app?.utilization.cpu ?? 0) / measured - 1)
  expect(calibrated.calibration?.digest).toMatch(/^[0-9a-f]{64}$/)
  expect(miss(calibrated)).toBeLessThan(0.15)
  expect(miss(calibrated)).toBeLessThan(miss(uncalibrated.sim))
})

test('a run uses the system that is up, takes its faults back and leaves it up', async () => {
  expect(await place.run('up', 'api/topology.yaml')).toMatchObject({ code: 0 })
  const file = experiment(
    'stop-cache',
    'load: { mode: open, stages: [{ hold: 50/s, for: 4s }] }\nfaults: [{ at: 2s, stop: cache }]\n',
  )
  const { code, stdout, stderr } = await place.run('run', file, '--on', 'stack', '--json')
  expect([0, 4], stderr).toContain(code)
  expect(stderr).toContain('which is up')
  const result = JSON.parse(stdout) as RunResult
  expect(result.faults).toMatchObject([{ kind: 'stop', target: 'cache', injectedAt: expect.closeTo(2, 0) }])
  const status = JSON.parse((await place.run('status', '--json')).stdout) as Record<string, unknown>
  expect(JSON.stringify(status)).not.toContain('"stopped"')
  expect(JSON.stringify(status)).toContain('"cache/0"')
})

test('a fault that nothing can inject yet is refused by name before anything starts', async () => {
  const file = experiment(
    'slow-edge',
    'load: { mode: open, stages: [{ hold: 10/s, for: 4s }] }\nfaults: [{ at: 2s, latency: app -> db, add: 50ms, for: 1s }]\n',
  )
  const { code, stderr } = await place.run('run', file, '--on', 'stack')
  expect(code).toBe(3)
  expect(stderr).toMatch(
    /slow-edge\.yaml:\d+:\d+: error: fault latency app -> db: not supported yet on a running stack/,
  )
})

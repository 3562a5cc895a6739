import { expect, test } from 'vitest'
import { compareResults } from '../../src/report/compare.js'
import type { RunResult } from '../../src/result/run-result.js'
import { classResult, componentResult, faultResult, latency, runResult } from '../support/run-result.js'

const stack = runResult({ faults: [faultResult()] })
const calibrated = { digest: 'c'.repeat(64) }
const sim: RunResult = { ...stack, engine: 'sim', startedAt: null, calibration: calibrated }

const row = (comparison: ReturnType<typeof compareResults>, subject: string, quantity: string) =>
  comparison.rows.find((candidate) => candidate.subject === subject && candidate.quantity === quantity)

test('a result compared with itself passes in every row, with no error', () => {
  const { rows, validity } = compareResults(sim, stack)
  expect(validity).toEqual({ verdict: 'valid', reasons: [] })
  expect(rows.length).toBeGreaterThan(25)
  expect(rows.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  expect(new Set(rows.map(({ errorRatio }) => errorRatio))).toEqual(new Set([0, null]))
})

test('rows cover all and each class, components, hosts and faults', () => {
  const { rows } = compareResults(sim, stack)
  expect([...new Set(rows.map(({ subject }) => subject))]).toEqual([
    'all',
    'browse',
    'order',
    'edge',
    'app',
    'host local',
    'fault 0 (kill app/0)',
  ])
  expect(rows.filter(({ subject }) => subject === 'app').map(({ quantity }) => quantity)).toEqual([
    'utilization.cpu',
    'throughputPerSecond',
    'pools.main.inUse',
  ])
  expect(rows.filter(({ subject }) => subject.startsWith('fault')).map(({ quantity }) => quantity)).toEqual([
    'failedRequests',
    'detectionSeconds',
    'recoverySeconds',
    'outageSeconds',
  ])
})

test('errorRatio is (predicted − measured) / measured', () => {
  const slow = { ...sim, requests: { ...sim.requests, all: classResult({ latency: latency(0.003) }) } }
  expect(row(compareResults(slow, stack), 'all', 'latency.p50')).toMatchObject({
    predicted: 0.003,
    measured: 0.002,
    verdict: 'fail',
  })
  expect(row(compareResults(slow, stack), 'all', 'latency.p50')?.errorRatio).toBeCloseTo(0.5, 12)
})

test('p50 passes at 20 % and fails beyond; small times pass by the floor of 0.5 ms', () => {
  const at = (predicted: number, measured: number) =>
    row(
      compareResults(
        { ...sim, requests: { all: classResult({ latency: latency(predicted) }) } },
        { ...stack, requests: { all: classResult({ latency: latency(measured) }) } },
      ),
      'all',
      'latency.p50',
    )?.verdict
  expect([at(0.0119, 0.01), at(0.0121, 0.01), at(0.0014, 0.001), at(0.0016, 0.001)]).toEqual([
    'pass',
    'fail',
    'pass',
    'fail',
  ])
})

test('an uncalibrated model is told to calibrate', () => {
  const uncalibrated: RunResult = {
    ...sim,
    calibration: null,
    components: { ...sim.components, app: componentResult({ utilization: { cpu: 0.1, memory: null } }) },
  }
  expect(row(compareResults(uncalibrated, stack), 'app', 'utilization.cpu')).toMatchObject({
    verdict: 'fail',
    suspect: 'model',
    why: expect.stringContaining('not calibrated'),
  })
})

test('a wrong demand is named where latency misses', () => {
  const wrong: RunResult = {
    ...sim,
    requests: { ...sim.requests, all: classResult({ latency: latency(0.004) }) },
    components: { ...sim.components, app: componentResult({ utilization: { cpu: 0.6, memory: null } }) },
  }
  expect(row(compareResults(wrong, stack), 'all', 'latency.p50')?.why).toBe(
    'the demand of app is wrong at this load, which shifts latency',
  )
})

test('a saturated generator makes rows invalid, whatever they say, but leaves faults and hit ratios alone', () => {
  const saturated = { ...stack, generator: { ...stack.generator, busy: 0.9 } }
  const comparison = compareResults(sim, saturated)
  expect(comparison.validity.verdict).toBe('invalid')
  expect(row(comparison, 'all', 'latency.p95')).toMatchObject({ verdict: 'invalid', suspect: 'generator' })
  expect(row(comparison, 'fault 0 (kill app/0)', 'failedRequests')?.verdict).toBe('pass')
})

test('p99 of 400 successes cannot be judged', () => {
  const few = { ...stack, requests: { all: classResult({ ok: 400 }) } }
  const comparison = compareResults(sim, few)
  expect(row(comparison, 'all', 'latency.p99')).toMatchObject({
    verdict: 'invalid',
    why: 'only 400 successes were measured; latency.p99 needs 500',
  })
  expect(row(comparison, 'all', 'latency.p95')?.verdict).toBe('pass')
})

test('errors that the model does not foresee put the stack in doubt', () => {
  const failing = {
    ...stack,
    requests: { ...stack.requests, all: classResult({ completed: 5000, ok: 4800, errors: { '502': 200 } }) },
  }
  expect(row(compareResults(sim, failing), 'all', 'errors')).toMatchObject({
    predicted: 0,
    measured: 0.04,
    errorRatio: -1,
    verdict: 'fail',
    suspect: 'stack',
  })
})

test('a recovery that never came on the stack fails', () => {
  const down = { ...stack, faults: [faultResult({ sloRegainedAt: null, recoverySeconds: null })] }
  expect(row(compareResults(sim, down), 'fault 0 (kill app/0)', 'recoverySeconds')).toMatchObject({
    measured: null,
    errorRatio: null,
    verdict: 'fail',
    why: 'it did not happen on the stack',
  })
})

test('results of different topologies, experiments or hosts are said not to belong together', () => {
  const other: RunResult = {
    ...sim,
    topology: { name: 'other', digest: 'd' },
    experiment: { name: 'spike', digest: 'e' },
    placement: { ...sim.placement, hosts: { local: { cpu: 4 } } },
  }
  expect(compareResults(other, stack).validity.reasons).toEqual([
    'they are of different topologies: other and shop',
    'they are of different experiments: spike and steady',
    'the simulator was told other hosts than the stack ran on',
  ])
})

const withMedian = (p50: number, changes: Partial<RunResult> = {}): RunResult => ({
  ...stack,
  requests: { ...stack.requests, all: classResult({ latency: latency(p50) }) },
  ...changes,
})

test('of equal runs the median is compared, and half their range stands beside it', () => {
  const comparison = compareResults(sim, withMedian(0.0021), [withMedian(0.0019), withMedian(0.0025)])
  expect(row(comparison, 'all', 'latency.p50')).toMatchObject({ predicted: 0.002, measured: 0.0021, verdict: 'pass' })
  expect(row(comparison, 'all', 'latency.p50')?.spread).toBeCloseTo(0.0003, 12)
  expect(comparison.runs).toEqual({ counted: 3, disturbed: 0 })
})

test('a prediction that is off by less than equal runs differ is no fault of the model', () => {
  const runs = [withMedian(0.003), withMedian(0.0045)]
  expect(row(compareResults(sim, withMedian(0.002), runs), 'all', 'latency.p50')).toMatchObject({
    measured: 0.003,
    verdict: 'fail',
    suspect: 'machine',
  })
})

test('a disturbed run is left out while half of the runs remain; of too few, all are in doubt', () => {
  const noisy = withMedian(0.02, { hosts: { local: { utilization: { cpu: 0.9 } } } })
  const kept = compareResults(sim, withMedian(0.0021), [noisy])
  expect(kept.runs).toEqual({ counted: 1, disturbed: 1 })
  expect(kept.validity.verdict).toBe('valid')
  expect(row(kept, 'all', 'latency.p50')?.measured).toBe(0.0021)
  const doubted = compareResults(sim, withMedian(0.0021), [noisy, noisy])
  expect(doubted.validity).toMatchObject({ verdict: 'invalid' })
  expect(doubted.validity.reasons).toHaveLength(1)
})

test('where the machine is not as fast as when the model was calibrated, it is the machine that is to be distrusted', () => {
  const slow = withMedian(0.004, { probe: { beforeSeconds: 0.0033, afterSeconds: 0.0033 } })
  const predicted = { ...sim, calibration: { digest: 'c', probeSeconds: 0.003 } }
  const doubt = row(compareResults(predicted, slow), 'all', 'latency.p50')
  expect(doubt).toMatchObject({ verdict: 'fail', suspect: 'machine' })
  expect(doubt?.why).toContain('10.0 % slower than when the model was calibrated')
  expect(
    row(compareResults({ ...sim, calibration: { digest: 'c', probeSeconds: 0.0032 } }, slow), 'all', 'latency.p50'),
  ).toMatchObject({
    suspect: 'model',
  })
})

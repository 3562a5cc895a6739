import { describe, expect, test } from 'vitest'
import { compareResults } from '../../src/report/compare.js'
import { comparisonMarkdown, formatComparison } from '../../src/report/comparison.js'
import { formatResult, resultMarkdown } from '../../src/report/result.js'
import type { RunResult, Statistics } from '../../src/result/run-result.js'
import { classResult, componentResult, faultResult, latency, runResult } from '../support/run-result.js'

const stack = runResult({
  requests: {
    all: classResult({
      offered: 123456,
      ok: 123450,
      completed: 123456,
      degraded: 12,
      errors: { '502': 4, timeout: 2 },
    }),
    'a-request-class-with-a-long-name': classResult({ errors: { '502': 4, timeout: 2 }, latency: latency(0.2) }),
  },
  faults: [faultResult(), faultResult({ kind: 'stop', target: 'db', sloRegainedAt: null, recoverySeconds: null })],
  steadyState: [
    { name: 'all.latency.p95 < 100ms', verdict: 'pass', observed: 0.006, bound: 0.1 },
    { name: 'all.errors < 1%', verdict: 'fail', observed: 0.02, bound: 0.01, why: 'it did not hold for 7.0 s' },
  ],
  slo: [{ name: 'browse latency.p95 <= 50ms', verdict: 'invalid', observed: null, bound: 0.05, why: 'no request' }],
})
const sim: RunResult = {
  ...stack,
  engine: 'sim',
  startedAt: null,
  components: { ...stack.components, app: componentResult({ utilization: { cpu: 0.05, memory: null } }) },
}
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => [...line].length))
const narrow = { columns: 80, color: false }

test('requests without an answer are told, and what was saturated: overload without timeouts has no errors', () => {
  const overloaded: RunResult = {
    ...sim,
    requests: { all: classResult({ offered: 11740, completed: 6333, ok: 6333 }) },
    components: { app: componentResult({ utilization: { cpu: 0.999, memory: null } }) },
  }
  expect(formatResult(overloaded, { columns: 200, color: false })).toContain(
    '5407 of 11740 requests had no answer when the run ended; app was saturated (cpu 99.9 %)',
  )
  expect(formatResult(sim, { columns: 200, color: false })).not.toContain('had no answer')
})

test('what autoscalers did is told, the first twelve times', () => {
  const scaled = (at: number) =>
    ({ type: 'scaled', at, component: 'app', from: at, to: at + 1, reason: 'cpu above target' }) as const
  const text = formatResult(
    { ...sim, events: [...sim.events, ...Array.from({ length: 14 }, (_, i) => scaled(i + 1))] },
    { columns: 200, color: false },
  )
  expect(text).toContain('scaling\n')
  expect(text).toMatch(/1\.0 s +app +1 → 2 +cpu above target/)
  expect(text).toMatch(/12\.0 s +app +12 → 13 /)
  expect(text).not.toMatch(/13\.0 s/)
  expect(text).toContain('and 2 more')
  expect(formatResult(sim, { columns: 200, color: false })).not.toContain('scaling')
})

test('what took of its tolerance says how much, also where it passed', () => {
  const tolerated = { name: 'all.errors < 1%', verdict: 'pass', observed: 1, bound: 0.01 } as const
  const text = formatResult(
    { ...sim, steadyState: [{ ...tolerated, why: 'absent for 25 s (20–45 s), tolerated 30 s' }] },
    { columns: 200, color: false },
  )
  expect(text).toMatch(/^pass +steady state +all\.errors < 1% +100 %$/m)
  expect(text).toContain('all.errors < 1%: absent for 25 s (20–45 s), tolerated 30 s')
})

describe('half-widths', () => {
  const halfWidth = { ratePerSecond: 2.5, 'latency.mean': 0.00012, 'latency.p95': 0.00034, 'latency.p99': 0.0012 }
  const estimated: RunResult = {
    ...sim,
    requests: { all: classResult({ halfWidth }), browse: classResult({ offered: 4500 }) },
    components: {
      app: componentResult({ halfWidth: { 'utilization.cpu': 0.012, 'queue.mean': 0.25 } }),
      db: componentResult(),
    },
  }
  const cells = (text: string, row: RegExp): string[] =>
    (text.split('\n').find((line) => row.test(line)) ?? '').trim().split(/ {2,}/)

  test('stand beside their estimates, in their unit, where there are any', () => {
    const text = formatResult(estimated, { columns: 200, color: false })
    expect(cells(text, /^class/).join()).toBe('class,offered,ok,errors,rate/s,±,mean,±,p50,p95,±,p99,±,max')
    expect(cells(text, /^all/).join()).toBe('all,5000,5000,0,200.0,2.5,2.40,0.120,2.00,6.00,0.340,10.0,1.20,20.0')
    expect(cells(text, /^browse/)[5]).toBe('–')
    expect(cells(text, /^app/).join()).toBe('app,1,10.0 %,1.2 %,200.0,–,0.500,0.250,4')
    expect(formatResult(sim, { columns: 200, color: false })).not.toContain('±')
  })

  test('come with where they are from, and with what was found of a warm-up', () => {
    const told = (statistics: Statistics, replications?: number): string =>
      formatResult(
        { ...estimated, statistics, ...(replications === undefined ? {} : { replications }) },
        { columns: 200, color: false },
      )
    const warmup = { method: 'MSER-5', seconds: 4, converged: true } as const
    const batches = told({ method: 'batch-means', count: 60, confidence: 0.95, warmup })
    expect(batches).toContain('±: 95 % half-widths from the means of 60 batches\n')
    expect(batches).toContain('warm-up (MSER-5): the first 4.00 s of what was measured are not steady')
    const replicated = told(
      {
        method: 'replications',
        count: 12,
        confidence: 0.95,
        warmup: null,
        precision: { wanted: 0.02, reached: 0.013 },
      },
      12,
    )
    expect(replicated).toMatch(/^steady of shop in the simulator: completed, 30\.0 s.*, 12 replications, seed 7\n/)
    expect(replicated).toContain(
      '±: 95 % half-widths from 12 replications\nprecision: mean and p95 are known to 1.3 %, wanted 2.0 %\n',
    )
    const none = told({ method: 'none', count: 0, confidence: 0.95, warmup: null, why: 'the load changes' })
    expect(none).toContain('no half-widths: the load changes; --replications gives some')
    const drifting = told({
      method: 'batch-means',
      count: 60,
      confidence: 0.95,
      warmup: { ...warmup, converged: false },
    })
    expect(drifting).toContain('no steady state in sight (MSER-5)')
  })

  test('fit 80 columns, with the degraded answers where there are some', () => {
    expect(widest(formatResult(estimated, narrow))).toBeLessThanOrEqual(80)
    expect(cells(formatResult(estimated, narrow), /^class/)).toContain('±')
    const degraded: RunResult = { ...estimated, requests: { all: classResult({ halfWidth, degraded: 7 }) } }
    expect(cells(formatResult(degraded, narrow), /^class/)).toContain('degraded')
    expect(widest(formatResult(degraded, narrow))).toBeLessThanOrEqual(80)
  })
})

describe('a terminal of 80 columns', () => {
  test('holds the whole result', async () => {
    const text = formatResult(stack, narrow)
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('../golden/report/result.txt')
  })

  test('holds the whole comparison', async () => {
    const text = formatComparison(compareResults(sim, stack), narrow)
    expect(widest(text)).toBeLessThanOrEqual(80)
    await expect(text).toMatchFileSnapshot('../golden/report/comparison.txt')
  })
})

test('a narrower terminal loses optional columns and the ends of names, never a number', () => {
  const text = formatResult(stack, { columns: 60, color: false })
  expect(text).toContain('123456')
  expect(text.split('\n').find((line) => line.startsWith('a-r'))).toContain('…')
})

test('colour changes no character of the text', () => {
  const esc = String.fromCharCode(27)
  const colored = formatResult(stack, { columns: 80, color: true })
  expect(colored).toContain(`${esc}[31m`)
  expect(colored.replaceAll(new RegExp(`${esc}\\[\\d+m`, 'g'), '')).toBe(formatResult(stack, narrow))
})

test('Markdown has the same tables', async () => {
  await expect(resultMarkdown(stack)).toMatchFileSnapshot('../golden/report/result.md')
  await expect(comparisonMarkdown(compareResults(sim, stack))).toMatchFileSnapshot('../golden/report/comparison.md')
})

import { expect, test } from 'vitest'
import { resultCsv, sweepCsv } from '../../src/report/csv.js'
import { pointResult, type Sweep } from '../../src/result/sweep.js'
import { classResult, componentResult, runResult } from '../support/run-result.js'

const lines = (text: string): string[] => text.split('\r\n')

test('a result as CSV has plain numbers, empty cells for what is not known, and half-widths where there are any', () => {
  const text = resultCsv(
    runResult({
      requests: {
        all: classResult({
          completed: 5000,
          ok: 4850,
          errors: { '409': 50, '503': 100 },
          halfWidth: { 'latency.mean': 0.0001 },
        }),
        silent: classResult({ offered: 0, completed: 0, ok: 0, latency: null }),
      },
    }),
  )
  const rows = lines(text)
  expect(rows[0]).toBe('kind,name,metric,value,halfWidth,unit')
  expect(rows).toContain('request,all,errors,0.02,,ratio')
  expect(rows.find((row) => row.startsWith('request,all,latency.mean'))).toMatch(
    /^[^,]*,all,latency.mean,0.0024[0-9]*,0.0001,s$/,
  )
  expect(rows).toContain('request,silent,errors,,,ratio')
  expect(rows).toContain('request,silent,latency.p95,,,s')
  expect(rows).toContain('component,app,pools.main.inUse,1.5,,')
  expect(rows).toContain('component,app,hitRatio,,,ratio')
  expect(rows).toContain('host,local,utilization.cpu,0.5,,ratio')
  expect(rows.at(-1)).toBe('')
})

test('a sweep as CSV has a row for each point, and what a spreadsheet would misread in quotes', () => {
  const point = (value: string, halfWidth?: Record<string, number>) => ({
    values: [value, 'plain'],
    result: pointResult(
      runResult({
        requests: { all: classResult(halfWidth === undefined ? {} : { halfWidth }) },
        components: { app: componentResult() },
      }),
    ),
  })
  const sweep: Sweep = {
    apiVersion: 'plimsoll/v1',
    kind: 'Sweep',
    topology: { name: 't' },
    experiment: { name: 'e' },
    seed: 1,
    parameters: [
      { path: 'a.b', values: ['{ mean: 1ms, cv: 0 }', 'x"y'] },
      { path: 'c', values: ['plain'] },
    ],
    points: [point('{ mean: 1ms, cv: 0 }', { ratePerSecond: 3 }), point('x"y')],
  }
  const [head = '', first = '', second = ''] = lines(sweepCsv(sweep))
  expect(head).toMatch(/^a\.b,c,status,replications,all\.offered,/)
  expect(head).toContain(',all.ratePerSecond,all.ratePerSecond.halfWidth,all.latency.mean,')
  expect(first).toMatch(/^"\{ mean: 1ms, cv: 0 \}",plain,completed,1,/)
  expect(first).toContain(',200,3,')
  expect(second).toMatch(/^"x""y",plain,/)
  expect(second).toContain(',200,,')
  expect(second.split(',')).toHaveLength(head.split(',').length)
})

import { expect, test } from 'vitest'
import { Meters } from '../../src/workload/meter.js'
import { metricFamilies } from '../../src/workload/metrics.js'
import { exposition } from '../../src/workload/prometheus.js'
import { parseExposition } from './prometheus-parser.js'

const meters = new Meters()
const step = meters.step('view/1.miss.0 "quoted\\"\n')
for (const seconds of [0.0004, 0.0005, 0.02, 99]) step.duration.record(seconds)
step.count = 4
step.errors = 1
meters.answered(meters.class('view'), 0.01, 200, 'stale')
meters.answered(meters.class('view'), 0.01, 502, undefined)
const text = exposition(
  metricFamilies({
    meters,
    pools: new Map([['main', { size: 10, openCount: 5, inUse: 3, waiting: 2, timeouts: 1 }]]),
    identity: { component: 'app', instance: 'app/0', process: 0 },
  }),
)

test('the text is valid: names, escapes, one TYPE before its samples, cumulative buckets that end at +Inf = count', () => {
  const families = parseExposition(text)
  expect(families.get('plimsoll_requests_total')).toEqual([
    { labels: { class: 'view', code: '200' }, value: 1 },
    { labels: { class: 'view', code: '502' }, value: 1 },
  ])
  expect(families.get('plimsoll_degraded_total')).toEqual([{ labels: { class: 'view', fallback: 'stale' }, value: 1 }])
  expect(families.get('plimsoll_pool_waiting')).toEqual([{ labels: { pool: 'main' }, value: 2 }])
})

test('a value on a bound belongs to its bucket', () => {
  const buckets = parseExposition(text).get('plimsoll_step_seconds_bucket') ?? []
  const upTo = (le: string): number | undefined => buckets.find(({ labels }) => labels.le === le)?.value
  expect(buckets[0]?.labels.step).toBe('view/1.miss.0 "quoted\\"\n')
  expect([upTo('0.0005'), upTo('0.01'), upTo('0.025'), upTo('10'), upTo('+Inf')]).toEqual([2, 2, 3, 3, 4])
})

test('the parser refuses what Prometheus refuses', () => {
  expect(() => parseExposition('a{b="c} 1\n')).toThrow()
  expect(() => parseExposition('# TYPE a counter\na 1')).toThrow('end of line')
  expect(() => parseExposition('a 1\n# TYPE a counter\n')).toThrow('after')
  expect(() => parseExposition('a{b="1"} 1\na{b="1"} 2\n')).toThrow('twice')
  expect(() =>
    parseExposition('# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n'),
  ).toThrow('cumulative')
})

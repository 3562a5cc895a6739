import { expect, test } from 'vitest'
import { atRest, mergeCounters } from '../../src/contract/instance-counters.js'
import { LatencyHistogram } from '../../src/result/histogram.js'

const step = (count: number, seconds: number) => {
  const histogram = new LatencyHistogram()
  for (let i = 0; i < count; i++) histogram.record(seconds)
  return { count, errors: 1, cpuSeconds: count * 0.001, histogram: histogram.encode() }
}

test('counters of processes add up, histograms included, and what one does not tell is no zero', () => {
  const pool = { inUse: 2, waiting: 1, timeouts: 3 }
  const merged = mergeCounters(
    { visits: 3, hits: 2, pools: { main: pool }, steps: { 's/0': step(3, 0.002) } },
    { visits: 4, pools: { main: pool, other: pool }, steps: { 's/0': step(1, 0.004), 's/1': step(1, 1) } },
  )
  expect(merged).toMatchObject({
    visits: 7,
    hits: 2,
    pools: { main: { inUse: 4, waiting: 2, timeouts: 6 }, other: pool },
  })
  expect('misses' in merged).toBe(false)
  expect(merged.steps?.['s/0']).toMatchObject({ count: 4, errors: 2, cpuSeconds: 0.004 })
  expect(LatencyHistogram.decode(merged.steps?.['s/0']?.histogram ?? '').count).toBe(4)
})

test('at rest totals stay and what was momentary is over', () => {
  expect(atRest({ visits: 5, inFlight: 3, pools: { main: { inUse: 2, waiting: 1, timeouts: 4 } } })).toEqual({
    visits: 5,
    inFlight: 0,
    pools: { main: { inUse: 0, waiting: 0, timeouts: 4 } },
  })
})

import { expect, test } from 'vitest'
import { estimate, fitLaw, pooled } from '../../src/calibrate/law.js'
import { demandAt } from '../../src/topology/calibration.js'

const point = (ratePerSecond: number, seconds: number, samples = ratePerSecond * 20) => ({
  ratePerSecond,
  seconds,
  samples,
})

test('runs are weighted by their completions: (0.002·1000 + 0.003·3000)/4000 = 0.00275', () => {
  expect(pooled([point(50, 0.002, 1000), point(50, 0.003, 3000)]).seconds).toBeCloseTo(0.00275, 12)
})

test('one run gives a constant without an interval', () => {
  expect(estimate([point(100, 0.002, 2000)], true)).toEqual({
    demand: { law: 'constant', seconds: 0.002 },
    samples: 2000,
  })
})

test('three runs at one load give a constant and its interval by bootstrap: 0.1 ms · √(3/2) · 4.303/1.96', () => {
  const estimated = estimate([point(100, 0.0019), point(101, 0.002), point(99, 0.0021)], true)
  expect(estimated?.demand.law).toBe('constant')
  // All three draws are the largest (or the least) in 1 of 27 resamples, which is more than 2.5 %.
  expect(estimated?.halfWidthSeconds).toBeCloseTo((0.0001 * Math.sqrt(1.5) * 4.303) / 1.96, 6)
})

test('two loads give the power law through both', () => {
  const law = fitLaw([point(100, 0.001), point(400, 0.0005)])
  expect(law).toMatchObject({ law: 'power', atRatePerSecond: 400 })
  expect(demandAt(law, 100)).toBeCloseTo(0.001, 12)
  expect(demandAt(law, 400)).toBeCloseTo(0.0005, 12)
  expect(demandAt(law, 200)).toBeCloseTo(0.001 / Math.SQRT2, 9)
})

test('points on a power law of exponent −0.4 give it back', () => {
  const law = fitLaw([50, 100, 200, 400].map((rate) => point(rate, 0.001 * (rate / 400) ** -0.4)))
  expect(law).toMatchObject({ law: 'power', atRatePerSecond: 400 })
  if (law.law !== 'power') return
  expect(law.exponent).toBeCloseTo(-0.4, 9)
  expect(law.seconds).toBeCloseTo(0.001, 9)
})

test('what no power law passes near becomes a table', () => {
  const law = fitLaw([point(100, 0.001), point(200, 0.0004), point(400, 0.0009)])
  expect(law).toEqual({
    law: 'table',
    points: [
      { ratePerSecond: 100, seconds: 0.001 },
      { ratePerSecond: 200, seconds: 0.0004 },
      { ratePerSecond: 400, seconds: 0.0009 },
    ],
  })
})

test('a difference of two per cent between loads is noise', () => {
  expect(fitLaw([point(100, 0.001), point(400, 0.00098)]).law).toBe('constant')
})

test('a demand that grows faster than a power of one half becomes a table', () => {
  expect(fitLaw([point(100, 0.001), point(400, 0.003)]).law).toBe('table')
})

test('pure computation stays constant whatever the load', () => {
  expect(estimate([point(100, 0.002), point(400, 0.0018)], false)?.demand).toEqual({
    law: 'constant',
    seconds: (0.002 * 2000 + 0.0018 * 8000) / 10000,
  })
})

test('what was never visited has no demand', () => {
  expect(estimate([point(0, 0, 0)], true)).toBeUndefined()
})

test('a power law is believed from a tenth of its highest measured rate to four times it, and is flat beyond', () => {
  const law = { law: 'power', seconds: 0.001, atRatePerSecond: 100, exponent: -0.5 } as const
  expect(demandAt(law, 25)).toBeCloseTo(0.002, 12)
  expect(demandAt(law, 10)).toBeCloseTo(0.001 * Math.sqrt(10), 12)
  expect(demandAt(law, 1e-9)).toBe(demandAt(law, 10))
  expect(demandAt(law, 400)).toBeCloseTo(0.0005, 12)
  expect(demandAt(law, 1e6)).toBe(demandAt(law, 400))
})

test('runs of one load are one load, also where chance made few of them visit a component more often', () => {
  const rare = (ratePerSecond: number, seconds: number, load: number) => ({ ...point(ratePerSecond, seconds), load })
  const law = fitLaw([rare(14, 0.0011, 54), rare(17, 0.0009, 54), rare(66, 0.0005, 246), rare(75, 0.0005, 246)])
  expect(law.law).toBe('power')
})

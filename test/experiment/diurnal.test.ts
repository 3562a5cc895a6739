import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roundedChangeCount, waveStage } from '../../src/experiment/level.js'
import {
  arrivalTimes,
  expectedArrivals,
  levelAt,
  loadSeconds,
  peakLevel,
  userChanges,
  usersAt,
} from '../../src/experiment/load.js'
import { parseExperiment } from '../../src/experiment/parse.js'
import type { Load, Stage } from '../../src/experiment/types.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { randomStream } from '../../src/lib/random.js'
import { topologyFile } from '../support/topology.js'

const topology = topologyFile('scenarios/optimization-api/topology.yaml')

const parse = (load: string): Load =>
  parseExperiment(`apiVersion: plimsoll/v1\nkind: Experiment\nname: day\ntopology: t.yaml\nload: ${load}\n`, {
    file: 'e.yaml',
    topology,
  }).load

const problemOf = (load: string): string => {
  try {
    parse(load)
  } catch (error) {
    if (error instanceof PlimsollError) return error.problems.map(({ message }) => message).join('\n')
    throw error
  }
  throw new Error('nothing was refused')
}

const hours = (n: number): number => n * 3600
const shop = '{ stages: [{ diurnal: { low: 100/s, high: 900/s, peak: 20h }, for: 24h }] }'

/** Simpson's rule with so many steps that its error is far below what is asserted. */
const integral = (load: Load, from: number, to: number): number => {
  const steps = 20_000
  const h = (to - from) / steps
  let sum = 0
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2
    sum += weight * levelAt(load, Math.min(from + i * h, to - 1e-9))
  }
  return (sum * h) / 3
}

describe('a day as a wave', () => {
  const load = parse(shop)

  it('is highest at its peak, lowest half a day from it, and in the middle between', () => {
    expect(levelAt(load, hours(20))).toBeCloseTo(900, 9)
    expect(levelAt(load, hours(8))).toBeCloseTo(100, 9)
    expect(levelAt(load, hours(14))).toBeCloseTo(500, 9)
    // 500 + 400·cos(2π·20/24) at midnight.
    expect(levelAt(load, 0)).toBeCloseTo(500 + 400 * 0.5, 9)
    expect(peakLevel(load)).toBeCloseTo(900, 9)
    expect(loadSeconds(load)).toBe(86_400)
  })

  it('expects the area below it: the mean times the length over whole days, the integral over any part', () => {
    expect(expectedArrivals(load, 86_400)).toBeCloseTo(500 * 86_400, 3)
    // ∫₀^8h = 500·8 h + 400·(24 h/2π)·(sin(2π(8−20)/24) + sin(2π·20/24)).
    const until8 = 500 * hours(8) + ((400 * hours(24)) / (2 * Math.PI)) * (Math.sin(-Math.PI) - Math.sqrt(3) / 2)
    expect(expectedArrivals(load, hours(8))).toBeCloseTo(until8, 4)
    for (const to of [1, hours(3), hours(17.3), hours(24)])
      expect(expectedArrivals(load, to) / integral(load, 0, to)).toBeCloseTo(1, 6)
  })

  it('begins at another time of day, lasts several days, and stands between other stages', () => {
    const week = parse(
      '{ stages: [{ hold: 10/s, for: 1h }, { diurnal: { low: 0/s, high: 2/s, peak: 1m, period: 4m, begin: 30s }, for: 10m }, { ramp: 5/s, for: 10s }] }',
    )
    expect(levelAt(week, 3600)).toBeCloseTo(1 + Math.cos(Math.PI / 4), 9)
    expect(levelAt(week, 3600 + 30)).toBeCloseTo(2, 9)
    expect(levelAt(week, 3600 + 30 + 120)).toBeCloseTo(0, 9)
    expect(levelAt(week, 3600 + 30 + 240)).toBeCloseTo(2, 9)
    // The ramp goes on from where the wave ends: 10.5 minutes after the day began, a quarter period and 30 s after a peak.
    expect(levelAt(week, 4200)).toBeCloseTo(1 + Math.cos((2 * Math.PI * (630 - 60)) / 240), 9)
    expect(peakLevel(parse('{ stages: [{ diurnal: { low: 1/s, high: 9/s, peak: 20h }, for: 8h }] }'))).toBeCloseTo(7, 9)
  })

  it('constant arrivals lie where the area says, also where nothing is asked for', () => {
    const calm = parse(
      '{ arrivals: constant, stages: [{ diurnal: { low: 0/s, high: 20/s, peak: 25s, period: 50s }, for: 2m }, { hold: 3/s, for: 5s }] }',
    )
    const next = arrivalTimes(calm, randomStream(1, 'a'))
    const total = expectedArrivals(calm, 125)
    let count = 0
    for (let at = next(); at < Number.POSITIVE_INFINITY; at = next()) {
      expect(expectedArrivals(calm, at)).toBeCloseTo(count + 0.5, 6)
      count++
    }
    expect(count).toBe(Math.round(total))
  })

  it('Poisson arrivals of every hour have the mean and the variance of its area', () => {
    const day = parse('{ stages: [{ diurnal: { low: 10/s, high: 90/s, peak: 200s, period: 240s }, for: 240s }] }')
    const runs = 300
    const parts = 6
    const counts = Array.from({ length: parts }, () => new Array<number>(runs).fill(0))
    for (let seed = 0; seed < runs; seed++) {
      const next = arrivalTimes(day, randomStream(seed, 'a'))
      for (let at = next(); at < 240; at = next()) {
        const row = counts[Math.floor(at / 40)] as number[]
        row[seed] = (row[seed] ?? 0) + 1
      }
    }
    counts.forEach((values, i) => {
      const expected = expectedArrivals(day, (i + 1) * 40) - expectedArrivals(day, i * 40)
      const mean = values.reduce((sum, n) => sum + n, 0) / runs
      const variance = values.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (runs - 1)
      // Four standard errors: of a mean √(λ/n), of a variance λ·√(2/n).
      expect(Math.abs(mean - expected)).toBeLessThan(4 * Math.sqrt(expected / runs))
      expect(Math.abs(variance / expected - 1)).toBeLessThan(4 * Math.sqrt(2 / runs))
    })
  })

  it('users come and go where the rounded level changes', () => {
    const users = parse(
      '{ mode: closed, thinkTime: 1s, stages: [{ diurnal: { low: 2, high: 7, peak: 20s, period: 24s, begin: 5s }, for: 60s }] }',
    )
    const changes = userChanges(users)
    expect(changes[0]).toEqual({ at: 0, users: usersAt(users, 0) })
    expect(changes.at(-1)).toEqual({ at: 60, users: 0 })
    for (const [i, { at, users: n }] of changes.slice(0, -1).entries()) {
      expect(usersAt(users, at + 1e-6)).toBe(n)
      if (i > 0) expect(usersAt(users, at - 1e-6)).toBe(changes[i - 1]?.users)
    }
    expect(Math.abs(roundedChangeCount(users.stages) - changes.length)).toBeLessThan(12)
  })

  it('is inverted exactly wherever its peak lies', () => {
    const wave = fc.record({
      mean: fc.double({ min: 1, max: 100, noNaN: true }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      periodSeconds: fc.double({ min: 1, max: 100, noNaN: true }),
      peakSeconds: fc.double({ min: -100, max: 100, noNaN: true }),
    })
    fc.assert(
      fc.property(wave, fc.double({ min: 0.5, max: 60, noNaN: true }), ({ share, ...shape }, seconds) => {
        const stage: Stage = waveStage({ ...shape, amplitude: share * shape.mean }, seconds)
        const load: Load = {
          mode: 'open',
          arrivals: { kind: 'constant' },
          mix: undefined,
          stages: [stage],
          thinkTime: undefined,
        }
        const next = arrivalTimes(load, randomStream(1, 'a'))
        let before = 0
        let count = 0
        for (let at = next(); at < Number.POSITIVE_INFINITY; at = next()) {
          expect(at).toBeGreaterThanOrEqual(before)
          expect(Math.abs(expectedArrivals(load, at) - (count + 0.5))).toBeLessThan(1e-6)
          before = at
          count++
        }
        expect(Math.abs(count - expectedArrivals(load, seconds))).toBeLessThanOrEqual(0.5 + 1e-6)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a day as levels', () => {
  it('joins them by straight lines, round and round', () => {
    const load = parse('{ stages: [{ diurnal: { levels: [100/s, 300/s, 500/s, 300/s], begin: 3h }, for: 48h }] }')
    expect([0, 3, 9, 12, 15, 21, 24, 45].map((hour) => levelAt(load, hours(hour)))).toEqual([
      200, 300, 500, 400, 300, 100, 200, 100,
    ])
    expect(loadSeconds(load)).toBe(hours(48))
    expect(expectedArrivals(load, hours(24))).toBeCloseTo(300 * hours(24), 4)
    expect(peakLevel(load)).toBe(500)
  })

  it('keeps its length to the bit, however the levels divide the day', () => {
    for (const levels of [3, 7, 11, 24, 97]) {
      const text = Array.from({ length: levels }, (_, i) => `${i + 1}/s`).join(', ')
      for (const [period, length] of [
        ['24h', '24h'],
        ['1h', '100m'],
        ['7s', '61s'],
      ])
        expect(
          Number.isInteger(
            loadSeconds(parse(`{ stages: [{ diurnal: { levels: [${text}], period: ${period} }, for: ${length} }] }`)),
          ),
        ).toBe(true)
    }
  })
})

it.each([
  ['{ stages: [{ diurnal: { low: 9/s, high: 1/s, peak: 1h }, for: 1h }] }', 'low: the low is above the high'],
  [
    '{ stages: [{ diurnal: { low: 1/s, high: 9/s, peak: 30h }, for: 1h }] }',
    /^peak: 30 h is no time of a day that lasts 24 h$/,
  ],
  ['{ stages: [{ diurnal: { low: 1/s, high: 9/s }, for: 1h }] }', '"diurnal" needs "peak"'],
  ['{ stages: [{ diurnal: { low: 1, high: 9/s, peak: 1h }, for: 1h }] }', /an open load counts requests per second/],
  ['{ stages: [{ diurnal: { levels: [1/s] }, for: 1h }] }', 'levels: a day has at least two levels'],
  ['{ stages: [{ diurnal: { levels: [1/s, x] }, for: 1h }] }', /levels\[1\]: expected a rate/],
  ['{ stages: [{ diurnal: { leves: [1/s, 2/s] }, for: 1h }] }', /unknown key "leves" in "diurnal"/],
  ['{ stages: [{ diurnl: { low: 1/s, high: 2/s, peak: 1h }, for: 1h }] }', /unknown key "diurnl" in a stage/],
  [
    '{ stages: [{ diurnal: { levels: [1/s, 2/s], period: 1s }, for: 7d }] }',
    /1 209 600 levels in all; at most 100 000/,
  ],
  ['{ stages: [{ hold: 1/s, diurnal: { levels: [1/s, 2/s] }, for: 7d }] }', /either holds, ramps or follows a day/],
  [
    '{ mode: closed, thinkTime: 1s, stages: [{ diurnal: { low: 0, high: 1000000, peak: 1m, period: 2m }, for: 10m }] }',
    /10 000 000 users come or go in all; at most 5 000 000/,
  ],
])('refuses %s', (load, message) => {
  if (typeof message === 'string') expect(problemOf(load)).toBe(message)
  else expect(problemOf(load)).toMatch(message)
})

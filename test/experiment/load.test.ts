import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  arrivalTimes,
  classMix,
  expectedArrivals,
  levelAt,
  loadSeconds,
  peakLevel,
  quietFactor,
  userChanges,
  usersAt,
} from '../../src/experiment/load.js'
import type { Arrivals, Load, Stage } from '../../src/experiment/types.js'
import { randomStream } from '../../src/lib/random.js'
import type { Topology } from '../../src/topology/types.js'

const stage = (fromLevel: number, toLevel: number, durationSeconds: number): Stage => ({
  fromLevel,
  toLevel,
  durationSeconds,
})
const load = (
  stages: readonly Stage[],
  arrivals: Arrivals = { kind: 'poisson' },
  mode: Load['mode'] = 'open',
): Load => ({
  mode,
  arrivals,
  mix: undefined,
  stages,
  thinkTime: undefined,
})

const all = (of: Load, seed = 1): number[] => {
  const next = arrivalTimes(of, randomStream(seed, 'arrivals'))
  const times: number[] = []
  for (let at = next(); at < Number.POSITIVE_INFINITY; at = next()) times.push(at)
  return times
}

const upAndDown = [stage(100, 100, 10), stage(100, 400, 30), stage(400, 0, 20)]

describe('load profile', () => {
  it('has the level of its stage, and nothing outside', () => {
    const profile = load(upAndDown)
    expect([-1, 0, 9.99, 10, 25, 40, 50, 60].map((at) => levelAt(profile, at))).toEqual([
      0, 100, 100, 100, 250, 400, 200, 0,
    ])
    expect(loadSeconds(profile)).toBe(60)
    expect(peakLevel(profile)).toBe(400)
  })

  it('expects the area below it', () => {
    const profile = load(upAndDown)
    expect([0, 10, 25, 40, 50, 60, 99].map((at) => expectedArrivals(profile, at))).toEqual([
      0, 1000, 3625, 8500, 11500, 12500, 12500,
    ])
  })

  it('users come and go where the rounded level changes', () => {
    const users = load([stage(2, 2, 1), stage(2, 4, 2), stage(0, 0, 1), stage(1, 1, 1)], undefined, 'closed')
    expect(userChanges(users)).toEqual([
      { at: 0, users: 2 },
      { at: 1.5, users: 3 },
      { at: 2.5, users: 4 },
      { at: 3, users: 0 },
      { at: 4, users: 1 },
      { at: 5, users: 0 },
    ])
    for (const { at, users: n } of userChanges(users).slice(0, -1)) expect(usersAt(users, at + 1e-6)).toBe(n)
  })
})

describe('arrivals', () => {
  it('constant: evenly spaced, exactly as many as the area', () => {
    const times = all(load([stage(4, 4, 2)], { kind: 'constant' }))
    expect(times).toEqual([0.125, 0.375, 0.625, 0.875, 1.125, 1.375, 1.625, 1.875])
    expect(all(load(upAndDown, { kind: 'constant' }))).toHaveLength(12_500)
  })

  it('constant on a ramp lies where the area says', () => {
    const ramp = load([stage(0, 10, 10)], { kind: 'constant' })
    const times = all(ramp)
    expect(times).toHaveLength(50)
    times.forEach((at, i) => {
      expect(expectedArrivals(ramp, at)).toBeCloseTo(i + 0.5, 9)
    })
  })

  it('a ramp down to nothing, a stage of nothing and a jump are inverted exactly', () => {
    const odd = load([stage(10, 0, 4), stage(0, 0, 5), stage(50, 50, 1), stage(3, 7, 2)], { kind: 'constant' })
    const times = all(odd)
    expect(times).toHaveLength(80)
    expect(times.filter((at) => at > 4 && at < 9)).toEqual([])
    times.forEach((at, i) => {
      expect(expectedArrivals(odd, at)).toBeCloseTo(i + 0.5, 9)
    })
  })

  it('Poisson: counts in windows have mean and variance of the area below them', () => {
    const profile = load([stage(0, 200, 10), stage(200, 200, 10), stage(200, 20, 10)])
    const windows = [
      [0, 5],
      [10, 12],
      [24, 30],
    ] as const
    const runs = 400
    const counts = windows.map(() => [] as number[])
    for (let seed = 0; seed < runs; seed++) {
      const times = all(profile, seed)
      windows.forEach(([from, to], i) => {
        counts[i]?.push(times.filter((at) => at >= from && at < to).length)
      })
    }
    windows.forEach(([from, to], i) => {
      const expected = expectedArrivals(profile, to) - expectedArrivals(profile, from)
      const values = counts[i] ?? []
      const mean = values.reduce((sum, n) => sum + n, 0) / runs
      const variance = values.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (runs - 1)
      // Four standard errors: of a mean √(λ/n), of a variance λ·√(2/n).
      expect(Math.abs(mean - expected)).toBeLessThan(4 * Math.sqrt(expected / runs))
      expect(Math.abs(variance / expected - 1)).toBeLessThan(4 * Math.sqrt(2 / runs))
    })
  })

  it('bursty: keeps the mean of the stage, and its counts disperse as theory says, in windows short and long', () => {
    const bursty = { kind: 'bursty', factor: 5, onSeconds: 1, offSeconds: 9 } as const
    expect(quietFactor(bursty)).toBeCloseTo(5 / 9, 12)
    const seconds = 20_000
    const rate = 20
    const tau = (bursty.onSeconds * bursty.offSeconds) / (bursty.onSeconds + bursty.offSeconds)
    const gap = rate * (5 - 5 / 9)
    const runs = [1, 2, 3, 4, 5].map((seed) => all(load([stage(rate, rate, seconds)], bursty), seed))
    for (const window of [0.5, 10, 100]) {
      const dispersions = runs.map((times) => {
        const counts = new Array<number>(seconds / window).fill(0)
        for (const at of times) counts[Math.floor(at / window)] = (counts[Math.floor(at / window)] ?? 0) + 1
        const mean = counts.reduce((sum, n) => sum + n, 0) / counts.length
        expect(mean / (rate * window)).toBeGreaterThan(0.96)
        expect(mean / (rate * window)).toBeLessThan(1.04)
        return counts.reduce((sum, n) => sum + (n - mean) ** 2, 0) / counts.length / mean
      })
      // Fischer and Meier-Hellstern 1993: Var N(t)/E N(t) = 1 + 2pq(λ₁ − λ₂)²τ/λ·(1 − τ(1 − e^(−t/τ))/t).
      const theory = 1 + ((2 * 0.09 * gap ** 2 * tau) / rate) * (1 - (tau * (1 - Math.exp(-window / tau))) / window)
      const measured = dispersions.reduce((sum, value) => sum + value, 0) / dispersions.length
      expect(Math.abs(measured / theory - 1)).toBeLessThan(0.08)
    }
  })

  it('bursty: on a ramp the bursts grow with the level, and the mean stays the level', () => {
    const ramp = load([stage(0, 40, 10_000)], { kind: 'bursty', factor: 3, onSeconds: 2, offSeconds: 4 })
    const runs = Array.from({ length: 10 }, (_, seed) => all(ramp, seed))
    const mean = (count: (times: readonly number[]) => number): number =>
      runs.reduce((sum, times) => sum + count(times), 0) / runs.length
    // Standard errors of 0.8 % and 1.2 %, from the variance above.
    expect(Math.abs(mean((times) => times.length) / 200_000 - 1)).toBeLessThan(0.03)
    expect(Math.abs(mean((times) => times.filter((at) => at < 5000).length) / 50_000 - 1)).toBeLessThan(0.04)
  })

  it('a trace is played as it was recorded', () => {
    const trace: Arrivals = { kind: 'trace', file: 't.csv', times: [0, 0.5, 0.5, 2.25] }
    expect(all(load([stage(1, 1, 3)], trace))).toEqual([0, 0.5, 0.5, 2.25])
  })

  it('never decrease, lie inside the load and are the same for the same seed', () => {
    const level = fc.integer({ min: 0, max: 200 })
    const stages = fc.array(
      fc.tuple(level, level, fc.double({ min: 0.1, max: 3, noNaN: true })).map(([a, b, d]) => stage(a, b, d)),
      { minLength: 1, maxLength: 4 },
    )
    const arrivals = fc.constantFrom<Arrivals>(
      { kind: 'poisson' },
      { kind: 'constant' },
      { kind: 'bursty', factor: 3, onSeconds: 0.5, offSeconds: 1 },
    )
    fc.assert(
      fc.property(stages, arrivals, fc.nat(), (some, kind, seed) => {
        const profile = load(some, kind)
        const times = all(profile, seed)
        for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThanOrEqual(times[i - 1] ?? 0)
        expect(times[0] ?? 0).toBeGreaterThanOrEqual(0)
        expect(times.at(-1) ?? 0).toBeLessThanOrEqual(loadSeconds(profile))
        expect(all(profile, seed)).toEqual(times)
      }),
      { numRuns: 100 },
    )
  })
})

describe('class mix', () => {
  const topology = {
    requests: {
      get: { id: 'get', share: 0.9, derivedFrom: undefined },
      put: { id: 'put', share: 0.1, derivedFrom: undefined },
      'put.poll': { id: 'put.poll', share: 0, derivedFrom: 'put' },
    },
  } as unknown as Topology

  it('is the topology’s unless the experiment has its own', () => {
    const own = classMix(topology, load([]))
    expect(own.ids).toEqual(['get', 'put'])
    expect([0, 0.899, 0.9, 0.999999].map((u) => own.choose(u))).toEqual([0, 0, 1, 1])
    const only = classMix(topology, { ...load([]), mix: { put: 1 } })
    expect(only.ids).toEqual(['put'])
    expect([0, 0.5, 0.99].map((u) => only.choose(u))).toEqual([0, 0, 0])
  })
})

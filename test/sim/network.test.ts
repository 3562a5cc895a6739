import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomStream } from '../../src/lib/random.js'
import {
  blocked,
  giveUpSeconds,
  passesAt,
  retransmissionSeconds,
  roundTripSeconds,
  Way,
} from '../../src/sim/network.js'

const network = { crossZoneSeconds: 0.001, crossRegionSeconds: 0.07 }
const none = { uniform: () => 0.5 }

describe('distance', () => {
  it('is that of regions where they differ, else of zones, else none', () => {
    const at = (zone?: string, region?: string) => ({ zone, region })
    expect(roundTripSeconds(at('a', 'eu'), at('a', 'us'), network)).toBe(0.07)
    expect(roundTripSeconds(at('a', 'eu'), at('b', 'eu'), network)).toBe(0.001)
    expect(roundTripSeconds(at('a'), at('b', 'eu'), network)).toBe(0.001)
    expect(roundTripSeconds(at('a', 'eu'), at('a', 'eu'), network)).toBe(0)
    expect(roundTripSeconds(at(), at('b', 'us'), network)).toBe(0)
  })

  it('is half there and half back', () => {
    const way = new Way()
    expect(way.isPlain).toBe(true)
    way.roundTripSeconds = 0.07
    expect(way.isPlain).toBe(false)
    expect([way.thereSeconds(1000, 0, none), way.backSeconds(1000, 0)]).toEqual([0.035, 0.035])
  })
})

describe('retransmission', () => {
  it('follows at 0.2, 0.6, 1.4, 3 s, and is given up after 924.6 s', () => {
    expect([1, 2, 3, 4].map(retransmissionSeconds).map((seconds) => Number(seconds.toFixed(9)))).toEqual([
      0.2, 0.6, 1.4, 3,
    ])
    expect(giveUpSeconds).toBeCloseTo(924.6, 9)
  })

  it('carries over what was sent during a cut, at the first one after it', () => {
    expect(passesAt(10, 9)).toBe(10)
    expect(passesAt(10, 10.1)).toBeCloseTo(10.2, 9)
    expect(passesAt(10, 12)).toBeCloseTo(13, 9)
    expect(passesAt(10, 2000)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a way with faults', () => {
  it('takes the sum of what delays add, and nothing once all are undone', () => {
    const way = new Way()
    const slow = { addSeconds: 0.05 }
    const slower = { addSeconds: 0.2 }
    way.strike(slow)
    way.strike(slower)
    expect(way.thereSeconds(0, 0, none)).toBeCloseTo(0.25, 12)
    expect(way.backSeconds(0, 0)).toBe(0)
    way.relieve(slow)
    expect(way.thereSeconds(0, 0, none)).toBeCloseTo(0.2, 12)
    way.relieve(slower)
    expect([way.isPlain, way.thereSeconds(0, 0, none)]).toEqual([true, 0])
  })

  it('spreads a latency by its jitter to both sides, and a jitter upwards only', () => {
    const stream = randomStream(1, 'jitter')
    const both = new Way()
    both.strike({ addSeconds: 0.05, jitterSeconds: 0.01 })
    const up = new Way()
    up.strike({ upToSeconds: 0.04 })
    const draws = Array.from({ length: 20_000 }, () => [both.thereSeconds(0, 0, stream), up.thereSeconds(0, 0, stream)])
    const of = (column: number) => draws.map((row) => row[column] ?? Number.NaN)
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(Math.min(...of(0))).toBeGreaterThanOrEqual(0.04)
    expect(Math.max(...of(0))).toBeLessThanOrEqual(0.06)
    expect(mean(of(0))).toBeCloseTo(0.05, 3)
    expect(Math.min(...of(1))).toBeGreaterThanOrEqual(0)
    expect(Math.max(...of(1))).toBeLessThanOrEqual(0.04)
    expect(mean(of(1))).toBeCloseTo(0.02, 3)
  })

  it('never takes less than no time, however large the jitter', () => {
    const way = new Way()
    way.strike({ addSeconds: 0.01, jitterSeconds: 1 })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (draw) => {
        expect(way.thereSeconds(0, 0, { uniform: () => draw })).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('that loses a share p delays by 0.2·p/(1 − 2p) on average, and 1 − p of messages not at all', () => {
    const way = new Way()
    const p = 0.2
    way.strike({ lossShare: p })
    const stream = randomStream(3, 'loss')
    const n = 200_000
    let sum = 0
    let undisturbed = 0
    for (let i = 0; i < n; i++) {
      const seconds = way.thereSeconds(0, 0, stream)
      sum += seconds
      if (seconds === 0) undisturbed += 1
    }
    expect(undisturbed / n).toBeCloseTo(1 - p, 2)
    expect(sum / n).toBeCloseTo((0.2 * p) / (1 - 2 * p), 2)
  })

  it('loses independently where two faults do, and everything where one loses all', () => {
    const way = new Way()
    way.strike({ lossShare: 0.5 })
    way.strike({ lossShare: 0.5 })
    const stream = randomStream(3, 'loss')
    let undisturbed = 0
    for (let i = 0; i < 20_000; i++) if (way.thereSeconds(0, 0, stream) === 0) undisturbed += 1
    expect(undisturbed / 20_000).toBeCloseTo(0.25, 1)
    way.strike({ lossShare: 1 })
    expect(way.thereSeconds(0, 0, stream)).toBe(blocked)
  })

  it('passes so many bytes a second, first come, first served, each direction for itself', () => {
    const way = new Way()
    way.strike({ bytesPerSecond: 1000 })
    expect([way.thereSeconds(500, 0, none), way.thereSeconds(500, 0, none)]).toEqual([0.5, 1])
    expect(way.backSeconds(100, 0)).toBe(0.1)
    expect(way.thereSeconds(500, 3, none)).toBe(0.5)
    expect(way.thereSeconds(0, 3, none)).toBe(0)
  })

  it('that is cut passes nothing in either direction', () => {
    const way = new Way()
    const cut = { partitioned: true }
    way.strike(cut)
    expect([way.thereSeconds(1, 0, none), way.backSeconds(1, 0)]).toEqual([blocked, blocked])
    way.relieve(cut)
    expect(way.isPlain).toBe(true)
  })

  it('resets the share of calls that it was told', () => {
    const way = new Way()
    expect(way.resets({ uniform: () => 0 })).toBe(false)
    way.strike({ resetShare: 0.3 })
    expect([way.resets({ uniform: () => 0.29 }), way.resets({ uniform: () => 0.31 })]).toEqual([true, false])
    way.strike({ resetShare: 1 })
    expect(way.resets({ uniform: () => 0.99 })).toBe(true)
  })
})

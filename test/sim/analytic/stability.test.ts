import { describe, expect, it } from 'vitest'
import { erlangB, erlangC } from '../../../src/sim/analytic/erlang.js'
import { mgc } from '../../../src/sim/analytic/mg.js'
import { mmc, mmcResponseQuantile, mmcWaitQuantile } from '../../../src/sim/analytic/mmc.js'
import { mmck } from '../../../src/sim/analytic/mmck.js'

describe('numbers of servers that overflow the textbook sums', () => {
  it('computes Erlang B of 10 000 servers near full load by the square-root rule', () => {
    // Halfin–Whitt: at c = a, B ≈ √(2/(πc)).
    expect(erlangB(10_000, 10_000)).toBeCloseTo(Math.sqrt(2 / (Math.PI * 10_000)), 4)
    expect(erlangC(100_000, 50_000)).toBe(0)
  })

  it('is M/M/1 beyond reach of waiting when servers abound', () => {
    const answer = mmc({ arrivalRatePerSecond: 1000, serviceSeconds: 1, servers: 5000 })
    expect(answer.responseSeconds).toBeCloseTo(1, 12)
    expect(answer.utilization).toBeCloseTo(0.2, 12)
  })

  it('keeps M/M/c/K of 3000 places finite, and equal to Erlang B without a queue', () => {
    const station = { arrivalRatePerSecond: 2900, serviceSeconds: 1, servers: 3000 }
    expect(mmck(station, 3000).blockedProbability).toBeCloseTo(erlangB(3000, 2900), 12)
  })
})

describe('the edges of a station', () => {
  it('does not wait without arrivals or without work', () => {
    expect(mmc({ arrivalRatePerSecond: 0, serviceSeconds: 0.1, servers: 1 })).toMatchObject({
      utilization: 0,
      waitSeconds: 0,
      responseSeconds: 0.1,
    })
    expect(mmc({ arrivalRatePerSecond: 5, serviceSeconds: 0, servers: 1 }).responseSeconds).toBe(0)
  })

  it('grows without bound at and above full utilization, and says by how much it is over', () => {
    const answer = mmc({ arrivalRatePerSecond: 20, serviceSeconds: 0.1, servers: 1 })
    expect(answer.utilization).toBeCloseTo(2, 12)
    expect(answer.responseSeconds).toBe(Number.POSITIVE_INFINITY)
    expect(mgc({ arrivalRatePerSecond: 10, serviceSeconds: 0.1, servers: 1 }, 0).inSystem).toBe(
      Number.POSITIVE_INFINITY,
    )
  })

  it('has quantiles whose tail is what was asked for, also where c − 1 = a', () => {
    const station = { arrivalRatePerSecond: 2, serviceSeconds: 1, servers: 3 }
    const t = mmcResponseQuantile(station, 0.9)
    // c − 1 − a = 0: P(T > t) = e^(−t)(1 + C·t).
    expect(Math.exp(-t) * (1 + erlangC(3, 2) * t)).toBeCloseTo(0.1, 9)
    expect(mmcWaitQuantile(station, 0.5)).toBe(0)
  })
})

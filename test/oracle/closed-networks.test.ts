/** Closed networks with known answers: published, printed by PDQ 7.0, or calculated exactly. */
import { describe, expect, it } from 'vitest'
import { asymptoticBounds, meanValueAnalysis } from '../../src/sim/analytic/closed.js'

const single = (...demands: readonly number[]) => demands.map((demandSeconds) => ({ demandSeconds, servers: 1 }))

describe('mean value analysis', () => {
  it('oracle 10: 100 users who think 300 s, one station of 0.63 s', () => {
    const answer = meanValueAnalysis({ users: 100, thinkSeconds: 300, stations: single(0.63) })
    expect(answer.throughputPerSecond).toBeCloseTo(0.332453, 6)
    expect(answer.responseSeconds).toBeCloseTo(0.79426, 6)
    expect(answer.stations[0]?.inSystem).toBeCloseTo(0.264054, 6)
    expect(answer.method).toBe('exact')
  })

  it('oracle 11: three tiers under ten users who do not think', () => {
    const answer = meanValueAnalysis({ users: 10, thinkSeconds: 0, stations: single(0.0098, 0.0025, 0.00072, 0.0098) })
    expect(answer.throughputPerSecond).toBeCloseTo(92.394525, 6)
    expect(answer.responseSeconds).toBeCloseTo(0.108232, 6)
    expect(answer.stations[0]?.inSystem).toBeCloseTo(4.8149, 4)
  })

  it('oracle 12: three stations, one to three users', () => {
    const network = { thinkSeconds: 15, stations: single(0.605, 2.1, 1.35) }
    const at = (users: number) => meanValueAnalysis({ ...network, users })
    expect([1, 2, 3].map((users) => Number(at(users).throughputPerSecond.toFixed(5)))).toEqual([
      0.05248, 0.10309, 0.15152,
    ])
    expect(at(3).responseSeconds).toBeCloseTo(4.79982, 5)
    const bounds = asymptoticBounds({ ...network, users: 3 })
    expect(bounds.maxThroughputPerSecond).toBeCloseTo(0.47619, 5)
    expect(bounds.saturationUsers).toBeCloseTo(9.0738, 4)
  })

  it('oracle 13: 400 users at 300 servers of 0.444 s are at the bound', () => {
    const answer = meanValueAnalysis({
      users: 400,
      thinkSeconds: 0,
      stations: [{ demandSeconds: 0.444, servers: 300 }],
    })
    expect(answer.throughputPerSecond).toBeCloseTo(675.6757, 4)
    expect(answer.responseSeconds).toBeCloseTo(0.592, 4)
  })

  it('obeys the interactive response time law and stays under both bounds for every number of users', () => {
    const network = { thinkSeconds: 2, stations: [...single(0.02, 0.05), { demandSeconds: 0.3, servers: 8 }] }
    for (const users of [1, 7, 40, 200, 5000]) {
      const { throughputPerSecond, responseSeconds } = meanValueAnalysis({ ...network, users })
      expect(users / throughputPerSecond - network.thinkSeconds).toBeCloseTo(responseSeconds, 8)
      expect(throughputPerSecond).toBeLessThanOrEqual(
        asymptoticBounds({ ...network, users }).throughputUpperPerSecond * (1 + 1e-12),
      )
    }
  })

  it('answers a hundred million users at once, at the bound that they reach', () => {
    const answer = meanValueAnalysis({ users: 1e8, thinkSeconds: 10, stations: single(0.001, 0.004) })
    expect(answer.throughputPerSecond).toBeCloseTo(250, 9)
    expect(answer.method).toBe('mean-field')
    expect(1e8 / answer.throughputPerSecond - 10).toBeCloseTo(answer.responseSeconds, 3)
  })
})

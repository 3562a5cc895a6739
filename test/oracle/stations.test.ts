/** Single stations with known answers: published, printed by PDQ 7.0, or calculated exactly. */
import { describe, expect, it } from 'vitest'
import { erlangB, erlangC, serversForWaitProbability } from '../../src/sim/analytic/erlang.js'
import { forkJoinResponse } from '../../src/sim/analytic/fork-join.js'
import { mg1 } from '../../src/sim/analytic/mg.js'
import { mm1, mmc, mmcResponseQuantile, mmcWaitQuantile } from '../../src/sim/analytic/mmc.js'
import { mmck } from '../../src/sim/analytic/mmck.js'
import { priorityWaits } from '../../src/sim/analytic/priority.js'

const station = (arrivalRatePerSecond: number, serviceSeconds: number, servers: number) => ({
  arrivalRatePerSecond,
  serviceSeconds,
  servers,
})

describe('M/M/1', () => {
  it('oracle 1: λ = 8/s, S = 0.1 s', () => {
    const { responseSeconds, waitSeconds, inSystem, utilization } = mm1(8, 0.1)
    expect(responseSeconds).toBeCloseTo(0.5, 12)
    expect(waitSeconds).toBeCloseTo(0.4, 12)
    expect(inSystem).toBeCloseTo(4, 12)
    expect(utilization).toBeCloseTo(0.8, 12)
    expect(mmcResponseQuantile(station(8, 0.1, 1), 0.95)).toBeCloseTo(1.49787, 5)
    expect(mmcResponseQuantile(station(8, 0.1, 1), 0.99)).toBeCloseTo(Math.LN10, 9)
  })

  it('oracle 2: λ = 75/s, S = 10 ms', () => {
    const { responseSeconds, inSystem, utilization } = mm1(75, 0.01)
    expect(responseSeconds).toBeCloseTo(0.04, 12)
    expect(inSystem).toBeCloseTo(3, 12)
    expect(utilization).toBeCloseTo(0.75, 12)
  })
})

describe('M/M/c', () => {
  it('oracle 3: three servers, λ = 2/s, S = 1 s', () => {
    const { waitProbability, responseSeconds, inSystem } = mmc(station(2, 1, 3))
    expect(waitProbability).toBeCloseTo(0.444444, 6)
    expect(responseSeconds).toBeCloseTo(1.444444, 6)
    expect(inSystem).toBeCloseTo(2.888889, 6)
  })

  it('oracle 4: ten servers, λ = 90/s, S = 0.1 s', () => {
    const { waitProbability, waitSeconds } = mmc(station(90, 0.1, 10))
    expect(waitProbability).toBeCloseTo(0.668732, 6)
    expect(waitSeconds * 1000).toBeCloseTo(66.8732, 4)
  })

  it("oracle 5: Erlang's B and C", () => {
    expect(erlangC(10, 8)).toBeCloseTo(0.40918, 6)
    expect(erlangB(10, 5)).toBeCloseTo(0.018385, 6)
    expect(erlangB(30, 20)).toBeCloseTo(0.008457, 6)
  })

  it.each([
    { size: 11, waitProbability: 0.6821, waitMs: 13.642, p99Ms: 84.45 },
    { size: 14, waitProbability: 0.1741, waitMs: 0.871, p99Ms: 14.29 },
  ])('oracle 6: a pool of $size connections at 500/s, held 20 ms', ({ size, waitProbability, waitMs, p99Ms }) => {
    const answer = mmc(station(500, 0.02, size))
    expect(answer.waitProbability).toBeCloseTo(waitProbability, 4)
    expect(answer.waitSeconds * 1000).toBeCloseTo(waitMs, 3)
    expect(mmcWaitQuantile(station(500, 0.02, size), 0.99) * 1000).toBeCloseTo(p99Ms, 2)
  })

  it('oracle 6: the smallest pool for an offered load of 20', () => {
    expect([0.2, 0.05, 0.01].map((bound) => serversForWaitProbability(20, bound))).toEqual([26, 29, 32])
  })
})

describe('M/M/c/K', () => {
  it('oracle 7: M/M/1/5 at ρ = 0.8, S = 1 s', () => {
    const { blockedProbability, inSystem, responseSeconds } = mmck(station(0.8, 1, 1), 5)
    expect(blockedProbability).toBeCloseTo(0.088819, 6)
    expect(inSystem).toBeCloseTo(1.868332, 6)
    expect(responseSeconds).toBeCloseTo(2.563065, 6)
  })

  it('oracle 7: M/M/10/30 at λ = 120/s, μ = 10/s', () => {
    const { blockedProbability, throughputPerSecond, responseSeconds } = mmck(station(120, 0.1, 10), 30)
    expect(blockedProbability).toBeCloseTo(0.168637, 6)
    expect(throughputPerSecond).toBeCloseTo(99.7635, 4)
    expect(responseSeconds).toBeCloseTo(0.253456, 6)
  })
})

describe('M/G/1 and its relatives', () => {
  it.each([
    [0, 0.2],
    [1, 0.4],
    [4, 1.0],
  ])('oracle 8: ρ = 0.8, S = 0.1 s, cv² = %d waits %d s', (scv, waitSeconds) => {
    expect(mg1(8, 0.1, scv).waitSeconds).toBeCloseTo(waitSeconds, 12)
  })

  it('oracle 9: two priorities that do not interrupt', () => {
    const one = { arrivalRatePerSecond: 4, serviceSeconds: 0.1, scv: 1 }
    const [high, low] = priorityWaits([one, one])
    expect(high).toBeCloseTo(0.133333, 6)
    expect(low).toBeCloseTo(0.666667, 6)
  })

  it('oracle 9: a two-way fork and join', () => {
    expect(forkJoinResponse(2, 8, 0.1)).toBeCloseTo(0.7, 12)
  })
})

/** Oracle 14 (Gunther's SPEC SDM benchmark) and oracle 25 (HikariCP's rules of thumb for pools). */
import { describe, expect, it } from 'vitest'
import { deadlockFreePoolSize, poolSizeForCores } from '../../src/sim/analytic/pool-sizing.js'
import { fitScalability, scalabilityPeak, scaledThroughput } from '../../src/sim/analytic/usl.js'

const measured = (users: readonly number[], throughputs: readonly number[]) =>
  users.map((count, i) => ({ users: count, throughputPerSecond: throughputs[i] ?? 0 }))

describe('the universal scalability law', () => {
  it('oracle 14: α, β, γ and the peak of a published benchmark', () => {
    const fit = fitScalability(
      measured([1, 18, 36, 72, 108, 144, 216], [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775, 1702.2]),
    )
    expect(fit?.alpha).toBeCloseTo(0.0277285, 7)
    expect(fit?.beta).toBeCloseTo(0.0001044, 7)
    expect(fit?.gammaPerSecond).toBeCloseTo(89.9952, 4)
    expect(fit?.peakUsers).toBeCloseTo(96.52, 2)
    expect(fit?.peakThroughputPerSecond).toBeCloseTo(1884, 0)
  })

  it.each([
    { alpha: 0.05, beta: 0.002, gammaPerSecond: 1200 },
    { alpha: 0.3, beta: 0, gammaPerSecond: 3e-5 },
    { alpha: 0, beta: 0.001, gammaPerSecond: 4e7 },
    { alpha: 0, beta: 0, gammaPerSecond: 100 },
  ])('finds the law that made the points: α = $alpha, β = $beta, γ = $gammaPerSecond', (law) => {
    const users = [1, 2, 4, 8, 16, 32]
    const fit = fitScalability(
      measured(
        users,
        users.map((count) => scaledThroughput(law, count)),
      ),
    )
    expect(fit?.alpha).toBeCloseTo(law.alpha, 8)
    expect(fit?.beta).toBeCloseTo(law.beta, 8)
    expect((fit?.gammaPerSecond ?? 0) / law.gammaPerSecond).toBeCloseTo(1, 8)
    expect(fit?.rSquared).toBeCloseTo(1, 9)
    expect(fit?.peakUsers).toBe(
      scalabilityPeak(law).users === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : fit?.peakUsers,
    )
  })

  it('never falls without coherency: Amdahl has its limit γ/α, linear has none', () => {
    expect(scalabilityPeak({ alpha: 0.1, beta: 0, gammaPerSecond: 50 })).toEqual({
      users: Number.POSITIVE_INFINITY,
      throughputPerSecond: 500,
    })
    expect(scalabilityPeak({ alpha: 0, beta: 0, gammaPerSecond: 50 }).throughputPerSecond).toBe(
      Number.POSITIVE_INFINITY,
    )
  })

  it('says nothing about fewer than three different numbers of users, or about nothing', () => {
    expect(fitScalability(measured([1, 2, 2], [10, 18, 19]))).toBeUndefined()
    expect(fitScalability(measured([1, 2, 3], [0, 0, 0]))).toBeUndefined()
  })

  it('keeps α and β at 0 where more users did better than in proportion', () => {
    const fit = fitScalability(measured([1, 2, 4, 8], [10, 22, 47, 100]))
    expect(fit?.alpha).toBe(0)
    expect(fit?.beta).toBe(0)
    expect(fit?.gammaPerSecond).toBeCloseTo((10 + 44 + 188 + 800) / 85, 6)
  })
})

describe('the size of a pool', () => {
  it('oracle 25: four cores and a disk want nine connections', () => {
    expect(poolSizeForCores(4, 1)).toBe(9)
  })

  it.each([
    [3, 4, 10],
    [8, 3, 17],
  ])('oracle 25: %d threads of up to %d connections cannot deadlock from %d on', (threads, each, size) => {
    expect(deadlockFreePoolSize(threads, each)).toBe(size)
  })
})

import { describe, expect, it } from 'vitest'
import { randomStream } from '../../../src/lib/random.js'
import { warmUpOf } from '../../../src/result/statistics/warm-up.js'
import { queue } from './support.js'

const series = (n: number, value: (i: number, noise: number) => number) => {
  const stream = randomStream(7, 'noise')
  const under = new Float64Array(n).fill(10)
  return { over: Float64Array.from(under, (_, i) => 10 * value(i, stream.normal())), under }
}

describe('MSER-5', () => {
  it('cuts off a warm-up, to the group of five in which it ends', () => {
    // Values of 20 for 100 observations of 2 s, then of 1.
    const step = series(1000, (i, noise) => (i < 100 ? 20 : 1) + 0.1 * noise)
    expect(warmUpOf(step, 2)).toEqual({ method: 'MSER-5', seconds: 200, converged: true })
  })

  it('cuts off most of a slow one', () => {
    const fading = series(2000, (i, noise) => 1 + 5 * Math.exp(-i / 100) + 0.1 * noise)
    const found = warmUpOf(fading, 1)
    expect(found?.converged).toBe(true)
    // By then the bias is below 0.1: 100 · ln 50.
    expect(found?.seconds).toBeGreaterThan(250)
    expect(found?.seconds).toBeLessThan(700)
  })

  it('finds little to cut off where there is no warm-up', () => {
    const found = warmUpOf(
      series(1000, (_, noise) => 5 + noise),
      1,
    )
    expect(found?.seconds).toBeLessThan(250)
    expect(found?.converged).toBe(true)
  })

  it('says that a backlog that only grows does not converge', () => {
    expect(
      warmUpOf(
        series(1000, (i, noise) => i + noise),
        1,
      ),
    ).toMatchObject({ converged: false })
  })

  it('hardly ever doubts a steady run, however its requests correlate, and never believes in an overloaded one', () => {
    const doubts = (rho: number, customers: number): number => {
      let count = 0
      for (let seed = 0; seed < 150; seed++) {
        const { fine } = queue(rho, customers, seed).series
        if (fine === undefined) throw new Error('no fine intervals')
        if (warmUpOf(fine.latency, fine.seconds)?.converged === false) count++
      }
      return count / 150
    }
    expect(doubts(0.5, 10_000)).toBeLessThan(0.03)
    expect(doubts(0.8, 10_000)).toBeLessThan(0.06)
    expect(doubts(1.3, 5000)).toBeGreaterThan(0.97)
  })

  it('leaves out intervals in which nothing ended', () => {
    const { over, under } = series(1000, (i, noise) => (i < 100 ? 20 : 1) + 0.1 * noise)
    for (let i = 0; i < 40; i++) {
      over[i] = 0
      under[i] = 0
    }
    expect(warmUpOf({ over, under }, 1)).toEqual({ method: 'MSER-5', seconds: 100, converged: true })
  })

  it('says nothing of a hundred observations less one', () => {
    expect(
      warmUpOf(
        series(99, (_, noise) => noise),
        1,
      ),
    ).toBeNull()
    expect(
      warmUpOf(
        series(100, (_, noise) => noise),
        1,
      ),
    ).not.toBeNull()
  })
})

import { describe, expect, it } from 'vitest'
import { studentT } from '../../src/lib/student-t.js'

describe('quantiles of Student’s t', () => {
  // E. S. Pearson and H. O. Hartley, Biometrika Tables for Statisticians I, table 12.
  it.each([
    [1, 0.95, 12.7062],
    [2, 0.95, 4.30265],
    [3, 0.95, 3.18245],
    [4, 0.95, 2.77645],
    [9, 0.95, 2.26216],
    [19, 0.95, 2.09302],
    [29, 0.95, 2.04523],
    [59, 0.95, 2.001],
    [120, 0.95, 1.97993],
    [1e6, 0.95, 1.95997],
    [9, 0.99, 3.24984],
    [9, 0.9, 1.83311],
  ])('%d degrees of freedom at %d', (freedom, confidence, expected) => {
    expect(studentT(freedom, confidence)).toBeCloseTo(expected, 4)
  })

  it('are those of Cauchy’s distribution for one degree of freedom, exactly', () => {
    for (const confidence of [0.5, 0.8, 0.999])
      expect(studentT(1, confidence) / Math.tan((Math.PI * confidence) / 2)).toBeCloseTo(1, 10)
  })

  it('lie between those of their neighbours for fractions of a degree', () => {
    expect(studentT(4.5)).toBeLessThan(studentT(4))
    expect(studentT(4.5)).toBeGreaterThan(studentT(5))
  })
})

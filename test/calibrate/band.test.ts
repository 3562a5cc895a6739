import { expect, test } from 'vitest'
import { withInverseLaw } from '../../src/calibrate/band.js'
import { demandAt } from '../../src/topology/calibration.js'

const power = { law: 'power', seconds: 0.001, atRatePerSecond: 450, exponent: -0.5 } as const
const other = withInverseLaw({ components: { app: { demand: power, samples: 1 } } }).components.app?.demand ?? power

test('up to the highest calibrated load both edges of the band are one', () => {
  for (const rate of [120, 200, 450]) expect(demandAt(other, rate) / demandAt(power, rate)).toBeCloseTo(1, 2)
})

test('beyond it the other edge is a + b/λ: 1 ms at 450/s and 2.1213 ms at 100/s give a = 0.6796 ms, b = 14.4 %', () => {
  const b = (0.001 * Math.sqrt(4.5) - 0.001) / (1 / 100 - 1 / 450)
  const a = 0.001 - b / 450
  expect(a * 1e3).toBeCloseTo(0.6796, 3)
  for (const rate of [600, 900, 1500]) {
    expect(demandAt(other, rate)).toBeCloseTo(a + b / rate, 5)
    expect(demandAt(other, rate)).toBeGreaterThan(demandAt(power, rate))
  }
})

test('what does not depend on load has no band', () => {
  const constant = { demand: { law: 'constant', seconds: 0.002 }, samples: 1 } as const
  expect(withInverseLaw({ components: { app: constant } }).components.app).toEqual(constant)
})

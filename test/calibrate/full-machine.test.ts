/** From two loads to a machine that never idles. */
import { expect, test } from 'vitest'
import { type DemandPoint, fitLaw } from '../../src/calibrate/law.js'
import { demandAt } from '../../src/topology/calibration.js'

/** What all use of two cores per visit falls from 2.0 ms (idle) by 1 ms · ρ; of it one component has 0.2 ms less 0.15 ms · ρ. */
const at = (busy: number): DemandPoint => ({
  busy,
  ratePerSecond: busy / (0.002 - 0.001 * busy),
  seconds: 0.0002 - 0.00015 * busy,
  samples: 1000,
})

test('a full machine has 1 ms per visit, so 1000 visits a second, and a demand between the line and the power law', () => {
  const law = fitLaw([at(0.15), at(0.45)])
  if (law.law !== 'power' || law.full === undefined) throw new Error('no full machine')
  expect(law.full.ratePerSecond).toBeCloseTo(1000, 6)
  const { full, ...power } = law
  const byPower = demandAt(power, 1000)
  expect(full.seconds).toBeCloseTo((0.00005 + byPower) / 2, 9)
  expect(demandAt(law, law.atRatePerSecond)).toBeCloseTo(law.seconds, 12)
  expect(demandAt(law, 1000)).toBe(full.seconds)
  expect(demandAt(law, 5000)).toBe(full.seconds)
  const between = (law.atRatePerSecond + 1000) / 2
  expect(demandAt(law, between)).toBeCloseTo((law.seconds + full.seconds) / 2, 12)
})

test('loads whose utilization differs by less than 15 points do not tell', () => {
  expect(fitLaw([at(0.3), at(0.44)])).not.toHaveProperty('full')
})

test('nor do points of which nobody knows how busy the cores were', () => {
  const blind = [0.15, 0.45].map((busy) => ({ ...at(busy), busy: undefined }))
  expect(fitLaw(blind)).not.toHaveProperty('full')
})

/**
 * Beyond the highest calibrated load nobody knows how demand goes on: system calls and wake-ups are shared by ever more requests
 * (a power law, down to what is known of a full machine), or what remains per request is constant (a + b/λ).
 */
import { type Calibrated, type Calibration, type DemandLaw, demandAt } from '../topology/calibration.js'

/** Where a power law is believed, above its highest measured rate; and how far below it the other law is fitted. */
const range = { above: 4, below: 4.5 } as const
const pointsBeyond = 12

/** The same demand up to the highest measured rate λ₀; beyond, a + b/λ through the law's values at λ₀/4.5 and λ₀. */
const continued = (law: DemandLaw): DemandLaw => {
  if (law.law !== 'power') return law
  const { full: _, ...measured } = law
  const highest = law.atRatePerSecond
  const lowest = highest / range.below
  const [low, high] = [demandAt(measured, lowest), demandAt(measured, highest)]
  const b = (low - high) / (1 / lowest - 1 / highest)
  const inverse: DemandLaw = { law: 'inverse', a: high - b / highest, b }
  const rates = Array.from({ length: 2 * pointsBeyond + 1 }, (_, i) => highest * range.above ** (i / pointsBeyond - 1))
  return {
    law: 'table',
    points: rates.map((ratePerSecond) => ({
      ratePerSecond,
      seconds: Math.max(0, demandAt(ratePerSecond <= highest ? measured : inverse, ratePerSecond)),
    })),
  }
}

/** The calibration whose demand falls no further than a + b/λ does: the other edge of the predicted band. */
export const withInverseLaw = <T extends Pick<Calibration, 'components'>>(calibration: T): T => ({
  ...calibration,
  components: Object.fromEntries(
    Object.entries(calibration.components).map(([id, calibrated]): [string, Calibrated] => [
      id,
      { ...calibrated, demand: continued(calibrated.demand) },
    ]),
  ),
})

/** What a calibration predicts over a range of loads, by both laws of demand. */
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import type { Topology } from '../topology/types.js'
import { withInverseLaw } from './band.js'
import { type Estimates, experimentOf } from './moments.js'

const rates = 8
const requests = 5000
/** Of the highest measured rate: as far as the curve goes. */
const beyond = 1.3

export interface PredictedPoint {
  readonly ratePerSecond: number
  /** p95 latency in seconds, by the power law and by a + b/λ; null: nothing was answered. */
  readonly p95Seconds: readonly [number | null, number | null]
}

/** Under the mix and the placement of `like`. */
export const predictedResponse = (
  topology: Topology,
  estimates: Estimates,
  like: RunResult,
  [lowest, highest]: readonly [number, number],
): readonly PredictedPoint[] => {
  const laws = [estimates, withInverseLaw(estimates)].map((calibration) => ({
    ...topology,
    calibration: { ...calibration, digest: '' },
  }))
  return Array.from({ length: rates }, (_, i) => {
    const ratePerSecond = lowest + ((highest * beyond - lowest) * i) / (rates - 1)
    const experiment = experimentOf(like, requests, ratePerSecond)
    const [power = null, inverse = null] = laws.map((calibrated) => {
      const simulation = new Simulation({
        topology: calibrated,
        experiment,
        placement: like.placement,
        seed: like.seed,
      })
      while (simulation.advance());
      return simulation.finish().requests.all?.latency?.p95 ?? null
    })
    return { ratePerSecond, p95Seconds: [power, inverse] }
  })
}

import type { Load } from '../experiment/types.js'
import { randomStream } from '../lib/random.js'

/** Intended starts in seconds, one a call; Infinity after the last. */
export const arrivalTimes = (load: Load, seed: number): (() => number) => {
  const random = randomStream(seed, 'load/arrivals')
  let stage = 0
  let stageStart = 0
  let area = 0
  return () => {
    area += load.arrivals.kind === 'poisson' ? random.exponential() : 1
    for (;;) {
      const current = load.stages[stage]
      if (current === undefined) return Number.POSITIVE_INFINITY
      const { fromLevel: a, toLevel: b, durationSeconds: d } = current
      const total = ((a + b) / 2) * d
      if (area < total) {
        const slope = (b - a) / d
        return stageStart + (2 * area) / (a + Math.sqrt(a * a + 2 * slope * area))
      }
      area -= total
      stageStart += d
      stage++
    }
  }
}

/** How near a prediction must come, per quantity: within `relative` of the measured value or within `absolute` of it. */
import type { Unit } from './quantity.js'

export interface Tolerance {
  readonly relative: number
  /** In the unit of the quantity: a floor below which a difference has no meaning. */
  readonly absolute: number
}

interface Rule extends Tolerance {
  readonly quantity: RegExp
  readonly unit: Unit
}

/**
 * Twice to three times what two runs of one unchanged stack differ by within a session (p50 8 %, p95 10 %, p99 15 %), and
 * the resolution of the fault times (whole seconds for `recoverySeconds`). The table in docs/comparison.md says the same.
 */
export const tolerances: readonly Rule[] = [
  { quantity: /^ratePerSecond$/, unit: 'per-second', relative: 0.05, absolute: 1 },
  { quantity: /^latency\.mean$/, unit: 'seconds', relative: 0.25, absolute: 0.0005 },
  { quantity: /^latency\.p50$/, unit: 'seconds', relative: 0.2, absolute: 0.0005 },
  { quantity: /^latency\.p95$/, unit: 'seconds', relative: 0.25, absolute: 0.001 },
  { quantity: /^latency\.p99$/, unit: 'seconds', relative: 0.35, absolute: 0.002 },
  { quantity: /^errors$/, unit: 'ratio', relative: 0, absolute: 0.01 },
  { quantity: /^degraded$/, unit: 'ratio', relative: 0, absolute: 0.02 },
  { quantity: /^utilization\.cpu$/, unit: 'ratio', relative: 0.15, absolute: 0.03 },
  { quantity: /^throughputPerSecond$/, unit: 'per-second', relative: 0.05, absolute: 1 },
  { quantity: /^hitRatio$/, unit: 'ratio', relative: 0, absolute: 0.03 },
  { quantity: /^pools\..+\.inUse$/, unit: 'count', relative: 0.3, absolute: 0.5 },
  { quantity: /^failedRequests$/, unit: 'count', relative: 0.5, absolute: 3 },
  { quantity: /^detectionSeconds$/, unit: 'seconds', relative: 0.5, absolute: 0.25 },
  { quantity: /^recoverySeconds$/, unit: 'seconds', relative: 0.25, absolute: 2 },
  { quantity: /^outageSeconds$/, unit: 'seconds', relative: 0.5, absolute: 0.25 },
]

export const toleranceOf = (quantity: string): Rule | undefined =>
  tolerances.find((rule) => rule.quantity.test(quantity))

export const within = (tolerance: Tolerance, predicted: number, measured: number): boolean =>
  Math.abs(predicted - measured) <= Math.max(tolerance.absolute, tolerance.relative * Math.abs(measured)) + 1e-12

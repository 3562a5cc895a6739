/**
 * What measurement knows that the topology's author could not: CPU per visit of each component beyond what its flow
 * declares, the real demand of steps, hit ratios. Written by `plimsoll calibrate` to `calibration.yaml` beside the
 * topology; where it speaks, it overrides what was declared.
 */

/**
 * Service demand in CPU-seconds per visit as a function of the component's arrival rate λ (per second):
 * `constant`: s; `power`: s · (λ/atRate)^exponent, flat below atRate/10 and above 4·atRate; `inverse`: a + b/λ; `table`: linear between points, flat outside.
 */
export type DemandLaw =
  | { readonly law: 'constant'; readonly seconds: number }
  | { readonly law: 'power'; readonly seconds: number; readonly atRatePerSecond: number; readonly exponent: number }
  | { readonly law: 'inverse'; readonly a: number; readonly b: number }
  | { readonly law: 'table'; readonly points: readonly { readonly ratePerSecond: number; readonly seconds: number }[] }

export interface Calibrated {
  readonly demand: DemandLaw
  /** 95 % confidence half-width of the demand at the calibrated load, in seconds; undefined: a single run. */
  readonly halfWidthSeconds?: number
  /** Number of visits that the estimate rests on. */
  readonly samples: number
}

export interface Calibration {
  readonly origin: {
    readonly runs: readonly string[]
    /** ISO 8601; when the newest of the runs started. */
    readonly measuredAt: string
    readonly topologyDigest: string
    readonly machine: string
  }
  /** Per component: CPU per visit beyond the CPU of the steps that it executes. `generator` is the load generator's own. */
  readonly components: Readonly<Record<string, Calibrated>>
  /** Per step id: CPU (on the component where the step's CPU burns) and pure wait per execution. */
  readonly steps: Readonly<Record<string, { readonly cpu?: Calibrated; readonly wait?: Calibrated }>>
  readonly hitRatios: Readonly<Record<string, number>>
  /** sha256 (hex) of the file's meaning. */
  readonly digest: string
}

/**
 * How far beyond its highest measured rate, and how far below it, a power law is believed. Farther away it stays flat: its
 * demand would go to 0 (and capacity to infinity), or, where hardly anything arrives, to infinity.
 */
const powerRange = { above: 4, below: 10 } as const

/** The law's value in CPU-seconds at `ratePerSecond` (> 0). */
export const demandAt = (law: DemandLaw, ratePerSecond: number): number => {
  switch (law.law) {
    case 'constant':
      return law.seconds
    case 'power':
      return (
        law.seconds *
        Math.min(powerRange.above, Math.max(1 / powerRange.below, ratePerSecond / law.atRatePerSecond)) ** law.exponent
      )
    case 'inverse':
      return law.a + law.b / ratePerSecond
    case 'table': {
      const { points } = law
      const first = points[0]
      const last = points.at(-1)
      if (first === undefined || last === undefined) return 0
      if (ratePerSecond <= first.ratePerSecond) return first.seconds
      for (let i = 1; i < points.length; i++) {
        const left = points[i - 1]
        const right = points[i]
        if (left === undefined || right === undefined || ratePerSecond > right.ratePerSecond) continue
        const share = (ratePerSecond - left.ratePerSecond) / (right.ratePerSecond - left.ratePerSecond)
        return left.seconds + share * (right.seconds - left.seconds)
      }
      return last.seconds
    }
  }
}

/**
 * What measurement knows that the topology's author could not: CPU per visit of each component beyond what its flow
 * declares, the real demand of steps, hit ratios. Written by `plimsoll calibrate` to `calibration.yaml` beside the
 * topology; where it speaks, it overrides what was declared.
 */

/**
 * Service demand in CPU-seconds per visit as a function of the component's arrival rate λ (per second):
 * `constant`: s; `power`: s · (λ/atRate)^exponent, flat below atRate/10 and
 * above 4·atRate, or, if `full` is known, linear from atRate to there and flat beyond; `inverse`: a + b/λ; `table`: linear between points, flat outside.
 */
export type DemandLaw =
  | { readonly law: 'constant'; readonly seconds: number }
  | {
      readonly law: 'power'
      readonly seconds: number
      readonly atRatePerSecond: number
      readonly exponent: number
      /** What a visit costs when the machine never idles, and at how many visits per second that is. Undefined: nobody can tell. */
      readonly full?: { readonly ratePerSecond: number; readonly seconds: number }
    }
  | { readonly law: 'inverse'; readonly a: number; readonly b: number }
  | { readonly law: 'table'; readonly points: readonly { readonly ratePerSecond: number; readonly seconds: number }[] }

export interface Calibrated {
  readonly demand: DemandLaw
  /** 95 % confidence half-width of the demand at the calibrated load, in seconds; undefined: a single run. */
  readonly halfWidthSeconds?: number
  /**
   * Of a component: how often, on average, one of its processes takes a visit in hand: when it arrives, and after each answer that
   * it waited for. Its demand is spread evenly over these turns; undefined: all of it comes first.
   */
  readonly turns?: number
  /**
   * Of a component whose runs had several mixes: what distinguishes its visits, by request class (services, balancers and the generator
   * serve requests) or by step (databases serve statements). Undefined: nobody could tell them apart, all are alike.
   */
  readonly kinds?: Readonly<Record<string, VisitKind>>
  /** Number of visits that the estimate rests on. */
  readonly samples: number
}

/** Visits of one kind against those of all kinds in the calibrated mix. */
export interface VisitKind {
  /** Demand of such a visit / mean demand. */
  readonly factor: number
  /** As of the component; undefined: as all. */
  readonly turns?: number
}

/** How late the load generator sends at this rate; between rates linear in their logarithm, flat outside. */
export interface LatenessAt {
  readonly ratePerSecond: number
  readonly p50Seconds: number
  readonly meanSeconds: number
}

export interface Calibration {
  readonly origin: {
    readonly runs: readonly string[]
    /** ISO 8601; when the newest of the runs started. */
    readonly measuredAt: string
    readonly topologyDigest: string
    readonly machine: string
    /** Seconds that a fixed computation took on it: how fast it was. Undefined: the runs do not tell. */
    readonly probeSeconds?: number
  }
  /** Per component: CPU per visit beyond the CPU of the steps that it executes. `generator` is the load generator's own. */
  readonly components: Readonly<Record<string, Calibrated>>
  /** Per step id: CPU (on the component where the step's CPU burns) and pure wait per execution. */
  readonly steps: Readonly<Record<string, { readonly cpu?: Calibrated; readonly wait?: Calibrated }>>
  readonly hitRatios: Readonly<Record<string, number>>
  /** Of an open load, in order of rate; undefined: it was not measured. */
  readonly lateness?: readonly LatenessAt[]
  /** Share of a visit's demand that comes after its answer: logging, books, collecting garbage. Nobody waits for it. */
  readonly aftermath?: number
  /** Share of the cores that something beside the components and the generator used: plimsoll itself, the kernel. */
  readonly background?: number
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
      if (law.full !== undefined && ratePerSecond > law.atRatePerSecond) {
        const { full, seconds, atRatePerSecond } = law
        const share = Math.min(1, (ratePerSecond - atRatePerSecond) / (full.ratePerSecond - atRatePerSecond))
        return seconds + share * (full.seconds - seconds)
      }
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

/** Median and mean lateness at a rate (> 0). */
export const latenessAt = (points: readonly LatenessAt[], ratePerSecond: number): Omit<LatenessAt, 'ratePerSecond'> => {
  const above = points.findIndex((point) => point.ratePerSecond >= ratePerSecond)
  const [left, right] = [points[above - 1], points[above]]
  const only = right ?? points.at(-1)
  if (only === undefined) return { p50Seconds: 0, meanSeconds: 0 }
  if (left === undefined || right === undefined) return only
  const share = Math.log(ratePerSecond / left.ratePerSecond) / Math.log(right.ratePerSecond / left.ratePerSecond)
  const between = (a: number, b: number): number => a + share * (b - a)
  return {
    p50Seconds: between(left.p50Seconds, right.p50Seconds),
    meanSeconds: between(left.meanSeconds, right.meanSeconds),
  }
}

/** What a result says of the calibration that its model had; null: none. */
export const calibrationMark = (
  calibration: Calibration | undefined,
): { readonly digest: string; readonly probeSeconds?: number } | null => {
  if (calibration === undefined) return null
  const { probeSeconds } = calibration.origin
  return { digest: calibration.digest, ...(probeSeconds === undefined ? {} : { probeSeconds }) }
}

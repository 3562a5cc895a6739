/** Why a class of requests takes as long as it does. */
import type { Cause } from '../../sim/without/causes.js'

export const measures = ['mean', 'p50', 'p90', 'p95', 'p99'] as const
export type Measure = (typeof measures)[number]

/** A part of the time. Seconds, to the nanosecond; half-widths are those of 95 % intervals. */
export interface Part {
  readonly seconds: number
  readonly halfWidthSeconds: number
}

export interface CausePart extends Part {
  readonly cause: Cause
  /** What the class takes without this cause. */
  readonly withoutSeconds: number
}

/** `value` = `work` + Σ `causes` + `interaction`, to the nanosecond. */
export interface Why {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'Why'
  readonly topology: { readonly name: string; readonly digest: string }
  readonly request: string
  readonly measure: Measure
  readonly seed: number
  /** Of the latency of the class, of those that succeed. */
  readonly value: Part
  /** Without any of the causes. */
  readonly work: Part
  /** Each: what goes when it alone goes. May be negative: then it keeps a longer line elsewhere short. */
  readonly causes: readonly CausePart[]
  /** What causes do together beyond what each does alone; negative where removing either of two would do. */
  readonly interaction: Part
  /** Requests of the class behind `value`, and over how many replications. */
  readonly samples: number
  readonly replications: number
  /** Simulated time of all replications of `value`, without warming up. */
  readonly measuredSeconds: number
  readonly notes: readonly string[]
}

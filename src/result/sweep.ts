/** One JSON document per sweep: the same simulation for each value of a parameter, or each pair of values of two. */
import type { RunResult } from './run-result.js'

export interface Sweep {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'Sweep'
  readonly topology: { readonly name: string }
  readonly experiment: { readonly name: string }
  /** Of every point: they differ by what was swept, not by chance (common random numbers). */
  readonly seed: number
  readonly parameters: readonly SweepParameter[]
  /** Of two parameters the second varies fastest. */
  readonly points: readonly SweepPoint[]
}

export interface SweepParameter {
  /** As it was set. */
  readonly path: string
  readonly values: readonly string[]
  /** The values in `unit`, ascending; absent: they are words. */
  readonly numbers?: readonly number[]
  /** `/s`, `ms`, …; empty: none. */
  readonly unit?: string
}

export interface SweepPoint {
  /** Of each parameter, in their order. */
  readonly values: readonly string[]
  readonly result: PointResult
}

/** A RunResult without what fills pages. */
export type PointResult = Omit<
  RunResult,
  'apiVersion' | 'kind' | 'series' | 'seriesSeconds' | 'events' | 'edges' | 'steps'
>

export const pointResult = (result: RunResult): PointResult => {
  const {
    apiVersion: _,
    kind: __,
    series: ___,
    seriesSeconds: ____,
    events: _____,
    edges: ______,
    steps: _______,
    ...rest
  } = result
  return rest
}

import type { RunResult, Verdict } from '../result/run-result.js'

/** `plimsoll run EXP --on both --json` and `plimsoll compare --json`. */
export interface Comparison {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'Comparison'
  readonly sim: RunResult
  readonly stack: RunResult
  readonly rows: readonly ComparisonRow[]
  /** Runs on the stack that the measured values rest on, and those that were left out because something disturbed them. */
  readonly runs: { readonly counted: number; readonly disturbed: number }
  /** Whether the measurement can be trusted at all, and by what it was disturbed. */
  readonly validity: { readonly verdict: 'valid' | 'invalid'; readonly reasons: readonly string[] }
}

export interface ComparisonRow {
  /** `all`, a request class, a component, a host, `fault 0 (kill app/0)`. */
  readonly subject: string
  /** `latency.p95`, `utilization.cpu`, `ratePerSecond`, `failedRequests`, … */
  readonly quantity: string
  readonly unit: 'seconds' | 'ratio' | 'per-second' | 'count'
  readonly predicted: number | null
  readonly measured: number | null
  /** 95 % half-width of the prediction; absent: nothing is known of it. */
  readonly halfWidth?: number
  /** Half the range of what equal runs measured, of which `measured` is the median; absent: one run. */
  readonly spread?: number
  /** (predicted − measured) / measured; null where either is missing or the measured value is 0. */
  readonly errorRatio: number | null
  /** pass: within the tolerance of the quantity; invalid: the measurement was disturbed. */
  readonly verdict: Verdict
  /** Which side to distrust, when it does not pass. */
  readonly suspect?: 'model' | 'stack' | 'generator' | 'machine'
  readonly why?: string
}

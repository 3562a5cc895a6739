/** What `simulate --check` prints: theory beside simulation. Times in seconds, ratios 0…1. */

/**
 * `exact`: the formula holds exactly of what was simulated, so that the interval must contain it in 95 % of runs; `approximation`: it is
 * known to be off; `does-not-apply`: it speaks of something else, and is shown for orientation.
 */
export type Basis = 'exact' | 'approximation' | 'does-not-apply'

export interface TheoryCheck {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'TheoryCheck'
  readonly topology: { readonly name: string; readonly digest: string }
  readonly experiment: { readonly name: string; readonly digest: string }
  /** What theory was told: `open, 80/s`, `closed, 100 users`. */
  readonly load: string
  /** Why theory does not apply, or only approximately, to the whole run. */
  readonly caveats: readonly Caveat[]
  readonly rows: readonly CheckRow[]
  readonly summary: {
    readonly exact: number
    /** Of the exact rows, those with an interval that contains the theory, and that does not. */
    readonly inside: number
    readonly outside: number
  }
}

export interface Caveat {
  /** Short, by name: `retries`, `faults`, `round robin at app`. */
  readonly what: string
  readonly why: string
  readonly basis: Exclude<Basis, 'exact'>
}

export interface CheckRow {
  readonly kind: 'request' | 'component' | 'pool' | 'host'
  /** `all`, a class, a component, `app.main`, a host. */
  readonly subject: string
  /** As in results: `latency.mean`, `utilization.cpu`, `queue.mean`, `pools.main.waiting`. */
  readonly quantity: string
  readonly unit: 'seconds' | 'ratio' | 'per-second' | 'count'
  /** Null: theory says that it grows without bound. */
  readonly theory: number | null
  readonly simulated: number | null
  /** Of the simulated value; null: the run tells none. */
  readonly halfWidth: number | null
  /** (simulated − theory)/theory; null where theory is 0 or without bound. */
  readonly difference: number | null
  /** |simulated − theory| ≤ halfWidth; null: no interval, or one of what never happened in the run. */
  readonly inside: boolean | null
  readonly basis: Basis
  /** The formula by name: `M/M/1`, `Erlang C`, `mean value analysis`. */
  readonly formula: string
  /** Why it is no more than an approximation; absent where it is exact. */
  readonly why?: string
}

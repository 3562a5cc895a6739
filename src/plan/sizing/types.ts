/** What `plimsoll plan --target --json` prints. Times in seconds, money per month of 730 hours. */
import type { Constraint } from './judge.js'
import type { KnobKind } from './knobs.js'

export interface SizingPlan {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'SizingPlan'
  readonly topology: { readonly name: string; readonly digest: string }
  readonly target: SizedTarget
  /** Null: the target is reached. Else why no numbers reach it, and what `plan` is for instead. */
  readonly unreachable: {
    readonly reasons: readonly Reason[]
    /** The nearest target that is reached, to which `plan` belongs; null: none was found. */
    readonly instead: SizedTarget | null
  } | null
  /** Null: not even for another load. */
  readonly plan: Sized | null
}

export interface SizedTarget {
  readonly ratePerSecond: number
  readonly users: number | null
  readonly thinkSeconds: number | null
  /** How the rate follows from the target. */
  readonly sentence: string
}

export interface Reason {
  readonly constraint: Constraint
  readonly subject: string
  /** The arithmetic. */
  readonly sentence: string
}

export interface Sized {
  readonly numbers: readonly SizedNumber[]
  /** Of the file, as `--set` takes them: the plan, without and with the traffic that it is for. */
  readonly settings: readonly string[]
  readonly traffic: readonly string[]
  readonly cost: {
    readonly currency: string
    /** Machines and disks; traffic costs the same whatever the numbers. */
    readonly perMonth: number
    readonly declaredPerMonth: number
    readonly unpriced: readonly string[]
  }
  /** Null: nothing can be lowered. Where no machine can go, the smaller plan that costs the same. */
  readonly cheaper: {
    readonly words: string
    readonly perMonth: number
    readonly breaks: readonly Reason[]
  } | null
  readonly objectives: readonly {
    readonly request: string
    readonly path: string
    readonly bound: number
    readonly predicted: number | null
    /** By simulation; null: not simulated, or it is not measured there. */
    readonly simulated: number | null
    readonly holds: boolean
  }[]
  readonly verification: Verification | null
  readonly notes: readonly string[]
}

export interface SizedNumber {
  readonly id: string
  readonly kind: KnobKind
  /** In the file. */
  readonly declared: number
  readonly value: number
  /** One decrement less; null: there is none. */
  readonly less: number | null
  /** What one decrement less breaks. */
  readonly breaks: readonly Reason[]
  /** Was the decrement simulated under common random numbers? */
  readonly simulated: boolean
}

export interface Verification {
  readonly replications: number
  readonly seconds: number
  readonly warmupSeconds: number
  readonly seed: number
  /** Every objective holds in the merged simulations. */
  readonly holds: boolean
  /** Searches that the simulation asked for. */
  readonly rounds: number
}

/** What the uncertain numbers of a file make of its plan. Shares 0…1 of the samples that could be planned. */

/** `mid`: with every number in its middle. Percentiles of the samples, types and units as in the plan; null: without bound, or not told. */
export interface Interval {
  readonly mid: number | null
  readonly p5: number | null
  readonly p50: number | null
  readonly p95: number | null
}

export interface UncertainObjective {
  readonly request: string
  readonly path: string
  /** At most; seconds or a ratio. */
  readonly bound: number
  readonly predicted: Interval
  /** Requests of the mix. */
  readonly breaksAtPerSecond: Interval
  /** Share of samples in which it holds at the declared traffic; null: there is none, or it is not told. */
  readonly holds: number | null
}

export interface Uncertainty {
  readonly seed: number
  /** Planned; as many were asked for, but for those refused. */
  readonly samples: number
  /** Drawn, but contradictory (a p50 above its p99, shares beyond 100 %): not among the samples. */
  readonly refused: number
  /** As they stand in the file. */
  readonly inputs: readonly {
    readonly path: string
    readonly low: string
    readonly mid: string
    readonly high: string
  }[]
  readonly maxThroughputPerSecond: Interval
  readonly headroomRatio: Interval
  /** Share of samples with at least the headroom that the policy wants; null: no traffic, or nothing limits. */
  readonly headroomSuffices: number | null
  readonly costPerMonth: Interval
  /** How often each is what limits first, most often first; null: nothing limits. */
  readonly bottlenecks: readonly { readonly id: string | null; readonly share: number }[]
  readonly requests: Readonly<Record<string, { readonly residenceSeconds: Interval; readonly p95Seconds: Interval }>>
  readonly objectives: readonly UncertainObjective[]
}

/**
 * Replications of one or several simulations: independent runs whose results are merged into one for each. Which run gives
 * which result, and when there are enough, depends on nothing but seeds and order, so that threads change nothing.
 */
import type { Setting } from '../lib/document/settings.js'
import { randomStream } from '../lib/random.js'
import type { RunResult } from '../result/run-result.js'
import { preciseEnough } from '../result/statistics/precision.js'
import type { Counterfactual, SimulationJob } from './simulation-job.js'
import type { Work } from './simulation-pool.js'

/** Of the replication with this index: the first has the seed itself, so that a single run is the first of many. */
export const replicationSeed = (seed: number, index: number): number =>
  index === 0 ? seed : Math.floor(randomStream(seed, `replication/${index}`).uniform() * Number.MAX_SAFE_INTEGER)

/** How many replications there are of each simulation. */
export interface ReplicationPlan {
  readonly fewest: number
  readonly most: number
  /** Asked from `fewest` replications on, with all so far in their order: are they enough? */
  readonly enough: (results: readonly RunResult[]) => boolean
  /** Relative half-width that `enough` waits for. */
  readonly precision?: number | undefined
}

/** Replications at most, where a precision is wanted and no number of them is given. */
const mostForPrecision = 100

/** `precision`: as many replications, up to `replications`, as it takes; else exactly so many. */
export const replicationPlan = (replications: number | undefined, precision: number | undefined): ReplicationPlan =>
  precision === undefined
    ? { fewest: replications ?? 1, most: replications ?? 1, enough: () => true }
    : {
        fewest: 1,
        most: replications ?? mostForPrecision,
        enough: (results) => preciseEnough(results, precision),
        precision,
      }

/** One simulation, and what is set for it. */
export interface Point {
  readonly settings: readonly Setting[]
  readonly seed: number
  readonly counterfactual?: Counterfactual | undefined
}

interface Progress {
  readonly results: (RunResult | undefined)[]
  started: number
  /** Results without a gap from the first on. */
  whole: number
  /** The merged result, once there are enough. */
  merged: RunResult | undefined
}

export interface ReplicationOptions {
  readonly points: readonly Point[]
  readonly plan: ReplicationPlan
  /** The one result that stands for all replications of the point with this index, in their order. */
  readonly merge: (results: readonly RunResult[], point: number) => RunResult
  /** Keep the series and the events of each point's first replication. */
  readonly keepSeries: boolean
}

export class Replications implements Work {
  private readonly progress: readonly Progress[]
  /** Point and replication of each id. */
  private readonly ids: { readonly point: number; readonly replication: number }[] = []

  constructor(private readonly options: ReplicationOptions) {
    this.progress = options.points.map(() => ({ results: [], started: 0, whole: 0, merged: undefined }))
  }

  get done(): boolean {
    return this.progress.every(({ merged }) => merged !== undefined)
  }

  /** Of the points, in their order; call it when the work is done. */
  get merged(): readonly RunResult[] {
    return this.progress.flatMap(({ merged }) => merged ?? [])
  }

  /** Of the undecided point of which fewest replications have begun; the first of several. */
  next(): { readonly id: number; readonly job: SimulationJob } | undefined {
    const { points, plan, keepSeries } = this.options
    let point = -1
    for (const [i, { started, merged }] of this.progress.entries()) {
      if (merged !== undefined || started >= plan.most) continue
      if (point < 0 || started < (this.progress[point] as Progress).started) point = i
    }
    const chosen = points[point]
    const progress = this.progress[point]
    if (chosen === undefined || progress === undefined) return undefined
    const replication = progress.started++
    const job = {
      settings: chosen.settings,
      seed: replicationSeed(chosen.seed, replication),
      counterfactual: chosen.counterfactual,
      keepSeries: keepSeries && replication === 0,
    }
    return { id: this.ids.push({ point, replication }) - 1, job }
  }

  take(id: number, result: RunResult): void {
    const { point, replication } = this.ids[id] as { point: number; replication: number }
    const progress = this.progress[point] as Progress
    if (progress.merged !== undefined) return
    progress.results[replication] = result
    const { plan, merge } = this.options
    while (progress.merged === undefined && progress.results[progress.whole] !== undefined) {
      progress.whole++
      const whole = progress.results.slice(0, progress.whole) as RunResult[]
      if (whole.length < plan.most && (whole.length < plan.fewest || !plan.enough(whole))) continue
      progress.merged = merge(whole, point)
      progress.results.length = 0
    }
  }
}

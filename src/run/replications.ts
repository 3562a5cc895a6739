/**
 * Replications of one or several simulations: independent runs whose results are merged into one for each. Which run gives
 * which result, and when there are enough, depends on nothing but seeds and order, so that threads change nothing.
 */
import type { Setting } from '../lib/document/settings.js'
import { randomStream } from '../lib/random.js'
import type { RunResult } from '../result/run-result.js'
import type { SimulationJob } from './simulation-job.js'
import type { Work } from './simulation-pool.js'

/** Of the replication with this index: the first has the seed itself, so that a single run is the first of many. */
export const replicationSeed = (seed: number, index: number): number =>
  index === 0 ? seed : Math.floor(randomStream(seed, `replication/${index}`).uniform() * Number.MAX_SAFE_INTEGER)

/** How many replications there are of each simulation. */
export interface ReplicationPlan {
  /** At least 1. */
  readonly first: number
  readonly most: number
  /** How many to add to those merged in `result` before asking again; 0: they are enough. */
  readonly further: (result: RunResult) => number
}

export const fixedReplications = (count: number): ReplicationPlan => ({
  first: count,
  most: count,
  further: () => 0,
})

/** One simulation, and what is set for it. */
export interface Point {
  readonly settings: readonly Setting[]
  readonly seed: number
}

interface Progress {
  readonly results: RunResult[]
  started: number
  ended: number
  /** How many there are to be, for now. */
  wanted: number
  /** The merged result, once there are enough. */
  merged: RunResult | undefined
}

export interface ReplicationOptions {
  readonly points: readonly Point[]
  readonly plan: ReplicationPlan
  /** The one result that stands for all replications of a point (by its index), in their order. */
  readonly merge: (results: readonly RunResult[], point: number) => RunResult
  /** Keep the series and the events of each point's first replication. */
  readonly keepSeries: boolean
}

export class Replications implements Work {
  private readonly progress: readonly Progress[]
  /** Point and replication of each id. */
  private readonly ids: { readonly point: number; readonly replication: number }[] = []

  constructor(private readonly options: ReplicationOptions) {
    this.progress = options.points.map(() => ({
      results: [],
      started: 0,
      ended: 0,
      wanted: options.plan.first,
      merged: undefined,
    }))
  }

  get done(): boolean {
    return this.progress.every(({ merged }) => merged !== undefined)
  }

  /** Of the points, in their order; call it when the work is done. */
  get merged(): readonly RunResult[] {
    return this.progress.flatMap(({ merged }) => merged ?? [])
  }

  /** Of the point of which fewest replications have begun; the first of several. */
  next(): { readonly id: number; readonly job: SimulationJob } | undefined {
    const { points, keepSeries } = this.options
    let point = -1
    for (const [i, { started, wanted }] of this.progress.entries()) {
      if (started >= wanted) continue
      if (point < 0 || started < (this.progress[point] as Progress).started) point = i
    }
    const chosen = points[point]
    const progress = this.progress[point]
    if (chosen === undefined || progress === undefined) return undefined
    const replication = progress.started++
    const job = {
      settings: chosen.settings,
      seed: replicationSeed(chosen.seed, replication),
      keepSeries: keepSeries && replication === 0,
    }
    return { id: this.ids.push({ point, replication }) - 1, job }
  }

  take(id: number, result: RunResult): void {
    const { point, replication } = this.ids[id] as { point: number; replication: number }
    const progress = this.progress[point] as Progress
    progress.results[replication] = result
    progress.ended++
    // Only when all that were wanted are there is anything decided: so the order in which they come cannot matter.
    if (progress.ended < progress.wanted) return
    const { plan, merge } = this.options
    const merged = merge(progress.results, point)
    const further = plan.further(merged)
    progress.wanted += further
    if (further > 0) return
    progress.merged = merged
    progress.results.length = 0
  }
}

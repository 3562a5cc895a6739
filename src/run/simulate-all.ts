/** Simulations with their replications, on as many threads as there are and of use. */
import { withObjectives } from '../experiment/verdict.js'
import type { RunResult } from '../result/run-result.js'
import { withPrecision } from '../result/statistics/precision.js'
import { mergeReplications } from '../result/statistics/replications.js'
import { type Point, type ReplicationPlan, Replications } from './replications.js'
import { playAll } from './simulation-pool.js'
import { parseSource, type SimulationSource } from './source.js'

export interface SimulateAllOptions {
  readonly source: SimulationSource
  readonly points: readonly Point[]
  readonly plan: ReplicationPlan
  readonly threads: number
  readonly signal: AbortSignal
  /** Monotonic seconds. */
  readonly now: () => number
  /** Simulations that are over, and those under way as shares. */
  readonly onProgress: (played: number) => void
}

/** The merged results of the points, in their order; undefined: interrupted. Rejects with what a simulation threw. */
export const simulateAll = async (options: SimulateAllOptions): Promise<readonly RunResult[] | undefined> => {
  const { source, points, plan, threads, signal, now, onProgress } = options
  const merge = (results: readonly RunResult[], point: number): RunResult => {
    const merged = mergeReplications(results)
    const precise = plan.precision === undefined ? merged : withPrecision(merged, plan.precision)
    return results.length === 1
      ? precise
      : withObjectives(precise, parseSource(source, points[point]?.settings ?? []).topology)
  }
  const replications = new Replications({ points, plan, merge, keepSeries: points.length === 1 })
  const shares = new Map<number, number>()
  let played = 0
  const whole = await playAll(
    {
      source,
      threads: Math.min(threads, points.length * plan.most),
      signal,
      now,
      onProgress: (id, share) => {
        played += share - (shares.get(id) ?? 0)
        shares.set(id, share)
        onProgress(played)
      },
    },
    replications,
  )
  return whole ? replications.merged : undefined
}

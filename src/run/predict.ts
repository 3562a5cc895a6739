/** A prediction that is wanted soon: one simulation in a thread of its own, given up when it takes too long. */
import { invalidInput } from '../lib/errors.js'
import type { Placement } from '../result/placement.js'
import type { RunResult } from '../result/run-result.js'
import { refuseUnsupported } from '../sim/des/unsupported.js'
import type { RunContext } from './context.js'
import { sourceOf } from './in-simulator.js'
import { Replications, replicationPlan } from './replications.js'
import { playInThreads } from './simulation-pool.js'

export interface PredictionOptions {
  readonly placement: Placement
  /** Longer than this it may not take. */
  readonly withinSeconds: number
  /** Monotonic seconds. */
  readonly now: () => number
  /** 0…1. */
  readonly onProgress: (share: number) => void
}

/**
 * Undefined: the run was interrupted. Throws a PlimsollError for what cannot be simulated, or not in time. What the thread
 * needed is free again when it settles.
 */
export const predict = async (
  context: RunContext,
  { placement, withinSeconds, now, onProgress }: PredictionOptions,
): Promise<RunResult | undefined> => {
  refuseUnsupported(context.topology, context.experiment)
  const work = new Replications({
    points: [{ settings: [], seed: context.seed }],
    plan: replicationPlan(1, undefined),
    merge: (results) => results[0] as RunResult,
    keepSeries: true,
  })
  const tooLong = AbortSignal.timeout(withinSeconds * 1000)
  const whole = await playInThreads(
    {
      source: sourceOf(context, placement),
      threads: 1,
      signal: AbortSignal.any([context.signal, tooLong]),
      now,
      onProgress: (_, share) => onProgress(share),
    },
    work,
  )
  if (whole) return work.merged[0]
  if (context.signal.aborted) return undefined
  throw invalidInput({ message: `its simulation takes more than ${withinSeconds} s` })
}

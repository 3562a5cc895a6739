/** The load generator as `run` sees it: started with a plan, it emits seconds and ends with totals. */
import type { Experiment } from '../experiment/types.js'
import type { FaultTrack } from '../result/faults.js'
import type { ClassSecond } from '../result/run-event.js'
import type { ClassResult, GeneratorResult } from '../result/run-result.js'
import type { Topology } from '../topology/types.js'

export interface LoadPlan {
  readonly topology: Topology
  readonly experiment: Experiment
  readonly seed: number
  /** Base URL by outermost component, from RunningSystem.entries. */
  readonly entries: Readonly<Record<string, string>>
  /** Hosts besides loopback that may be loaded (`--allow-target`). */
  readonly allowTargets?: readonly string[]
  /** Connections that may be open at once, over all entries; default 4096. */
  readonly maxConnections?: number
}

/** What the load generator saw in the second that ends at `at` (seconds since its start). */
export interface LoadSecond {
  readonly at: number
  readonly requests: Readonly<Record<string, ClassSecond>>
  readonly generator: { readonly lagMaxSeconds: number; readonly unsent: number; readonly cpu: number }
}

export interface LoadResult {
  readonly requests: Readonly<Record<string, ClassResult>>
  readonly generator: GeneratorResult
  readonly durationSeconds: number
  /** From the recorder, for `faultResults`. */
  readonly faults: FaultTrack
}

export interface RunningLoad {
  /**
   * Resolves when connections are warm and the load begins: the monotonic seconds of this process
   * (performance.now() / 1000) from which every `at` counts. Rejects as `done` does.
   */
  readonly started: Promise<number>
  onSecond(listener: (second: LoadSecond) => void): void
  /** Records the time and the requests in flight; called just before a fault is injected. Resolves with both. */
  mark(fault: number): Promise<{ readonly at: number; readonly inFlight: number }>
  /**
   * Called when a marked fault is in force. `inFlight` counts every request that was in flight at any time between the
   * mark and now: an injection takes milliseconds, and these are the requests that it can have struck.
   */
  markInForce(fault: number): Promise<{ readonly at: number; readonly inFlight: number }>
  /** Ends early; requests in flight are given `graceSeconds`. */
  stop(graceSeconds: number): Promise<void>
  readonly done: Promise<LoadResult>
}

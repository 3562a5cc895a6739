import type { Election } from '../policy/failover.js'
import type { StoreComponent } from '../topology/types.js'

/** What the simulator and the analytic solver assume of a technology when neither the topology nor calibration says. */
export interface FailoverDefaults {
  readonly election: Election
  readonly detectSeconds: number
  readonly promoteSeconds: number
}

export interface ModelDefaults {
  /** Mean CPU-seconds per visit (request, command or query), on top of what the steps declare. */
  readonly visitCpuSeconds: number
  /** From start to ready, when the topology declares no `startup:`. */
  readonly startupSeconds: number
  /** Event loops per instance that serve first come, first served; 0: its work runs in parallel. */
  readonly eventLoops: number
  /** What a graceful stop does to the calls in hand. */
  readonly onStop: 'drain' | 'reset'
  /** Of stores that replace a lost primary by themselves, by mode. */
  readonly failover?: Readonly<Partial<Record<StoreComponent['mode'], FailoverDefaults>>>
}

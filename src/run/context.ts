import type { Engine } from '../contract/engine.js'
import type { LedgerEntry } from '../contract/ledger.js'
import type { RuntimeName } from '../contract/running-system.js'
import type { Progress } from '../deploy/runtime/launch.js'
import type { Experiment } from '../experiment/types.js'
import type { Placement } from '../result/placement.js'
import type { RunEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import type { Topology } from '../topology/types.js'

/** One experiment on one topology, and what carrying it out may touch. */
export interface RunContext {
  readonly topology: Topology
  /** Absolute. */
  readonly topologyFile: string
  /** Text of the calibration beside it, for the run folder. */
  readonly calibrationText: string | undefined
  readonly experiment: Experiment
  /** Absolute. */
  readonly experimentFile: string
  readonly seed: number
  /** The ledger and, unless `runsFolder` says otherwise, the run folders go below it. */
  readonly cwd: string
  /** Where run folders go; undefined: `.plimsoll/runs`. */
  readonly runsFolder: string | undefined
  readonly packageFolder: string
  /** Undefined: that of the system that is up, else native processes. */
  readonly runtime: RuntimeName | undefined
  readonly engines: ReadonlyMap<string, Engine>
  readonly purpose: LedgerEntry['purpose']
  readonly signal: AbortSignal
  readonly onEvent: (event: RunEvent) => void
  readonly onLaunch: (progress: Progress) => void
  /** What the user should know and no event tells. */
  readonly onNote: (message: string) => void
  /**
   * What the simulator says of a run on a stack that is placed so, kept with the run; undefined: nothing. Waited for between the
   * launch and the load, so that it takes nothing from what is measured. Absent: nobody wants to know.
   */
  readonly predict?: (placement: Placement) => Promise<RunResult | undefined>
}

export interface Run {
  readonly result: RunResult
  /** Absolute path of its run folder. */
  readonly folder: string
}

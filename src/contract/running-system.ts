/** What launching a topology gives, whatever the runtime. */
import type { Fault } from '../experiment/types.js'
import type { Placement } from '../result/placement.js'
import type { InstanceState, RunEvent } from '../result/run-event.js'
import type { StepResult } from '../result/run-result.js'

export type RuntimeName = 'process' | 'compose' | 'kubernetes'

export interface InstanceStatus {
  /** `app/0` */
  readonly id: string
  readonly component: string
  readonly index: number
  readonly state: InstanceState
  /** `host:port`, one per process. */
  readonly addresses: readonly string[]
  /** Where the other instances reach it, if not there: the addresses in their logs. */
  readonly peerAddresses?: readonly string[]
  readonly pids: readonly number[]
  readonly restarts: number
  readonly startedAt: string
  readonly logFile: string
}

/** Cumulative counters since the start of the system; differences of two samples are what a second saw. */
export interface SystemSample {
  /** Monotonic seconds (performance.now() / 1000 of the sampler). */
  readonly at: number
  readonly instances: Readonly<Record<string, InstanceSample>>
  /** CPU-seconds used on each host by everything, ours and foreign; and cores' worth of time that passed. */
  readonly hosts: Readonly<Record<string, { readonly busySeconds: number; readonly capacitySeconds: number }>>
  /** CPU-seconds of the process that supervises the system; absent: it does not run on these hosts. */
  readonly supervisor?: ProcessCpu
  /** Of the daemons that carry the system's containers; absent: there are none. */
  readonly daemons?: readonly ProcessCpu[]
}

/** CPU-seconds that a process has used so far, all of its threads. */
export interface ProcessCpu {
  readonly pid: number
  readonly cpuSeconds: number
}

export interface InstanceSample {
  /** All processes and threads of the instance, the dead ones included as far as the kernel tells. */
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** Requests, commands or queries served; undefined: the engine does not tell. */
  readonly visits?: number
  readonly inFlight?: number
  readonly pools?: Readonly<
    Record<string, { readonly inUse: number; readonly waiting: number; readonly timeouts: number }>
  >
  readonly hits?: number
  readonly misses?: number
  /** Workload service only: cumulative per step id. */
  readonly steps?: Readonly<Record<string, StepSample>>
}

/** As StepResult, but counters and histogram are cumulative. */
export type StepSample = Pick<StepResult, 'count' | 'errors' | 'cpuSeconds' | 'drawn' | 'histogram'>

export interface RunningSystem {
  readonly id: string
  readonly runtime: RuntimeName
  /** Of the topology that it was started from. */
  readonly topologyDigest: string
  readonly placement: Placement
  /** Base URL (`http://127.0.0.1:port`) at which requests enter, by the component that stands outermost. */
  readonly entries: Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, string>>
  status(): Promise<readonly InstanceStatus[]>
  sample(): Promise<SystemSample>
  /** Resolves when the fault is in force; `undo` takes it back (idempotent). Throws `notYet` for what it cannot do. */
  inject(fault: Fault): Promise<{ readonly undo: () => Promise<void> }>
  /** Instances going and coming, as the supervisor sees it. Returns an unsubscribe function. */
  onEvent(
    listener: (event: Extract<RunEvent, { type: 'instance' | 'detected' | 'recovered' | 'note' }>) => void,
  ): () => void
  /** Stops everything and undoes the ledger's entry. Idempotent. */
  down(): Promise<void>
}

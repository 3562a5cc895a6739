/**
 * One JSON document per run, the same from either engine. All times in seconds, all ratios 0…1. Whatever reads it never
 * asks which engine wrote it. `startedAt` and `versions` are the only fields that tell the time of day or the machine, and
 * a simulation leaves `startedAt` null: same seed, same bytes.
 */
import type { Placement } from './placement.js'
import type { SecondEvent } from './run-event.js'

export interface RunResult {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'RunResult'
  readonly engine: 'sim' | 'stack'
  readonly status: 'completed' | 'aborted' | 'interrupted' | 'failed'
  readonly seed: number
  readonly topology: { readonly name: string; readonly digest: string }
  readonly calibration: CalibrationMark | null
  readonly placement: Placement
  readonly experiment: { readonly name: string; readonly digest: string }
  /** ISO 8601 for a stack, null for a simulation. */
  readonly startedAt: string | null
  readonly durationSeconds: number
  readonly warmupSeconds: number
  readonly versions: Readonly<Record<string, string>>
  /** By class, and `all` (derived classes stay outside `all`). After warm-up. */
  readonly requests: Readonly<Record<string, ClassResult>>
  readonly components: Readonly<Record<string, ComponentResult>>
  readonly hosts: Readonly<Record<string, HostResult>>
  /** By `a -> b`. */
  readonly edges: Readonly<Record<string, { readonly count: number; readonly errors: number }>>
  readonly steps: Readonly<Record<string, StepResult>>
  readonly series: readonly SecondEvent[]
  /** Length of the intervals of `series`, of which the last may be shorter; absent: 1. */
  readonly seriesSeconds?: number
  /** Everything in the event stream that is not a `second`. */
  readonly events: readonly import('./run-event.js').RunEvent[]
  readonly faults: readonly FaultResult[]
  readonly generator: GeneratorResult
  readonly invariants: readonly Judgement[]
  readonly steadyState: readonly Judgement[]
  readonly slo: readonly Judgement[]
  /**
   * For simulations of more than one replication: counts are sums over them, estimates those of all, `series` and `events` those
   * of the first, times around faults medians.
   */
  readonly replications?: number
  /** Seconds that a fixed computation took before and after a run on a stack: how fast the machine was. */
  readonly probe?: { readonly beforeSeconds: number; readonly afterSeconds: number }
  /** How exact the estimates are: what their `halfWidth`s rest on. */
  readonly statistics?: Statistics
}

/** Which calibration the model had, and how fast the machine was then: seconds of the fixed computation (`probe`). */
export interface CalibrationMark {
  readonly digest: string
  readonly probeSeconds?: number
}

export interface Statistics {
  /** `none`: no half-widths, for the reason given in `why`. */
  readonly method: 'batch-means' | 'replications' | 'none'
  /** Batches or replications; 0 for `none`. */
  readonly count: number
  /** Of every `halfWidth`. */
  readonly confidence: number
  /** Found in the measured time, after the declared warm-up. Null: the run has no steady state, or is too short to tell. */
  readonly warmup: {
    readonly method: 'MSER-5'
    readonly seconds: number
    /** False: no steady state is in sight. Run longer. */
    readonly converged: boolean
  } | null
  /** Relative half-widths of mean and 95th percentile of the latency of `all`, the wider of both. */
  readonly precision?: { readonly wanted: number; readonly reached: number | null }
  readonly why?: string
}

/** 95 % confidence half-widths by the path of the estimate, e.g. `latency.mean`. */
export type HalfWidths = Readonly<Record<string, number>>

export interface HostResult {
  readonly utilization: { readonly cpu: number }
  /** Of that, what plimsoll itself used to supervise and watch (not the load generator); absent: not measured. */
  readonly toolCpu?: number
  readonly halfWidth?: HalfWidths
}

export type Verdict = 'pass' | 'fail' | 'invalid'

/** `invalid`: the generator or the host was the limit, so nothing can be said of the stack. */
export interface Judgement {
  readonly name: string
  readonly verdict: Verdict
  readonly observed: number | null
  readonly bound: number | null
  readonly why?: string
}

export interface Latency {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface ClassResult {
  readonly offered: number
  /** ok + Σ errors. */
  readonly completed: number
  readonly ok: number
  /** ⊂ ok. */
  readonly degraded: number
  /** ⊂ errors: it may have taken effect. */
  readonly unknown: number
  readonly attempts: number
  /** By code: an HTTP status, or `timeout`, `refused`, `reset`, `closed`, … */
  readonly errors: Readonly<Record<string, number>>
  /** Successes by what the (outermost) lookup found. */
  readonly outcomes: Readonly<Record<'hit' | 'miss', { readonly count: number; readonly latency: Latency | null }>>
  /** Successes per second. */
  readonly ratePerSecond: number
  /** Of successes, from the intended start: free of coordinated omission. Null: none succeeded. */
  readonly latency: Latency | null
  /** Of successes, from the actual send. */
  readonly serviceLatency: Latency | null
  /** HdrHistogram V2 of `latency`, base64, in microseconds. */
  readonly histogram: string
  /** Of requests whose work goes on behind a queue: from the intended start until it is done and acknowledged. Null: none was. */
  readonly completion?: Latency | null
  /** Of messages: from publishing until a worker has them, for the first time. */
  readonly queueDelay?: Latency | null
  /** As `histogram`. */
  readonly completionHistogram?: string
  readonly queueDelayHistogram?: string
  readonly halfWidth?: HalfWidths
}

export interface ComponentResult {
  readonly replicas: number
  /** cpu: of the cores that it may use (its event loops, its quota, else its host). */
  readonly utilization: { readonly cpu: number; readonly memory: number | null }
  /** CPU-seconds used in the measured time: what calibration's utilization law reads. */
  readonly cpuSeconds: number
  readonly memoryBytes: number | null
  readonly queue: { readonly mean: number; readonly max: number }
  readonly pools: Readonly<
    Record<string, { readonly inUse: number; readonly waiting: number; readonly timeouts: number }>
  >
  /** Of brokers, by queue or topic. */
  readonly queues?: Readonly<Record<string, QueueResult>>
  /** Of a cache that keeps locks, by the data set that they are about (a lock without one: by its step). */
  readonly locks?: Readonly<Record<string, LockResult>>
  /** Of a store that keeps counters: `product.stock`. */
  readonly counters?: Readonly<Record<string, CounterResult>>
  readonly hitRatio: number | null
  /** Visits. */
  readonly throughputPerSecond: number
  readonly instances: readonly {
    readonly id: string
    readonly cpuSeconds: number
    readonly visits: number
    readonly restarts: number
  }[]
  readonly halfWidth?: HalfWidths
}

/**
 * Messages of one queue or topic in the measured time. Those that came (`published` and `received`) were acknowledged, or expired, or were
 * dropped, given back for good, delivered in vain too often, or wiped with the broker's memory, or are still there; of those that met such a
 * fate some went on as dead letters, the others are `lost`.
 */
export interface QueueResult {
  /** Messages that wait; of a topic the lag of the group that is furthest behind. */
  readonly length: { readonly mean: number; readonly max: number }
  readonly published: number
  /** Refused because it was full; not among `published`. */
  readonly rejected: number
  /** Publishers that had to wait. */
  readonly blocked: number
  readonly delivered: number
  /** Among `delivered`: not for the first time. */
  readonly redelivered: number
  readonly acked: number
  readonly expired: number
  /** Pushed out of a full queue. */
  readonly dropped: number
  readonly nacked: number
  readonly exhausted: number
  readonly wiped: number
  /** Dead letters that came from another queue. */
  readonly received: number
  readonly deadLettered: number
  readonly lost: number
}

/** Locks of all keys together, in the measured time. */
export interface LockResult {
  readonly acquired: number
  /** Of these, after a wait. */
  readonly waited: number
  /** Of all that were acquired; who found it free waited 0 s. */
  readonly wait: { readonly mean: number; readonly max: number }
  readonly held: { readonly mean: number }
  /** Who waited and went without it. */
  readonly gaveUp: number
  /** Its ttl was over before its holder was done. */
  readonly expired: number
  /** A holder entered while an earlier one, unfenced, still worked. */
  readonly overlaps: number
  /** Writes refused because a later holder had written. */
  readonly fencedOff: number
}

/** A counter of all keys together, in the measured time: changes that became final, and what was refused. */
export interface CounterResult {
  readonly reserved: number
  readonly released: number
  readonly soldOut: number
  /** Overtaken by another change. */
  readonly conflicts: number
  /** Granted beyond the initial value. */
  readonly oversold: number
  /** Row locks that were waited for, and how long all of them were. */
  readonly waited: number
  readonly wait: { readonly mean: number; readonly max: number }
}

export interface StepResult {
  readonly count: number
  readonly errors: number
  /** CPU burnt for this step on the component where it burns. */
  readonly cpuSeconds: number
  /** What our service drew from the declared times: calibration compares what it cost with what was meant to be spent. */
  readonly drawn?: { readonly cpuSeconds: number; readonly waitSeconds: number }
  readonly latency: Latency | null
  /** HdrHistogram V2 of the step's latency, base64, in microseconds. */
  readonly histogram: string
  readonly halfWidth?: HalfWidths
}

/** Times in seconds since the start of the run; null: it did not happen. */
export interface FaultResult {
  readonly kind: string
  readonly target: string
  readonly injectedAt: number | null
  readonly undoneAt: number | null
  /** Requests that the load generator had in flight when the fault struck. */
  readonly inFlightAtInjection: number
  /** When something that sends requests on noticed (a balancer's first failure against the target, a health check). */
  readonly detectedAt: number | null
  /** Completion of the first success that was sent after the injection. */
  readonly firstSuccessAt: number | null
  /** Start of the first full second from which on at least 95 % of what was offered succeeded and no request failed. */
  readonly sloRegainedAt: number | null
  readonly backlogDrainedAt: number | null
  /** Failures of requests that were in flight at, or started after, the injection, until `sloRegainedAt`. */
  readonly failedRequests: number
  readonly detectionSeconds: number | null
  /** From injection to `sloRegainedAt`. */
  readonly recoverySeconds: number | null
  /** Longest time between two successes after the injection. */
  readonly outageSeconds: number | null
  readonly halfWidth?: HalfWidths
}

export interface GeneratorResult {
  /** How late requests were sent. */
  readonly lag: { readonly mean?: number; readonly p50: number; readonly p99: number; readonly max: number }
  /** Requests that were due and never sent. */
  readonly unsent: number
  /** Cores used. */
  readonly cpu: number
  readonly cpuSeconds: number
  /** Share of the measured time that its event loop was busy: from about 0.8 on it is the limit. */
  readonly busy: number
}

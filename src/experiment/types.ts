/** An experiment: load, faults and what must hold. The same one runs in the simulator and on the stack. */

import type { Position } from '../lib/errors.js'
import type { Placement } from '../result/placement.js'
import type { InvariantName } from './invariants.js'
import type { RecordedClasses } from './trace.js'

export interface Experiment {
  readonly name: string
  /** Path of the topology as written, relative to the experiment's file. */
  readonly topology: string
  readonly seed: number
  readonly load: Load
  readonly steadyState: readonly Expectation[]
  readonly faults: readonly Fault[]
  readonly abort: { readonly when: Condition; readonly forSeconds: number } | undefined
  readonly invariants: readonly InvariantName[]
  readonly placement: PlacementRequest | undefined
  /** Results count from here; earlier requests warm up. Default 0. */
  readonly warmupSeconds: number
  readonly digest: string
  readonly source: {
    readonly file: string
    readonly text: string
    readonly locate: (path: readonly (string | number)[]) => Position
  }
}

export interface Load {
  readonly mode: 'open' | 'closed'
  readonly arrivals: Arrivals
  /** Shares by request class, summing to 1; undefined: the topology's. */
  readonly mix: Readonly<Record<string, number>> | undefined
  /** In order, without gaps. `level` is a rate per second (open) or a number of users (closed). */
  readonly stages: readonly Stage[]
  /** Closed only; undefined: the topology's traffic.thinkTime. */
  readonly thinkTime: import('../lib/distribution.js').Distribution | undefined
}

export type Arrivals =
  | { readonly kind: 'poisson' }
  | { readonly kind: 'constant' }
  | {
      /** Bursts in which the rate is `factor` times the stage's; between them it is lower, so that the mean is the stage's. */
      readonly kind: 'bursty'
      readonly factor: number
      /** Mean lengths of bursts and of the pauses between them, both exponential. */
      readonly onSeconds: number
      readonly offSeconds: number
    }
  | {
      /** Recorded arrivals; the stages are then the trace's mean rate for its whole length. */
      readonly kind: 'trace'
      readonly file: string
      /** Seconds since the start, ascending. */
      readonly times: ArrayLike<number>
      /** Of each arrival, where the file tells it; else the mix decides. */
      readonly classes?: RecordedClasses
    }

export interface Stage {
  /** At its beginning and its end; a straight line between the two unless there is a wave. */
  readonly fromLevel: number
  readonly toLevel: number
  readonly durationSeconds: number
  readonly wave?: Wave
}

/** The course of a day: level(t) = mean + amplitude·cos(2π(t − peak)/period), t in seconds from the beginning of the stage. */
export interface Wave {
  readonly mean: number
  /** At most the mean. */
  readonly amplitude: number
  readonly periodSeconds: number
  readonly peakSeconds: number
}

/** `(all|class|component).path op literal` */
export interface Condition {
  readonly text: string
  /** `all`, a request class or a component. */
  readonly subject: string
  /** e.g. ['latency', 'p95'], ['errors'], ['utilization', 'cpu']. */
  readonly path: readonly string[]
  readonly op: '<' | '<=' | '>' | '>='
  /** Seconds, a ratio, a rate per second or a count. */
  readonly bound: number
}

export interface Expectation extends Condition {
  readonly windowSeconds: number
  /** It may fail to hold for this long in all. */
  readonly tolerateSeconds: number
}

export const faultKinds = [
  'kill',
  'stop',
  'restart',
  'pause',
  'latency',
  'jitter',
  'loss',
  'partition',
  'bandwidth',
  'reset',
  'cpu',
  'memory',
  'disk-full',
  'slow-disk',
  'flush',
  'exhaust-connections',
  'poison',
  'expire',
  'traffic-spike',
  'dependency-error',
  'lose-host',
  'lose-zone',
] as const

export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  readonly kind: FaultKind
  readonly atSeconds: number
  readonly target: FaultTarget
  /** Undone after this long; undefined: it lasts (for kill and stop: until the restart, if any). */
  readonly forSeconds: number | undefined
  /** Overrides the component's own `restart`; undefined: the component's holds. */
  readonly restartAfterSeconds: number | undefined
  /** What else the kind takes, in seconds, bytes and ratios: add, jitter, rate, share, factor, … */
  readonly parameters: Readonly<Record<string, number | string>>
  readonly position: Position
}

export type FaultTarget =
  | { readonly kind: 'component'; readonly component: string }
  | { readonly kind: 'instance'; readonly component: string; readonly index: number }
  | { readonly kind: 'edge'; readonly from: string; readonly to: string }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'zone'; readonly zone: string }
  | { readonly kind: 'request'; readonly request: string }
  | { readonly kind: 'all' }

export interface PlacementRequest {
  readonly hosts: Placement['hosts']
  /** Everything on this host. */
  readonly all: string | undefined
  readonly components: Readonly<Record<string, string>>
  readonly pin: Readonly<Record<string, readonly number[]>>
}

/**
 * The stream that both engines write, in order of `at` (seconds since the start of the run). One JSON document a line
 * in `events.jsonl`; a reader ignores types that it does not know.
 */
import type { Placement } from './placement.js'

export type RunEvent =
  | {
      readonly type: 'started'
      readonly at: number
      readonly engine: 'sim' | 'stack'
      readonly topology: string
      readonly experiment: string
      readonly seed: number
      readonly durationSeconds: number
      readonly placement: Placement
    }
  | { readonly type: 'phase'; readonly at: number; readonly phase: 'warm-up' | 'measure' | 'drain' }
  | SecondEvent
  | {
      readonly type: 'fault'
      readonly at: number
      /** Index into `Experiment.faults`. */
      readonly fault: number
      readonly phase: 'injected' | 'undone' | 'failed'
      readonly kind: string
      readonly target: string
      readonly inFlight: number
      readonly message?: string
    }
  | {
      /** Something noticed that an instance is gone, or back: `by` is a component, the supervisor or a health check. */
      readonly type: 'detected' | 'recovered'
      readonly at: number
      readonly instance: string
      readonly by: string
    }
  | { readonly type: 'instance'; readonly at: number; readonly instance: string; readonly state: InstanceState }
  | {
      readonly type: 'scaled'
      readonly at: number
      readonly component: string
      readonly from: number
      readonly to: number
      readonly reason: string
    }
  | { readonly type: 'aborted'; readonly at: number; readonly reason: string }
  | { readonly type: 'note'; readonly at: number; readonly message: string }
  | { readonly type: 'ended'; readonly at: number; readonly status: 'completed' | 'aborted' | 'interrupted' | 'failed' }

export type InstanceState = 'starting' | 'ready' | 'stopped' | 'crashed' | 'paused'

/** What happened in the second (in long simulations: the interval) that ends at `at`. */
export interface SecondEvent {
  readonly type: 'second'
  readonly at: number
  /** Length of the interval; absent: 1. */
  readonly seconds?: number
  readonly requests: Readonly<Record<string, ClassSecond>>
  readonly components: Readonly<Record<string, ComponentSecond>>
  readonly hosts: Readonly<Record<string, { readonly cpu: number }>>
  readonly generator: { readonly lagMaxSeconds: number; readonly unsent: number; readonly cpu: number }
}

/** What an event tells of began then. */
export const beganAt = (event: SecondEvent): number => event.at - (event.seconds ?? 1)

/** Length of several intervals in all. */
export const secondsIn = (events: readonly SecondEvent[]): number =>
  events.reduce((sum, { seconds = 1 }) => sum + seconds, 0)

/** Counts of one class in one second. `offered` by intended start, the others by completion. */
export interface ClassSecond {
  readonly offered: number
  readonly completed: number
  readonly ok: number
  readonly degraded: number
  readonly errors: Readonly<Record<string, number>>
  readonly inFlight: number
  /** Of successes, from the intended start: HdrHistogram V2, base64, in microseconds. */
  readonly histogram: string
}

export interface QueueSecond {
  readonly length: number
  readonly published: number
  readonly rejected: number
  readonly acked: number
  readonly lost: number
}

export interface ComponentSecond {
  /** Mean share of its CPU used, 0…1 (of the cores that it may use). */
  readonly cpu: number
  readonly memoryBytes?: number
  readonly queue: number
  readonly ready: number
  /** `timeouts`: requests that gave up waiting for a connection in that time. */
  readonly pools?: Readonly<
    Record<string, { readonly inUse: number; readonly waiting: number; readonly timeouts?: number }>
  >
  /** Of brokers: mean of the messages that waited, and what was counted in that time. */
  readonly queues?: Readonly<Record<string, QueueSecond>>
  readonly hitRatio?: number
}

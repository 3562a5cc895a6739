/**
 * Counts and times requests, for the simulator and the load generator alike, so that both results mean the same.
 * Hot: called once or twice per request; no allocation per call except for a code that was not seen before.
 */
import type { ClassSecond } from './run-event.js'
import type { ClassResult } from './run-result.js'

export type Outcome = 0 | 1 | 2 // 0: no lookup, 1: hit, 2: miss

export interface RequestRecorder {
  /** A request was due at `intendedAt`. Classes are indices into the list that the recorder was made with. */
  offered(cls: number, intendedAt: number): void
  /** An attempt of it is being sent (a client's retry is a further attempt). */
  attempt(cls: number): void
  success(
    cls: number,
    intendedAt: number,
    sentAt: number,
    completedAt: number,
    outcome: Outcome,
    degraded: boolean,
  ): void
  /** `unknown`: it may have taken effect (a timeout, a connection lost after sending). */
  failure(cls: number, intendedAt: number, sentAt: number, completedAt: number, code: string, unknown: boolean): void
  /** What happened since the last call; call at each full second. */
  second(): Readonly<Record<string, ClassSecond>>
  /** Requests offered and not completed. */
  readonly inFlight: number
  result(): Readonly<Record<string, ClassResult>>
}

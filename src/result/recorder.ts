/**
 * Counts and times requests, for the simulator and the load generator alike, so that both results mean the same.
 * Hot: called two to four times per request; no allocation per call except for a code that was not seen before.
 *
 * A request belongs to the measured part if its intended start lies in [warm-up, duration). `result()` holds exactly those,
 * whenever they complete; `second()` and the fault marks hold all.
 */
import { allOf, Counts, classResult, classSecond, Measured, refusalCode } from './counts.js'
import { type FaultTrack, faultTracker } from './faults.js'
import type { ClassSecond } from './run-event.js'
import type { ClassResult } from './run-result.js'

export type Outcome = 0 | 1 | 2 // 0: no lookup, 1: hit, 2: miss

export interface RecorderOptions {
  /** Request classes in the order of their indices. Derived ones stand outside `all`. */
  readonly classes: readonly { readonly id: string; readonly derived: boolean }[]
  readonly warmupSeconds: number
  readonly durationSeconds: number
}

export interface RequestRecorder {
  /** A request is due at `intendedAt`; call it when it is due, also if it can be sent only later. */
  offered(cls: number, intendedAt: number): void
  /** An attempt of it is being sent (a client's retry is a further attempt). */
  attempt(cls: number, intendedAt: number): void
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
  /** What happened since the last call, by class and `all`; call at each full second. */
  second(): Readonly<Record<string, ClassSecond>>
  /** Requests offered and not completed. */
  readonly inFlight: number
  /** A fault is about to strike; returns the requests in flight. Marks come in order of time. */
  mark(fault: number, at: number): number
  /**
   * The marked fault is in force; needed where an injection takes time. Returns the requests that were in flight at any time
   * since the mark: those that the fault can have struck.
   */
  markInForce(fault: number, at: number): number
  /** By class and `all`. A run that ended early is measured until `endedAt`. */
  result(endedAt?: number): Readonly<Record<string, ClassResult>>
  /** What the requests showed around the marks. */
  faults(endedAt: number): FaultTrack
}

interface Track {
  readonly id: string
  readonly derived: boolean
  readonly total: Measured
  readonly second: Counts
  inFlight: number
}

export const requestRecorder = (options: RecorderOptions): RequestRecorder => {
  const { warmupSeconds, durationSeconds } = options
  const tracks = options.classes.map(
    ({ id, derived }): Track => ({ id, derived, total: new Measured(), second: new Counts(), inFlight: 0 }),
  )
  const ofAll = tracks.filter((track) => !track.derived)
  /** The class that is all there is: its second need not be added up again. */
  const onlyOne = ofAll.length === 1 ? ofAll[0] : undefined
  const allSecond = new Counts()
  const tracker = faultTracker()
  let inFlight = 0
  const measured = (intendedAt: number): boolean => intendedAt >= warmupSeconds && intendedAt < durationSeconds
  const at = (cls: number): Track => tracks[cls] as Track

  const secondOfAll = (): ClassSecond => {
    allSecond.reset()
    let allInFlight = 0
    for (const track of ofAll) {
      allSecond.add(track.second)
      allInFlight += track.inFlight
    }
    return classSecond(allSecond, allInFlight)
  }

  return {
    get inFlight() {
      return inFlight
    },
    offered: (cls, intendedAt) => {
      const track = at(cls)
      track.inFlight++
      inFlight++
      track.second.offered++
      if (measured(intendedAt)) track.total.offered++
      tracker.offered(intendedAt)
    },
    attempt: (cls, intendedAt) => {
      if (measured(intendedAt)) at(cls).total.attempts++
    },
    success: (cls, intendedAt, sentAt, completedAt, outcome, degraded) => {
      const track = at(cls)
      track.inFlight--
      inFlight--
      const latency = completedAt - intendedAt
      track.second.ok++
      if (degraded) track.second.degraded++
      track.second.latency.record(latency)
      if (measured(intendedAt)) {
        const { total } = track
        total.ok++
        if (degraded) total.degraded++
        total.latency.record(latency)
        total.service.record(completedAt - sentAt)
        if (outcome === 1) total.hit.record(latency)
        else if (outcome === 2) total.miss.record(latency)
      }
      tracker.success(intendedAt, sentAt, completedAt)
    },
    failure: (cls, intendedAt, sentAt, completedAt, code, unknown) => {
      const track = at(cls)
      track.inFlight--
      inFlight--
      track.second.fail(code, unknown)
      if (measured(intendedAt)) track.total.fail(code, unknown)
      if (code === refusalCode) tracker.success(intendedAt, sentAt, completedAt)
      else tracker.failure(intendedAt, completedAt)
    },
    second: () => {
      const seconds: Record<string, ClassSecond> = {}
      seconds.all = onlyOne === undefined ? secondOfAll() : classSecond(onlyOne.second, onlyOne.inFlight)
      for (const track of tracks) {
        seconds[track.id] = track === onlyOne ? seconds.all : classSecond(track.second, track.inFlight)
        track.second.reset()
      }
      return seconds
    },
    mark: (fault, markAt) => {
      tracker.mark(fault, markAt, inFlight)
      return inFlight
    },
    markInForce: (fault, forceAt) => tracker.inForce(fault, forceAt),
    result: (endedAt = durationSeconds) => {
      const seconds = Math.max(0, Math.min(endedAt, durationSeconds) - warmupSeconds)
      const all = allOf(ofAll.map(({ total }) => total))
      return Object.fromEntries([
        ['all', classResult(all, seconds)],
        ...tracks.map((track) => [track.id, classResult(track.total, seconds)] as const),
      ])
    },
    faults: (endedAt) => tracker.track(endedAt),
  }
}

/**
 * Fault timing, the same for the simulator and the load generator: `faultTracker` watches requests as they complete
 * (hot: no allocation), `faultResults` is pure and turns what it saw into `FaultResult`s.
 */
import type { RunEvent } from './run-event.js'
import type { FaultResult } from './run-result.js'

/** What the requests showed around a fault, exact in time rather than per second. Ends at the next mark. */
export interface FaultMark {
  readonly fault: number
  /** When the fault was in force. */
  readonly at: number
  /** Requests that the fault can have struck: offered before it was in force, and not completed before its injection began. */
  readonly inFlight: number
  readonly firstFailureAt: number | null
  readonly lastFailureAt: number | null
  /** Completion of the first success that was sent after the mark. */
  readonly firstSuccessAt: number | null
  readonly failedRequests: number
  /** Longest time without a success after the mark; it begins at the mark and ends with the run at the latest. */
  readonly longestGapSeconds: number
}

/** Requests whose intended start lies in second `i`, by what became of them. */
export interface Cohorts {
  readonly offered: readonly number[]
  readonly ok: readonly number[]
  readonly failed: readonly number[]
}

export interface FaultTrack {
  readonly marks: readonly FaultMark[]
  readonly cohorts: Cohorts
  /** Requests in flight at the end of second `i`. */
  readonly inFlight: readonly number[]
}

export interface FaultTracker {
  offered(intendedAt: number): void
  success(intendedAt: number, sentAt: number, completedAt: number): void
  failure(intendedAt: number, completedAt: number): void
  /** A fault is about to strike. Marks come in order of time. */
  mark(fault: number, at: number, inFlight: number): void
  /**
   * The marked fault is in force from now on. What was sent before counts as in flight, for the injection can have struck
   * it: returns the requests that were in flight at any time since the mark.
   */
  inForce(fault: number, at: number): number
  track(endedAt: number): FaultTrack
}

type Open = { -readonly [K in keyof FaultMark]: FaultMark[K] } & { lastSuccessAt: number; offeredSince: number }

export const faultTracker = (): FaultTracker => {
  const marks: Open[] = []
  let current: Open | undefined
  let offered = new Float64Array(64)
  let ok = new Float64Array(64)
  let failed = new Float64Array(64)
  let seconds = 0
  let inFlight = 0
  let inFlightAtEnd = new Float64Array(64)
  /** Seconds whose end has passed. */
  let ended = 0

  /** It is `at`: whatever ended before ended with what is in flight now. */
  const pass = (at: number): void => {
    while (at >= ended + 1) {
      if (ended >= inFlightAtEnd.length) inFlightAtEnd = grown(inFlightAtEnd, ended)
      inFlightAtEnd[ended++] = inFlight
    }
  }
  const cohort = (intendedAt: number): number => {
    const second = intendedAt > 0 ? intendedAt | 0 : 0
    if (second >= offered.length) {
      offered = grown(offered, second)
      ok = grown(ok, second)
      failed = grown(failed, second)
    }
    if (second >= seconds) seconds = second + 1
    return second
  }
  const gap = (mark: Open, until: number): void => {
    mark.longestGapSeconds = Math.max(mark.longestGapSeconds, until - mark.lastSuccessAt)
  }

  return {
    offered: (intendedAt) => {
      pass(intendedAt)
      inFlight++
      increment(offered, cohort(intendedAt))
      if (current !== undefined) current.offeredSince++
    },
    success: (intendedAt, sentAt, completedAt) => {
      pass(completedAt)
      inFlight--
      increment(ok, cohort(intendedAt))
      if (current === undefined || completedAt < current.at) return
      gap(current, completedAt)
      current.lastSuccessAt = Math.max(current.lastSuccessAt, completedAt)
      if (current.firstSuccessAt === null && sentAt >= current.at) current.firstSuccessAt = completedAt
    },
    failure: (intendedAt, completedAt) => {
      pass(completedAt)
      inFlight--
      increment(failed, cohort(intendedAt))
      if (current === undefined || completedAt < current.at) return
      current.failedRequests++
      current.firstFailureAt ??= completedAt
      current.lastFailureAt = completedAt
    },
    mark: (fault, at, inFlight) => {
      if (current !== undefined) gap(current, at)
      current = {
        fault,
        at,
        inFlight,
        firstFailureAt: null,
        lastFailureAt: null,
        firstSuccessAt: null,
        failedRequests: 0,
        longestGapSeconds: 0,
        lastSuccessAt: at,
        offeredSince: 0,
      }
      marks.push(current)
    },
    inForce: (fault, at) => {
      if (current === undefined || current.fault !== fault) return 0
      current.inFlight += current.offeredSince
      current.offeredSince = 0
      current.at = at
      current.firstSuccessAt = null
      return current.inFlight
    },
    track: (endedAt) => {
      if (current !== undefined) gap(current, endedAt)
      pass(endedAt)
      return {
        marks: marks.map(({ lastSuccessAt: _, offeredSince: __, ...mark }) => mark),
        cohorts: {
          offered: [...offered.subarray(0, seconds)],
          ok: [...ok.subarray(0, seconds)],
          failed: [...failed.subarray(0, seconds)],
        },
        inFlight: [...inFlightAtEnd.subarray(0, ended)],
      }
    },
  }
}

const increment = (counts: Float64Array, index: number): void => {
  counts[index] = (counts[index] as number) + 1
}

const grown = (counts: Float64Array<ArrayBuffer>, index: number): Float64Array<ArrayBuffer> => {
  const larger = new Float64Array(2 * index)
  larger.set(counts)
  return larger
}

/** Of what was offered in a second, the share that must succeed for traffic to count as whole. */
const wholeShare = 0.95

/**
 * One result per injected (or failed to inject) fault, in order of the events.
 *
 * `sloRegainedAt`: start of the first full second after the injection from which on, until the next fault or the end of
 * the run, no request failed (by time of failure) and of the requests due in each second at least 95 % succeeded. Requests
 * are followed by the second in which they were due, not compared with a nominal rate: so neither the natural variation
 * of arrivals nor requests in flight across the boundary of a second disturb it. Null: not regained; a fault with less than
 * one full second after it cannot show that it was.
 *
 * `backlogDrainedAt`: end of the first second after the injection in which requests in flight were no more than in the
 * five seconds before it.
 */
export const faultResults = (input: {
  readonly events: readonly RunEvent[]
  readonly track: FaultTrack
  readonly endedAt: number
}): FaultResult[] => {
  const { events, track, endedAt } = input
  const faultEvents = events.filter((event) => event.type === 'fault')
  const starts = faultEvents.filter((event) => event.phase !== 'undone')
  return starts.map((start) => {
    const mark = track.marks.find((candidate) => candidate.fault === start.fault)
    const injectedAt = start.phase === 'injected' ? start.at : null
    const base = { kind: start.kind, target: start.target, injectedAt }
    if (injectedAt === null || mark === undefined) return { ...base, ...untimed(start.inFlight) }
    const until = Math.min(endedAt, ...track.marks.filter((other) => other.at > mark.at).map((other) => other.at))
    const undone = faultEvents.find((event) => event.fault === start.fault && event.phase === 'undone')
    const detected = events.find(
      (event) =>
        event.type === 'detected' &&
        event.at >= injectedAt &&
        event.at <= until &&
        concerns(start.target, event.instance),
    )
    const sloRegainedAt = regainedAt(mark, track.cohorts, until)
    return {
      ...base,
      undoneAt: undone?.at ?? null,
      inFlightAtInjection: mark.inFlight,
      detectedAt: detected?.at ?? null,
      firstSuccessAt: mark.firstSuccessAt,
      sloRegainedAt,
      backlogDrainedAt: drainedAt(mark, track.inFlight, until),
      failedRequests: mark.failedRequests,
      detectionSeconds: detected === undefined ? null : Math.max(0, detected.at - injectedAt),
      recoverySeconds: sloRegainedAt === null ? null : Math.max(0, sloRegainedAt - injectedAt),
      outageSeconds: mark.longestGapSeconds,
    }
  })
}

const untimed = (inFlight: number): Omit<FaultResult, 'kind' | 'target' | 'injectedAt'> => ({
  undoneAt: null,
  inFlightAtInjection: inFlight,
  detectedAt: null,
  firstSuccessAt: null,
  sloRegainedAt: null,
  backlogDrainedAt: null,
  failedRequests: 0,
  detectionSeconds: null,
  recoverySeconds: null,
  outageSeconds: null,
})

/**
 * Is `instance` (`app/0`, `app/0.1`) the target (`app`, `app/0`) or part of it? Of an edge it is who is called; of hosts and zones any is.
 */
const concerns = (target: string, instance: string): boolean => {
  const component = instance.slice(0, instance.indexOf('/'))
  const [, callee] = target.split(' -> ')
  if (callee !== undefined) return callee === component
  if (target.includes(':')) return true
  if (target.includes('/')) return instance === target || instance.startsWith(`${target}.`)
  return target === component
}

const regainedAt = (mark: FaultMark, cohorts: Cohorts, until: number): number | null => {
  const lastFull = Math.min(Math.floor(until), cohorts.offered.length) - 1
  // A failure at the boundary of two seconds belongs to the one that begins.
  const firstFull = Math.max(Math.ceil(mark.at), mark.lastFailureAt === null ? 0 : Math.floor(mark.lastFailureAt) + 1)
  let regained: number | null = null
  for (let second = lastFull; second >= firstFull; second--) {
    const offered = cohorts.offered[second] ?? 0
    if ((cohorts.failed[second] ?? 0) > 0 || (cohorts.ok[second] ?? 0) < wholeShare * offered) break
    regained = second
  }
  return regained
}

const drainedAt = (mark: FaultMark, inFlight: readonly number[], until: number): number | null => {
  // Second `i` ends at i + 1.
  const before = inFlight.slice(Math.max(0, Math.floor(mark.at) - 5), Math.floor(mark.at))
  const usual = Math.max(mark.inFlight, ...before)
  for (let second = Math.floor(mark.at); second + 1 <= until && second < inFlight.length; second++)
    if ((inFlight[second] ?? 0) <= usual) return second + 1
  return null
}

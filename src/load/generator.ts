/**
 * The load generator, in whichever thread it is made: opens connections, lets a driver start requests, records what
 * becomes of them, second by second and in all.
 */

import type { LoadResult, LoadSecond } from '../contract/load.js'
import { arrivalTimes, userChanges } from '../experiment/load.js'
import { randomStream } from '../lib/random.js'
import { requestRecorder } from '../result/recorder.js'
import type { Alarm } from './alarm.js'
import { arrivalsDriver, type Driver } from './arrivals-driver.js'
import { HttpClient } from './http-client.js'
import { Meter } from './meter.js'
import { requestSource } from './request-source.js'
import { Sender } from './sender.js'
import { Timeouts } from './timeouts.js'
import { Timetable } from './timetable.js'
import { usersDriver } from './users-driver.js'
import { warmUp } from './warm-up.js'
import type { WorkerPlan } from './worker-plan.js'

export interface Surroundings {
  /** Monotonic seconds. */
  readonly now: () => number
  /** Its times are those of `now`. */
  readonly makeAlarm: (ring: () => void) => Alarm
  /** CPU-seconds that the calling thread has used. */
  readonly threadCpuSeconds: () => number
  /** Time 0 of the load on `now`'s clock; it lies a little ahead. */
  readonly onStarted: (startsAt: number) => void
  readonly onSecond: (second: LoadSecond) => void
  /** Makes request ids unique among runs. */
  readonly requestIdPrefix: string
}

export interface Mark {
  readonly at: number
  readonly inFlight: number
}

export interface Generator {
  readonly done: Promise<LoadResult>
  mark(fault: number): Mark
  markInForce(fault: number): Mark
  /** Ends early; requests in flight are given `graceSeconds`. */
  stop(graceSeconds: number): void
}

/** Between the last preparation and time 0. */
const startDelaySeconds = 0.02

/** Requests in flight at the end are waited for this long if they have no timeout, and never longer than the limit. */
const drainSeconds = { withoutTimeout: 10, limit: 60 } as const

/** Resolves with `promise`, or after `seconds`, whichever is first; leaves no timer behind. */
const within = async (promise: Promise<void>, seconds: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000)
  })
  await Promise.race([promise, late])
  clearTimeout(timer)
}

/** The longest that a request can take with all of its retries, bounded. */
const drainLimit = (plan: WorkerPlan): number =>
  plan.classes.reduce((longest, { timeoutSeconds, retry }) => {
    const attempts = retry?.attempts ?? 1
    const waits = retry === undefined ? 0 : (retry.maxBackoffSeconds ?? retry.backoffSeconds * 2 ** attempts) * attempts
    return Math.min(
      drainSeconds.limit,
      Math.max(longest, (timeoutSeconds ?? drainSeconds.withoutTimeout) * attempts + waits + 0.5),
    )
  }, 0)

export const startGenerator = (plan: WorkerPlan, surroundings: Surroundings): Generator => {
  const { warmupSeconds, durationSeconds } = plan
  let startsAt = Number.POSITIVE_INFINITY
  const now = (): number => surroundings.now() - startsAt
  const timetable = new Timetable(now, (ring) => {
    const alarm = surroundings.makeAlarm(ring)
    return { ...alarm, set: (at) => alarm.set(at + startsAt) }
  })
  const timeouts = new Timeouts(surroundings.now)
  const perTarget = Math.max(1, Math.floor(plan.maxConnections / plan.targets.length))
  const clients = plan.targets.map((target) => new HttpClient(target, { maxConnections: perTarget, timeouts }))
  const meter = new Meter(() => ({
    cpuSeconds: surroundings.threadCpuSeconds() + timetable.alarmCpuSeconds,
    busySeconds: performance.eventLoopUtilization().active / 1000,
  }))
  const recorder = requestRecorder({
    classes: plan.classes.map(({ id }) => ({ id, derived: false })),
    warmupSeconds,
    durationSeconds,
  })
  const sender = new Sender({
    classes: plan.classes,
    clients,
    source: requestSource(plan, surroundings.requestIdPrefix),
    recorder,
    meter,
    timetable,
    now,
    random: randomStream(plan.seed, 'load/retry'),
  })
  const driver = ((): Driver => {
    if (plan.load.mode === 'open')
      return arrivalsDriver(arrivalTimes(plan.load, randomStream(plan.seed, 'load/arrivals')), sender, timetable)
    const random = randomStream(plan.seed, 'load/think')
    return usersDriver(userChanges(plan.load), () => random.sample(plan.thinkTime), durationSeconds, sender, timetable)
  })()

  /** Requests offered and in flight at each mark. */
  const marked = new Map<number, { readonly offered: number; inFlight: number }>()
  let reported = { at: 0, offered: 0, inFlight: 0 }
  const report = (at: number): void => {
    reported = { at, offered: sender.offered, inFlight: sender.inFlight }
    surroundings.onSecond({ at, requests: recorder.second(), generator: meter.second(at) })
  }
  const everySecond = (at: number): void => {
    report(at)
    timetable.schedule(at + 1, everySecond)
  }

  let end: (graceSeconds: number) => void = () => {}
  const ended = new Promise<number>((resolve) => {
    end = resolve
  })

  const run = async (): Promise<LoadResult> => {
    for (const [i, client] of clients.entries())
      await warmUp(client, plan.targets[i] as WorkerPlan['targets'][number], plan.warmConnections)
    await timetable.ready
    startsAt = surroundings.now() + startDelaySeconds
    surroundings.onStarted(startsAt)
    timetable.schedule(0, () => {
      meter.begin(0)
      timetable.schedule(1, everySecond)
      driver.start()
    })
    if (warmupSeconds > 0) timetable.schedule(warmupSeconds, (at) => meter.begin(at))
    timetable.schedule(durationSeconds, () => end(drainLimit(plan)))

    const graceSeconds = await ended
    driver.end()
    const endedAt = Math.max(0, Math.min(now(), durationSeconds))
    const generator = meter.end(endedAt)
    await within(sender.idle(), graceSeconds)
    await sender.close()
    if (reported.inFlight > 0 || reported.offered < sender.offered || reported.at < endedAt) report(Math.ceil(now()))
    const faults = recorder.faults(Math.max(0, now()))
    return {
      requests: recorder.result(endedAt),
      generator: generator(),
      durationSeconds: endedAt,
      faults: {
        ...faults,
        marks: faults.marks.map((mark) => ({ ...mark, inFlight: marked.get(mark.fault)?.inFlight ?? mark.inFlight })),
      },
    }
  }
  const release = async (): Promise<void> => {
    timeouts.close()
    await sender.close()
    await timetable.close()
  }

  return {
    done: run().finally(release),
    mark: (fault) => {
      const at = now()
      const inFlight = recorder.mark(fault, at)
      marked.set(fault, { offered: sender.offered, inFlight })
      return { at, inFlight }
    },
    markInForce: (fault) => {
      const mark = marked.get(fault)
      if (mark === undefined) return { at: now(), inFlight: sender.inFlight }
      mark.inFlight += sender.offered - mark.offered
      return { at: now(), inFlight: mark.inFlight }
    },
    stop: (graceSeconds) => {
      end(graceSeconds)
    },
  }
}

/**
 * Counts and times the requests of a simulation (hot path: once when a request is due, once when it is over). Latencies are
 * put down in a list and sorted into histograms in batches; what comes out means the same as what `RequestRecorder` says of a
 * stack. A request belongs to the measured part if its intended start lies in [warm-up, duration).
 */

import { allOf, Counts, classResult, classSecond, Measured, refusalCode, Work } from '../../result/counts.js'
import { type FaultTrack, type FaultTracker, faultTracker } from '../../result/faults.js'
import type { ClassSecond } from '../../result/run-event.js'
import type { ClassResult } from '../../result/run-result.js'
import type { ClassIntervals } from '../../result/statistics/interval-series.js'
import { LatencySnapshots } from '../../result/statistics/latency-snapshots.js'
import type { Codes } from './codes.js'
import type { Requests } from './requests.js'

/** Completions that are put down before they are sorted. */
const batchSize = 1024

class Track {
  readonly second = new Counts()
  readonly total = new Measured()
  inFlight = 0
  /** Of this batch: latency, time since the last send, and what the lookup found (plus 4: measured). */
  readonly latency = new Float64Array(batchSize)
  readonly service = new Float64Array(batchSize)
  readonly kind = new Uint8Array(batchSize)
  size = 0
  readonly snapshots = LatencySnapshots.empty()
  readonly failedSnapshots: number[] = []

  constructor(
    readonly id: string,
    readonly derived: boolean,
    publishes: boolean,
  ) {
    if (publishes) this.total.work = new Work()
  }
}

const measuredBit = 4

export interface RequestLogOptions {
  /** In the order of their indices. Derived ones stand outside `all`. */
  readonly classes: readonly {
    readonly id: string
    readonly derived: boolean
    /** Its work goes on behind a queue or topic. */
    readonly publishes?: boolean
  }[]
  readonly warmupSeconds: number
  readonly durationSeconds: number
  /** Without faults nothing need be tracked around them. */
  readonly faults: boolean
}

export class RequestLog {
  /** Requests offered and not completed. */
  inFlight = 0
  private readonly tracks: readonly Track[]
  private readonly ofAll: readonly Track[]
  private readonly tracker: FaultTracker | undefined
  private readonly allSecond = new Counts()

  constructor(
    private readonly requests: Requests,
    private readonly codes: Codes,
    private readonly clock: { readonly now: number },
    private readonly options: RequestLogOptions,
  ) {
    this.tracks = options.classes.map(({ id, derived, publishes = false }) => new Track(id, derived, publishes))
    this.ofAll = this.tracks.filter(({ derived }) => !derived)
    this.tracker = options.faults ? faultTracker() : undefined
  }

  /** The request is due now: its intended start. */
  offered(request: number): void {
    const track = this.trackOf(request)
    track.inFlight += 1
    this.inFlight += 1
    track.second.offered += 1
    if (this.isMeasured(request)) track.total.offered += 1
    this.tracker?.offered(this.requests.intendedAt[request] as number)
  }

  /** An attempt of it is being sent. */
  attempt(request: number): void {
    if (this.isMeasured(request)) this.trackOf(request).total.attempts += 1
  }

  /** `outcome`: 0 no lookup, 1 hit, 2 miss. */
  success(request: number, outcome: number, degraded: boolean): void {
    const track = this.trackOf(request)
    const { requests } = this
    const { now } = this.clock
    track.inFlight -= 1
    this.inFlight -= 1
    track.second.ok += 1
    const measured = this.isMeasured(request)
    if (measured) track.total.ok += 1
    if (degraded) {
      track.second.degraded += 1
      if (measured) track.total.degraded += 1
    }
    const { size } = track
    track.latency[size] = now - (requests.intendedAt[request] as number)
    track.service[size] = now - (requests.sentAt[request] as number)
    track.kind[size] = measured ? outcome | measuredBit : outcome
    track.size = size + 1
    if (track.size === batchSize) sort(track)
    if (this.tracker !== undefined)
      this.tracker.success(requests.intendedAt[request] as number, requests.sentAt[request] as number, now)
  }

  /** `unknown`: it may have taken effect. */
  failure(request: number, code: number, unknown: boolean): void {
    const track = this.trackOf(request)
    const text = this.codes.text(code)
    track.inFlight -= 1
    this.inFlight -= 1
    track.second.fail(text, unknown)
    if (this.isMeasured(request)) track.total.fail(text, unknown)
    if (this.tracker === undefined) return
    const intendedAt = this.requests.intendedAt[request] as number
    if (text === refusalCode) this.tracker.success(intendedAt, this.requests.sentAt[request] as number, this.clock.now)
    else this.tracker.failure(intendedAt, this.clock.now)
  }

  /** The work behind a queue that the request led to is done. */
  completion(request: number, seconds: number): void {
    if (this.isMeasured(request)) this.trackOf(request).total.work?.completion.record(seconds)
  }

  /** A message of the request was taken after it had waited. */
  queueDelay(request: number, seconds: number): void {
    if (this.isMeasured(request)) this.trackOf(request).total.work?.queueDelay.record(seconds)
  }

  /** What happened since the last call, by class and `all`. */
  second(): Readonly<Record<string, ClassSecond>> {
    for (const track of this.tracks) sort(track)
    const seconds: Record<string, ClassSecond> = {}
    const [only] = this.ofAll
    seconds.all =
      this.ofAll.length === 1 && only !== undefined ? classSecond(only.second, only.inFlight) : this.secondOfAll()
    for (const track of this.tracks) {
      const shared = this.ofAll.length === 1 && track === only
      seconds[track.id] = shared ? seconds.all : classSecond(track.second, track.inFlight)
      track.second.reset()
    }
    return seconds
  }

  /** A fault strikes; returns the requests in flight. */
  mark(fault: number): number {
    this.tracker?.mark(fault, this.clock.now, this.inFlight)
    return this.inFlight
  }

  /** By class and `all`. A run that ended early is measured until `endedAt`. */
  result(endedAt: number): Readonly<Record<string, ClassResult>> {
    for (const track of this.tracks) sort(track)
    const { durationSeconds, warmupSeconds } = this.options
    const seconds = Math.max(0, Math.min(endedAt, durationSeconds) - warmupSeconds)
    return Object.fromEntries([
      ['all', classResult(allOf(this.ofAll.map(({ total }) => total)), seconds)],
      ...this.tracks.map((track) => [track.id, classResult(track.total, seconds)] as const),
    ])
  }

  /** Latencies of what was measured of `all` so far. */
  measuredLatency(): { readonly count: number; readonly sumSeconds: number } {
    let [count, sumSeconds] = [0, 0]
    for (const track of this.ofAll) {
      sort(track)
      count += track.total.latency.count
      sumSeconds += track.total.latency.sumSeconds
    }
    return { count, sumSeconds }
  }

  /** An interval ends. */
  snapshot(): void {
    for (const track of this.tracks) {
      sort(track)
      track.snapshots.take(track.total.latency)
      track.failedSnapshots.push(track.total.failed)
    }
  }

  /** Between the snapshots, by class and `all`. */
  intervals(): Record<string, ClassIntervals> {
    return Object.fromEntries([
      ['all', intervalsOf(this.ofAll, allOf(this.ofAll.map(({ total }) => total)))],
      ...this.tracks.map((track) => [track.id, intervalsOf([track], track.total)] as const),
    ])
  }

  /** What the requests showed around the faults. */
  faults(endedAt: number): FaultTrack {
    return this.tracker?.track(endedAt) ?? { marks: [], cohorts: { offered: [], ok: [], failed: [] }, inFlight: [] }
  }

  private trackOf(request: number): Track {
    return this.tracks[this.requests.cls[request] as number] as Track
  }

  private isMeasured(request: number): boolean {
    const at = this.requests.intendedAt[request] as number
    return at >= this.options.warmupSeconds && at < this.options.durationSeconds
  }

  private secondOfAll(): ClassSecond {
    this.allSecond.reset()
    let inFlight = 0
    for (const track of this.ofAll) {
      this.allSecond.add(track.second)
      inFlight += track.inFlight
    }
    return classSecond(this.allSecond, inFlight)
  }
}

const intervalsOf = (tracks: readonly Track[], total: Measured): ClassIntervals => {
  const snapshots = LatencySnapshots.sum(tracks.map((track) => track.snapshots))
  const failed = (snapshot: number): number =>
    tracks.reduce((sum, { failedSnapshots }) => sum + (failedSnapshots[snapshot] ?? 0), 0)
  return {
    ...snapshots.intervals(total.latency),
    failed: Float64Array.from(tracks[0]?.failedSnapshots ?? [], (_, i) => failed(i) - (i === 0 ? 0 : failed(i - 1))),
  }
}

const sort = (track: Track): void => {
  const { latency, service, kind, total, second } = track
  for (let i = 0; i < track.size; i++) {
    const value = latency[i] as number
    const of = kind[i] as number
    second.latency.record(value)
    if ((of & measuredBit) === 0) continue
    total.latency.record(value)
    total.service.record(service[i] as number)
    if (of === (1 | measuredBit)) total.hit.record(value)
    else if (of === (2 | measuredBit)) total.miss.record(value)
  }
  track.size = 0
}

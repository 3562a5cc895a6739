/**
 * Counts and times the requests of a simulation (hot path: once when a request is due, once when it is over). Latencies are
 * put down in a list and sorted into histograms in batches; what comes out means the same as what `RequestRecorder` says of a
 * stack. A request belongs to the measured part if its intended start lies in [warm-up, duration).
 */

import { allOf, Counts, classResult, classSecond, Measured, refusalCode, Work } from '../../result/counts.js'
import { type FaultTrack, type FaultTracker, faultTracker } from '../../result/faults.js'
import { LatencyHistogram } from '../../result/histogram.js'
import type { ClassSecond } from '../../result/run-event.js'
import type { ClassResult } from '../../result/run-result.js'
import type { ClassIntervals, LatencyIntervals } from '../../result/statistics/interval-series.js'
import { LatencySnapshots } from '../../result/statistics/latency-snapshots.js'
import type { Codes } from './codes.js'
import type { Requests } from './requests.js'

/** Completions that are put down before they are sorted. */
const batchSize = 1024

const measuredBit = 4
const degradedBit = 8

/** Cumulative. */
type Snapshot = Pick<Measured, 'ok' | 'failed' | 'refused' | 'degraded' | 'unknown'>

/** Latencies of successes of one class, in seconds: the first `size` are waiting to be sorted, which is due when there is no room. */
export interface PlainTrack {
  readonly latency: Float64Array
  size: number
  /** The request whose latency is put down at `place` was due outside of the measured time. */
  unmeasured(place: number): void
  sort(): void
}

class Track implements PlainTrack {
  readonly second = new Counts()
  readonly total = new Measured()
  /** Of the whole run; of those that are being measured; and what the last `second` had seen. */
  offered = 0
  measuredOffered = 0
  toldOffered = 0
  attempts = 0
  completed = 0
  /**
   * Of this batch: latency, time since the last send (not a number: the same), and what the lookup found (plus 4: measured, 8:
   * degraded). What is not written says that the request was plain.
   */
  readonly latency = new Float64Array(batchSize)
  readonly service = new Float64Array(batchSize).fill(Number.NaN)
  readonly kind = new Uint8Array(batchSize).fill(measuredBit)
  size = 0
  /** All of this batch are measured and whole, none made a lookup, and all were sent when they were due. */
  alike = true
  /** Batches of this interval that were alike, and from the second one on their latencies, which go to both histograms at its end. */
  batches = 0
  readonly pending = new LatencyHistogram()
  /** So far every request was sent when it was due: its service latency is its latency. */
  punctual = true
  readonly snapshots: Snapshot[] = []
  readonly latencies: Record<string, LatencySnapshots> = {}

  constructor(
    readonly id: string,
    readonly derived: boolean,
    publishes: boolean,
  ) {
    if (publishes) this.total.work = new Work()
  }

  /** What is timed, by path in the result. */
  histograms(): Record<string, LatencyHistogram> {
    const { latency, service, hit, miss, work } = this.total
    return {
      latency,
      serviceLatency: this.punctual ? latency : service,
      'outcomes.hit.latency': hit,
      'outcomes.miss.latency': miss,
      ...work,
    }
  }

  get inFlight(): number {
    return this.offered - this.completed - this.size
  }

  unmeasured(place: number): void {
    this.kind[place] = 0
    this.alike = false
  }

  sort(): void {
    sort(this)
  }
}

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
  private readonly tracks: readonly Track[]
  private readonly ofAll: readonly Track[]
  private readonly tracker: FaultTracker | undefined
  private readonly allSecond = new Counts()
  readonly warmupSeconds: number
  private readonly durationSeconds: number

  constructor(
    private readonly requests: Requests,
    private readonly codes: Codes,
    private readonly clock: { readonly now: number },
    options: RequestLogOptions,
  ) {
    this.warmupSeconds = options.warmupSeconds
    this.durationSeconds = options.durationSeconds
    this.tracks = options.classes.map(({ id, derived, publishes = false }) => new Track(id, derived, publishes))
    this.ofAll = this.tracks.filter(({ derived }) => !derived)
    this.tracker = options.faults ? faultTracker() : undefined
  }

  /** Requests offered and not completed. */
  get inFlight(): number {
    return this.tracks.reduce((sum, track) => sum + track.inFlight, 0)
  }

  /** The request of this class is due now: its intended start. */
  offered(cls: number): void {
    const track = this.tracks[cls] as Track
    const { now } = this.clock
    track.offered += 1
    if (now >= this.warmupSeconds && now < this.durationSeconds) track.measuredOffered += 1
    if (this.tracker !== undefined) this.tracker.offered(now)
  }

  /** Of a class whose requests are always sent once and when they are due, an attempt is counted with the offer. */
  offeredAndSent(cls: number): void {
    const track = this.tracks[cls] as Track
    const { now } = this.clock
    track.offered += 1
    if (now >= this.warmupSeconds && now < this.durationSeconds) {
      track.measuredOffered += 1
      track.attempts += 1
    }
    if (this.tracker !== undefined) this.tracker.offered(now)
  }

  /** As `offeredAndSent`, of many that ended before now, all of them before or all of them after the end of the warm-up. */
  offeredMany(cls: number, count: number, measured: boolean): void {
    const track = this.tracks[cls] as Track
    track.offered += count
    if (!measured) return
    track.measuredOffered += count
    track.attempts += count
  }

  /** An attempt of it is being sent. */
  attempt(request: number): void {
    if (this.isMeasured(request)) this.trackOf(request).attempts += 1
  }

  /** `outcome`: 0 no lookup, 1 hit, 2 miss. */
  success(request: number, outcome: number, degraded: boolean): void {
    const { requests } = this
    const track = this.tracks[requests.cls[request] as number] as Track
    const { now } = this.clock
    const { size } = track
    const intendedAt = requests.intendedAt[request] as number
    track.latency[size] = now - intendedAt
    track.service[size] = now - (requests.sentAt[request] as number)
    let kind = outcome
    if (intendedAt >= this.warmupSeconds && intendedAt < this.durationSeconds) kind |= measuredBit
    if (degraded) kind |= degradedBit
    track.kind[size] = kind
    if (kind !== measuredBit || track.service[size] !== track.latency[size]) track.alike = false
    track.size = size + 1
    if (track.size === batchSize) sort(track)
    if (this.tracker !== undefined) this.tracker.success(intendedAt, requests.sentAt[request] as number, now)
  }

  /** Of a class that makes no lookup and is sent when it is due: where latencies of successes are put down. */
  plainTrack(cls: number): PlainTrack {
    return this.tracks[cls] as Track
  }

  /** `unknown`: it may have taken effect. */
  failure(request: number, code: number, unknown: boolean): void {
    const track = this.trackOf(request)
    const text = this.codes.text(code)
    track.completed += 1
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
    for (const track of this.tracks) {
      sorted(track)
      track.second.offered = track.offered - track.toldOffered
      track.toldOffered = track.offered
    }
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
    for (const track of this.tracks) {
      sorted(track)
      track.total.offered = track.measuredOffered
      track.total.attempts = track.attempts
      if (track.punctual) {
        track.total.service.reset()
        track.total.service.add(track.total.latency)
      }
    }
    const { durationSeconds, warmupSeconds } = this
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
      sorted(track)
      count += track.total.latency.count
      sumSeconds += track.total.latency.sumSeconds
    }
    return { count, sumSeconds }
  }

  /** An interval ends. */
  snapshot(): void {
    for (const track of this.tracks) {
      sorted(track)
      const { ok, failed, refused, degraded, unknown } = track.total
      track.snapshots.push({ ok, failed, refused, degraded, unknown })
      for (const [path, histogram] of Object.entries(track.histograms())) {
        track.latencies[path] ??= LatencySnapshots.empty()
        track.latencies[path].take(histogram)
      }
    }
  }

  /** Between the snapshots, by class and `all`. */
  intervals(): Record<string, ClassIntervals> {
    return Object.fromEntries([
      ['all', intervalsOf(this.ofAll)],
      ...this.tracks.map((track) => [track.id, intervalsOf([track])] as const),
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
    return at >= this.warmupSeconds && at < this.durationSeconds
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

const intervalsOf = (tracks: readonly Track[]): ClassIntervals => {
  const total = (look: number, key: keyof Snapshot): number =>
    tracks.reduce((sum, { snapshots }) => sum + (snapshots[look]?.[key] ?? 0), 0)
  const increments = (key: keyof Snapshot): Float64Array =>
    Float64Array.from({ length: tracks[0]?.snapshots.length ?? 0 }, (_, i) => total(i, key) - total(i - 1, key))
  const paths = [...new Set(tracks.flatMap(({ latencies }) => Object.keys(latencies)))]
  return {
    ok: increments('ok'),
    failed: increments('failed'),
    refused: increments('refused'),
    degraded: increments('degraded'),
    unknown: increments('unknown'),
    latencies: Object.fromEntries(paths.map((path) => [path, latenciesOf(tracks, path)])),
  }
}

const latenciesOf = (tracks: readonly Track[], path: string): LatencyIntervals => {
  const pooled = new LatencyHistogram()
  for (const track of tracks) {
    const histogram = track.histograms()[path]
    if (histogram !== undefined) pooled.add(histogram)
  }
  return LatencySnapshots.sum(tracks.flatMap(({ latencies }) => latencies[path] ?? [])).intervals(pooled)
}

/** Of a batch that is being sorted: the latencies of those that are measured, since their last send, of hits, and of misses. */
const ofMeasured = new Float64Array(batchSize)
const ofServices = new Float64Array(batchSize)
const ofHits = new Float64Array(batchSize)
const ofMisses = new Float64Array(batchSize)

/** Requests to put down: sorts the batch. */
const sort = (track: Track): void => {
  const { latency, service, kind, total, second, size } = track
  second.ok += size
  if (track.alike && track.punctual) {
    total.ok += size
    // In a long interval it is cheaper to add histograms at its end than to record everything twice.
    if (track.batches > 0) track.pending.recordAll(latency, size)
    else {
      second.latency.recordAll(latency, size)
      total.latency.recordAll(latency, size)
    }
    if (size === batchSize) track.batches += 1
  } else {
    settle(track)
    if (track.punctual) {
      track.punctual = false
      total.service.add(total.latency)
    }
    second.latency.recordAll(latency, size)
    // Side by side first: a histogram takes many at once faster than one by one.
    let [measured, hits, misses] = [0, 0, 0]
    for (let i = 0; i < size; i++) {
      const of = kind[i] as number
      const degraded = (of & degradedBit) !== 0
      if (degraded) second.degraded += 1
      if ((of & measuredBit) === 0) continue
      if (degraded) total.degraded += 1
      const value = latency[i] as number
      const sent = service[i] as number
      ofMeasured[measured] = value
      ofServices[measured] = Number.isNaN(sent) ? value : sent
      measured += 1
      if ((of & 3) === 1) ofHits[hits++] = value
      else if ((of & 3) === 2) ofMisses[misses++] = value
    }
    total.ok += measured
    total.latency.recordAll(ofMeasured, measured)
    total.service.recordAll(ofServices, measured)
    total.hit.recordAll(ofHits, hits)
    total.miss.recordAll(ofMisses, misses)
    service.fill(Number.NaN)
    kind.fill(measuredBit)
  }
  track.completed += size
  track.size = 0
  track.alike = true
}

/** The histograms hold all that has been put down. */
const settle = (track: Track): void => {
  const { pending, second, total } = track
  track.batches = 0
  if (pending.count === 0) return
  second.latency.add(pending)
  total.latency.add(pending)
  if (!track.punctual) total.service.add(pending)
  pending.reset()
}

/** Sorts the batch, and settles. */
const sorted = (track: Track): Track => {
  sort(track)
  settle(track)
  return track
}

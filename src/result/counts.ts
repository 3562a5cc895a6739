/** What is counted and timed of one class of requests, and how it is told. */
import { LatencyHistogram } from './histogram.js'
import type { ClassSecond } from './run-event.js'
import type { ClassResult } from './run-result.js'

/** The answer of a business that says no (sold out): counted as an error by its code, but no failure of the system. */
export const refusalCode = '409'

/** What the ratio `errors` counts: all errors but refusals (docs/adr/0060-a-refusal-is-an-answer.md). */
export const failuresOf = (errors: Readonly<Record<string, number>>): number =>
  Object.entries(errors).reduce((sum, [code, count]) => (code === refusalCode ? sum : sum + count), 0)

export class Counts {
  offered = 0
  ok = 0
  degraded = 0
  failed = 0
  /** ⊂ failed. */
  refused = 0
  unknown = 0
  attempts = 0
  readonly errors = new Map<string, number>()
  readonly latency = new LatencyHistogram()

  fail(code: string, unknown: boolean): void {
    this.failed++
    if (code === refusalCode) this.refused++
    if (unknown) this.unknown++
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }

  add(other: Counts): void {
    this.offered += other.offered
    this.ok += other.ok
    this.degraded += other.degraded
    this.failed += other.failed
    this.refused += other.refused
    this.unknown += other.unknown
    this.attempts += other.attempts
    for (const [code, n] of other.errors) this.errors.set(code, (this.errors.get(code) ?? 0) + n)
    this.latency.add(other.latency)
  }

  reset(): void {
    this.offered = 0
    this.ok = 0
    this.degraded = 0
    this.failed = 0
    this.refused = 0
    this.unknown = 0
    this.attempts = 0
    this.errors.clear()
    this.latency.reset()
  }

  /** By code in alphabetical order, so that equal counts give equal bytes. */
  sortedErrors(): Record<string, number> {
    return Object.fromEntries([...this.errors].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

/** Of what goes on behind a queue. */
export class Work {
  /** From the intended start until the work is done and acknowledged. */
  readonly completion = new LatencyHistogram()
  /** From publishing until a worker has the message. */
  readonly queueDelay = new LatencyHistogram()
}

/** What only the result holds. */
export class Measured extends Counts {
  /** Undefined: the class publishes nothing. */
  work: Work | undefined
  readonly service = new LatencyHistogram()
  readonly hit = new LatencyHistogram()
  readonly miss = new LatencyHistogram()

  override add(other: Measured): void {
    super.add(other)
    this.service.add(other.service)
    this.hit.add(other.hit)
    this.miss.add(other.miss)
    if (other.work === undefined) return
    this.work ??= new Work()
    this.work.completion.add(other.work.completion)
    this.work.queueDelay.add(other.work.queueDelay)
  }
}

/** The sum over classes. */
export const allOf = (classes: readonly Measured[]): Measured => {
  const all = new Measured()
  for (const each of classes) all.add(each)
  return all
}

export const classSecond = (counts: Counts, inFlight: number): ClassSecond => ({
  offered: counts.offered,
  completed: counts.ok + counts.failed,
  ok: counts.ok,
  degraded: counts.degraded,
  errors: counts.sortedErrors(),
  inFlight,
  histogram: counts.latency.encode(),
})

export const classResult = (counts: Measured, seconds: number): ClassResult => ({
  offered: counts.offered,
  completed: counts.ok + counts.failed,
  ok: counts.ok,
  degraded: counts.degraded,
  unknown: counts.unknown,
  attempts: counts.attempts,
  errors: counts.sortedErrors(),
  outcomes: {
    hit: { count: counts.hit.count, latency: counts.hit.latency() },
    miss: { count: counts.miss.count, latency: counts.miss.latency() },
  },
  ratePerSecond: seconds > 0 ? counts.ok / seconds : 0,
  latency: counts.latency.latency(),
  serviceLatency: counts.service.latency(),
  histogram: counts.latency.encode(),
  ...(counts.work === undefined ? {} : workResult(counts.work)),
})

const workResult = ({ completion, queueDelay }: Work) => ({
  completion: completion.latency(),
  completionHistogram: completion.encode(),
  queueDelay: queueDelay.latency(),
  queueDelayHistogram: queueDelay.encode(),
})

/**
 * Looks at a run in a steady state at the ends of equal intervals of its measured time: what its half-widths are computed from.
 * Only cumulative counters are read, so that events cost nothing more.
 */
import type { IntervalSeries, Quotient } from '../../result/statistics/interval-series.js'
import type { Meters } from './meters.js'
import type { RequestLog } from './request-log.js'
import type { StepMeters } from './step-meter.js'

/** They make up 30 batches, or 20. */
const intervals = 60
/** Looks at the latency of `all` within an interval, for the detection of the warm-up. */
const finer = 8

export class Intervals {
  private readonly lengthSeconds: number
  private readonly fine: { readonly over: Float64Array; readonly under: Float64Array }
  private readonly looks: Cumulative[] = []
  private looked = 0
  private sumSeconds = 0
  private count = 0

  /** The measured time begins. */
  constructor(
    private readonly log: RequestLog,
    private readonly meters: Meters,
    private readonly steps: StepMeters,
    private readonly beginSeconds: number,
    endSeconds: number,
  ) {
    this.lengthSeconds = (endSeconds - beginSeconds) / intervals
    this.fine = { over: new Float64Array(intervals * finer), under: new Float64Array(intervals * finer) }
    this.looks.push(meters.cumulative())
  }

  /** When to look next; the last look is `end`. */
  get nextAt(): number {
    const next = this.looked + 1
    return next < intervals * finer ? this.beginSeconds + (this.lengthSeconds * next) / finer : Number.POSITIVE_INFINITY
  }

  look(): void {
    this.lookFinely()
    if (this.looked % finer !== 0) return
    this.lookAtComponents()
    this.log.snapshot()
  }

  /** The load has ended; requests in flight are yet to be waited for. */
  lookAtComponents(): void {
    this.looks.push(this.meters.cumulative())
    this.steps.snapshot()
  }

  /** Everything that was measured has come to an end. */
  series(): IntervalSeries {
    this.lookFinely()
    this.log.snapshot()
    const length = this.lengthSeconds
    return {
      seconds: length,
      count: intervals,
      requests: this.log.intervals(),
      components: quotientsOf(this.looks, 'components'),
      hosts: quotientsOf(this.looks, 'hosts'),
      steps: this.steps.intervals(),
      fine: { seconds: length / finer, latency: this.fine },
    }
  }

  private lookFinely(): void {
    const { count, sumSeconds } = this.log.measuredLatency()
    this.fine.over[this.looked] = sumSeconds - this.sumSeconds
    this.fine.under[this.looked] = count - this.count
    this.sumSeconds = sumSeconds
    this.count = count
    this.looked++
  }
}

type Cumulative = ReturnType<Meters['cumulative']>

/** What was added to both parts of each quotient from one look to the next. */
const quotientsOf = (
  looks: readonly Cumulative[],
  of: 'components' | 'hosts',
): Record<string, Record<string, Quotient>> => {
  const [first] = looks
  const increments = (id: string, path: string, part: 0 | 1): Float64Array => {
    const at = (look: number): number => looks[look]?.[of][id]?.[path]?.[part] ?? 0
    return Float64Array.from({ length: looks.length - 1 }, (_, i) => at(i + 1) - at(i))
  }
  return Object.fromEntries(
    Object.entries(first?.[of] ?? {}).map(([id, paths]) => [
      id,
      Object.fromEntries(
        Object.keys(paths).map((path) => [path, { over: increments(id, path, 0), under: increments(id, path, 1) }]),
      ),
    ]),
  )
}

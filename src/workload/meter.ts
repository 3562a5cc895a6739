/** What a process of the service counts. Hot: increments and one histogram index per step. */
import { LatencyHistogram } from '../result/histogram.js'

/** Upper bounds of the buckets that /metrics shows, in seconds. /plimsoll/sample has the full histogram. */
export const bucketSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Durations: a full histogram, and coarse buckets for Prometheus. */
export class DurationMeter {
  readonly histogram = new LatencyHistogram()
  /** Not cumulative; the last one is beyond all bounds. */
  readonly buckets = new Float64Array(bucketSeconds.length + 1)
  sumSeconds = 0

  record(seconds: number): void {
    this.histogram.record(seconds)
    this.sumSeconds += seconds
    let i = 0
    while (i < bucketSeconds.length && seconds > (bucketSeconds[i] ?? 0)) i++
    this.buckets[i] = (this.buckets[i] ?? 0) + 1
  }
}

export class StepMeter {
  readonly duration = new DurationMeter()
  count = 0
  errors = 0
  /** As burnt; what a store burns is not known here, so then as asked of it. */
  cpuSeconds = 0
  /** What was drawn from the declared times. */
  drawnCpuSeconds = 0
  drawnWaitSeconds = 0
}

export class ClassMeter {
  readonly duration = new DurationMeter()
  readonly byStatus = new Map<number, number>()
  readonly degraded = new Map<string, number>()
}

const increment = <K>(counts: Map<K, number>, key: K): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

export class Meters {
  readonly steps = new Map<string, StepMeter>()
  readonly classes = new Map<string, ClassMeter>()
  /** Requests (and operations called by others) that were admitted and answered. */
  visits = 0
  /** Refused because of maxInFlight. */
  shed = 0
  inFlight = 0
  hits = 0
  misses = 0

  step(id: string): StepMeter {
    return getOrMake(this.steps, id, () => new StepMeter())
  }

  class(id: string): ClassMeter {
    return getOrMake(this.classes, id, () => new ClassMeter())
  }

  answered(meter: ClassMeter, seconds: number, status: number, degraded: string | undefined): void {
    increment(meter.byStatus, status)
    if (degraded !== undefined) increment(meter.degraded, degraded)
    meter.duration.record(seconds)
  }
}

const getOrMake = <V>(map: Map<string, V>, key: string, make: () => V): V => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

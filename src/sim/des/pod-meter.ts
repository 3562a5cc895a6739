/**
 * What an autoscaler gets to know of one component: what each instance used, averaged over windows of fixed length, and only
 * when a window is as old as metrics are late.
 */
import type { PodSample } from '../../policy/autoscaler/pods.js'
import { scalingMetrics } from '../../policy/autoscaler/scaling.js'
import type { ServiceComponent } from '../../topology/types.js'
import type { CpuMeter } from './cores.js'
import type { Endpoint } from './endpoint.js'

interface Reading {
  readonly cpuSeconds: number
  readonly visits: number
  /** In hand at this moment. */
  readonly calls: number
}

interface Snapshot {
  readonly at: number
  readonly readings: ReadonlyMap<string, Reading>
}

/** Rounding of sums of intervals. */
const rounding = 1e-6

export class PodMeter {
  private readonly snapshots: Snapshot[] = []
  constructor(
    private readonly component: ServiceComponent,
    private readonly instances: ReadonlyMap<string, readonly Endpoint[]>,
    private readonly windowSeconds: number,
    private readonly lagSeconds: number,
    /** Those that any of the instances may run on. */
    private readonly cores: readonly CpuMeter[],
    /** All processors that there are. */
    private readonly processors: { readonly length: number },
  ) {}

  /** A window ends, and the next one begins. */
  read(now: number): void {
    const partial = new Float64Array(this.processors.length)
    for (const cores of this.cores) cores.addPartial(partial)
    const readings = new Map<string, Reading>()
    for (const [id, endpoints] of this.instances) {
      let cpuSeconds = 0
      let visits = 0
      let calls = 0
      for (const endpoint of endpoints) {
        cpuSeconds += endpoint.processor?.usedSeconds(partial) ?? 0
        visits += endpoint.visits
        calls += endpoint.calls
      }
      readings.set(id, { cpuSeconds, visits, calls })
    }
    this.snapshots.push({ at: now, readings })
    const kept = Math.ceil(this.lagSeconds / this.windowSeconds) + 2
    if (this.snapshots.length > kept) this.snapshots.shift()
  }

  /** The latest samples of an instance that runs since `startedAt`; none while no whole window of it is known. */
  samples(instance: string, startedAt: number, now: number): Readonly<Record<string, PodSample>> {
    const last = this.snapshots.findLastIndex(({ at }) => at <= now - this.lagSeconds + rounding)
    const to = this.snapshots[last]
    const from = this.snapshots[last - 1]
    if (to === undefined || from === undefined || startedAt > from.at + rounding) return {}
    const before = from.readings.get(instance)
    const after = to.readings.get(instance)
    if (before === undefined || after === undefined) return {}
    const windowSeconds = to.at - from.at
    const sample = (value: number): PodSample => ({ value, at: to.at, windowSeconds })
    const { memoryBaseBytes = 0, memoryPerRequestBytes = 0 } = this.component.resources
    return {
      [scalingMetrics.cpu]: sample((after.cpuSeconds - before.cpuSeconds) / windowSeconds),
      [scalingMetrics.rate]: sample((after.visits - before.visits) / windowSeconds),
      [scalingMetrics.inFlight]: sample(after.calls),
      [scalingMetrics.memory]: sample(memoryBaseBytes + memoryPerRequestBytes * after.calls),
    }
  }
}

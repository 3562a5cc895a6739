/** Adds up what servers count: over the processes of an instance, and over an instance's lives. */
import { LatencyHistogram } from '../result/histogram.js'
import { combineDrawn, drawnField } from '../result/merge.js'
import type { InstanceCounters } from './engine.js'
import type { InstanceSample, StepSample } from './running-system.js'

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : a + b

const defined = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

const mergeRecords = <T>(
  a: Readonly<Record<string, T>> | undefined,
  b: Readonly<Record<string, T>> | undefined,
  merge: (a: T, b: T) => T,
): Readonly<Record<string, T>> | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  const merged: Record<string, T> = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const known = merged[key]
    merged[key] = known === undefined ? value : merge(known, value)
  }
  return merged
}

const mergeHistograms = (a: string, b: string): string => {
  if (a === '' || b === '') return a === '' ? b : a
  const merged = LatencyHistogram.decode(a)
  merged.add(LatencyHistogram.decode(b))
  return merged.encode()
}

const mergeSteps = (a: StepSample, b: StepSample): StepSample => ({
  count: a.count + b.count,
  errors: a.errors + b.errors,
  cpuSeconds: a.cpuSeconds + b.cpuSeconds,
  ...drawnField(combineDrawn(a.drawn, b.drawn, (x, y) => x + y)),
  histogram: mergeHistograms(a.histogram, b.histogram),
})

type Pool = NonNullable<InstanceSample['pools']>[string]

const mergePools = (a: Pool, b: Pool): Pool => ({
  inUse: a.inUse + b.inUse,
  waiting: a.waiting + b.waiting,
  timeouts: a.timeouts + b.timeouts,
})

export const mergeCounters = (a: InstanceCounters, b: InstanceCounters): InstanceCounters =>
  defined({
    visits: sum(a.visits, b.visits),
    inFlight: sum(a.inFlight, b.inFlight),
    hits: sum(a.hits, b.hits),
    misses: sum(a.misses, b.misses),
    pools: mergeRecords(a.pools, b.pools, mergePools),
    steps: mergeRecords(a.steps, b.steps, mergeSteps),
  })

/** What remains of the counters of processes that are gone: totals stay, what was momentary is over. */
export const atRest = (counters: InstanceCounters): InstanceCounters =>
  defined({
    ...counters,
    inFlight: counters.inFlight === undefined ? undefined : 0,
    pools:
      counters.pools === undefined
        ? undefined
        : Object.fromEntries(
            Object.entries(counters.pools).map(([id, { timeouts }]) => [id, { inUse: 0, waiting: 0, timeouts }]),
          ),
  })

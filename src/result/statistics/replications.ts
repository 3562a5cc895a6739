/**
 * Independent replications of one experiment as one result: histograms and counts are added, estimates are those of all
 * together, times around faults are medians; `series` and `events` are those of the first. Replications come in the order of their
 * index, so the result does not depend on who ran which of them.
 *
 * Half-widths: by Student's t over the replications (A. M. Law, Simulation Modeling and Analysis, 9.4.1). Where there are fewer
 * than ten, and each has batch means, their own half-widths are combined instead, for t of few degrees of freedom is wide.
 */

import { studentT } from '../../lib/student-t.js'
import { failuresOf } from '../counts.js'
import type { ClassResult, HalfWidths, RunResult, Statistics, StepResult } from '../run-result.js'
import { quantiles } from './batch-means.js'
import { acrossOf, confidence, tellsQuantile } from './batches.js'
import { mergedFaults } from './merge-faults.js'
import { type MergedLatency, mergeLatency } from './merge-latency.js'
import { mergeNumbers } from './merge-numbers.js'
import { agreedJudgements, majority, majorityJudgements } from './merge-verdicts.js'
import { median } from './order.js'

/** From so many on, they tell by themselves. */
const enoughReplications = 10

/** Objectives (`slo`) are to be judged again, on what this returns. */
export const mergeReplications = (results: readonly RunResult[]): RunResult => {
  const [first, ...others] = results
  if (first === undefined) throw new Error('no replications to merge')
  if (others.length === 0) return first
  const seconds = results.map(({ durationSeconds, warmupSeconds }) => Math.max(0, durationSeconds - warmupSeconds))
  const batches = batchesOf(results)
  return {
    ...first,
    status: majority([first.status, ...others.map(({ status }) => status)]),
    requests: mergeEach(
      results,
      ({ requests }) => requests,
      (parts) => mergeClass(parts, seconds, batches),
    ),
    components: mergeEach(
      results,
      ({ components }) => components,
      (parts) => mergePlain(parts, batches),
    ),
    hosts: mergeEach(
      results,
      ({ hosts }) => hosts,
      (parts) => mergePlain(parts, batches),
    ),
    edges: mergeNumbers(results.map(({ edges }) => edges)),
    steps: mergeEach(
      results,
      ({ steps }) => steps,
      (parts) => mergeStep(parts, batches),
    ),
    faults: mergedFaults(results.map(({ faults }) => faults)),
    generator: mergeNumbers(results.map(({ generator }) => generator)),
    invariants: agreedJudgements(results.map(({ invariants }) => invariants)),
    steadyState: majorityJudgements(results.map(({ steadyState }) => steadyState)),
    slo: majorityJudgements(results.map(({ slo }) => slo)),
    replications: results.length,
    statistics: statisticsOf(results, batches),
  }
}

/** How many batches each has; undefined: the replications tell by themselves, or some have none. */
type Batches = readonly number[] | undefined

const batchesOf = (results: readonly RunResult[]): Batches =>
  results.length < enoughReplications && results.every(({ statistics }) => statistics?.method === 'batch-means')
    ? results.map(({ statistics }) => statistics?.count ?? 0)
    : undefined

const statisticsOf = (results: readonly RunResult[], batches: Batches): Statistics => {
  const warmups = results.flatMap(({ statistics }) => statistics?.warmup ?? [])
  const converged = warmups.filter((warmup) => warmup.converged).length
  return {
    method: batches === undefined ? 'replications' : 'batch-means',
    count: batches === undefined ? results.length : batches.reduce((sum, count) => sum + count, 0),
    confidence,
    warmup:
      warmups.length < results.length
        ? null
        : {
            method: 'MSER-5',
            seconds: median(warmups.map((warmup) => warmup.seconds)) ?? 0,
            converged: 2 * converged > warmups.length,
          },
  }
}

/** Of the parts that have the id, with which of the results they come from. */
type Parts<T> = readonly { readonly of: T; readonly index: number }[]

const mergeEach = <T>(
  results: readonly RunResult[],
  records: (result: RunResult) => Readonly<Record<string, T>>,
  merge: (parts: Parts<T>) => T,
): Record<string, T> => {
  const ids = [...new Set(results.flatMap((result) => Object.keys(records(result))))]
  return Object.fromEntries(
    ids.map((id) => [
      id,
      merge(
        results.flatMap((result, index) => {
          const of = records(result)[id]
          return of === undefined ? [] : [{ of, index }]
        }),
      ),
    ]),
  )
}

type WithHalfWidth = { readonly halfWidth?: HalfWidths }

const mergePlain = <T extends WithHalfWidth>(parts: Parts<T>, batches: Batches): T => {
  const widths = new Map<string, number | null>()
  const merged = mergeNumbers(
    parts.map(({ of }) => of),
    (path, values) =>
      widths.set(
        path,
        acrossOf(
          values,
          values.map(() => 1),
        ),
      ),
  )
  return { ...merged, ...halfWidthField(widths, parts, batches) }
}

const mergeClass = (parts: Parts<ClassResult>, seconds: readonly number[], batches: Batches): ClassResult => {
  const merged = mergePlain(parts, undefined)
  const each = parts.map(({ of }) => of)
  const own = parts.map(({ index }) => seconds[index] ?? 0)
  const latency = mergeLatency(each)
  const completion = mergeNamed(each, 'completion')
  const queueDelay = mergeNamed(each, 'queueDelay')
  const completed = each.map((of) => of.completed)
  // Where none are, or all, replications do not vary, which says nothing of how exact that is.
  const share = (counts: readonly number[]): number | null => acrossOf(counts, completed) || null
  const widths = new Map<string, number | null>([
    ...Object.entries(merged.halfWidth ?? {}).filter(([path]) => enoughSamples(path, each)),
    [
      'ratePerSecond',
      acrossOf(
        each.map(({ ok }) => ok),
        own,
      ),
    ],
    ['errors', share(each.map((of) => failuresOf(of.errors)))],
    ['degraded', share(each.map(({ degraded }) => degraded))],
    ['unknown', share(each.map(({ unknown }) => unknown))],
    ...latency.widths,
    ...(completion?.widths ?? []),
    ...(queueDelay?.widths ?? []),
  ])
  const whole = own.reduce((sum, value) => sum + value, 0)
  return {
    ...merged,
    ratePerSecond: whole > 0 ? merged.ok / whole : 0,
    latency: latency.latency,
    histogram: latency.histogram,
    ...(completion && { completion: completion.latency, completionHistogram: completion.histogram }),
    ...(queueDelay && { queueDelay: queueDelay.latency, queueDelayHistogram: queueDelay.histogram }),
    ...halfWidthField(widths, parts, batches),
  }
}

/** Percentiles whose samples are not kept are means over replications: each must have enough of its own to tell. */
const enoughSamples = (path: string, parts: readonly ClassResult[]): boolean => {
  const [, outcome, percentile] = /^(?:serviceLatency|outcomes\.(hit|miss)\.latency)\.(p\d+)$/.exec(path) ?? []
  const q = Object.entries(quantiles).find(([name]) => name === percentile)?.[1]
  if (q === undefined) return true
  const counts = parts.map(({ ok, outcomes }) =>
    outcome === 'hit' || outcome === 'miss' ? outcomes[outcome].count : ok,
  )
  return counts.every((count) => tellsQuantile(count, q))
}

/** Of classes whose work goes on behind a queue; undefined: it is none. */
const mergeNamed = (parts: readonly ClassResult[], name: 'completion' | 'queueDelay'): MergedLatency | undefined => {
  const told = parts.flatMap((part) => {
    const histogram = part[`${name}Histogram`]
    return histogram === undefined ? [] : [{ latency: part[name] ?? null, histogram }]
  })
  return told.length === 0 ? undefined : mergeLatency(told, name)
}

const mergeStep = (parts: Parts<StepResult>, batches: Batches): StepResult => {
  const merged = mergePlain(parts, undefined)
  const { widths, ...latency } = mergeLatency(parts.map(({ of }) => of))
  return { ...merged, ...latency, ...halfWidthField(widths, parts, batches) }
}

const halfWidthField = (
  across: ReadonlyMap<string, number | null>,
  parts: Parts<WithHalfWidth>,
  batches: Batches,
): WithHalfWidth => {
  const paths = batches === undefined ? across.keys() : Object.keys(parts[0]?.of.halfWidth ?? {})
  const told = [...paths].flatMap((path) => {
    const width = batches === undefined ? across.get(path) : withinOf(path, parts, batches)
    return width === undefined || width === null ? [] : [[path, width] as const]
  })
  return told.length === 0 ? {} : { halfWidth: Object.fromEntries(told) }
}

/** Of the mean of R independent estimates with standard errors of their own: √Σs²/R. Null: one has none. */
const withinOf = (path: string, parts: Parts<WithHalfWidth>, batches: readonly number[]): number | null => {
  let [squares, freedom] = [0, 0]
  for (const { of, index } of parts) {
    const width = of.halfWidth?.[path]
    const own = (batches[index] ?? 0) - 1
    if (width === undefined || own < 1) return null
    squares += (width / studentT(own, confidence)) ** 2
    freedom += own
  }
  return (studentT(freedom, confidence) * Math.sqrt(squares)) / parts.length
}

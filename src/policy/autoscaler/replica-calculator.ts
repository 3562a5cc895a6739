/**
 * How many replicas one metric asks for: the replica calculator of Kubernetes 1.30 (pkg/controller/podautoscaler), with
 * its integers: usage is counted in thousandths (memory in bytes), utilization in whole percent, both cut off.
 */
import { groupPods, type PodState, type ReadinessRules, type ResourceName } from './pods.js'

export type MetricSpec =
  /** `target`: a share of what pods request. */
  | { readonly kind: 'utilization'; readonly metric: ResourceName; readonly target: number }
  /** `target`: per pod (AverageValue), in the unit of the samples. */
  | { readonly kind: 'per-pod'; readonly metric: string; readonly target: number }
  /** One number for all, of an object or from outside: `target` for all pods together. */
  | { readonly kind: 'value'; readonly metric: string; readonly target: number }
  /** The same number, with a `target` for each pod. */
  | { readonly kind: 'average-value'; readonly metric: string; readonly target: number }

export interface Observation {
  /** What was asked for last (spec.replicas). */
  readonly replicas: number
  /** What exists (status.replicas); default: `replicas`. */
  readonly existing?: number
  readonly pods: readonly PodState[]
  /** By name of metric; undefined: it could not be read. */
  readonly totals: Readonly<Record<string, number | undefined>>
}

export interface CalculatorRules extends ReadinessRules {
  /** `--horizontal-pod-autoscaler-tolerance`, 0.1: nothing changes while |ratio − 1| is at most this. */
  readonly tolerance: number
}

export type Proposal =
  | { readonly ok: true; readonly replicas: number }
  /** The metric could not be read. */
  | { readonly ok: false; readonly why: string }

const replicas = (count: number): Proposal => ({ ok: true, replicas: count })
const unreadable = (why: string): Proposal => ({ ok: false, why })

/** Quantities are rounded up to thousandths; what floating point adds does not count. */
const thousandths = (value: number): number => Math.ceil(value * 1000 - 1e-6)

/** Whole percent of a ratio that was written as one: 0.55 is 55, not 55.00000000000001. */
const percent = (ratio: number): number => Math.round(ratio * 1e8) / 1e6

export const propose = (spec: MetricSpec, seen: Observation, now: number, rules: CalculatorRules): Proposal => {
  switch (spec.kind) {
    case 'utilization':
      return byUtilization(spec.metric, percent(spec.target), seen, now, rules)
    case 'per-pod':
      return byUsage(spec.metric, thousandths(spec.target), seen, now, rules)
    case 'value':
      return byValue(spec.metric, thousandths(spec.target), seen, rules)
    case 'average-value':
      return byAverageValue(spec.metric, thousandths(spec.target), seen, rules)
  }
}

const byUtilization = (
  resource: ResourceName,
  targetPercent: number,
  seen: Observation,
  now: number,
  rules: CalculatorRules,
): Proposal => {
  const integer = resource === 'memory' ? Math.ceil : thousandths
  const without = seen.pods.find((pod) => pod.requests[resource] === undefined)
  if (without !== undefined) return unreadable(`a pod requests no ${resource}`)
  const requested = (pod: PodState): number => integer(pod.requests[resource] ?? 0)
  return byPods(seen, resource, now, rules, {
    usage: (pod) => integer(pod.samples[resource]?.value ?? 0),
    weight: requested,
    ratio: (usage, weight) => Math.floor((usage * 100) / weight) / targetPercent,
    // All that it requests, or the target where that is more.
    presumed: (pod) => Math.floor((requested(pod) * Math.max(100, targetPercent)) / 100),
  })
}

const byUsage = (metric: string, target: number, seen: Observation, now: number, rules: CalculatorRules): Proposal =>
  byPods(seen, metric, now, rules, {
    usage: (pod) => thousandths(pod.samples[metric]?.value ?? 0),
    weight: () => 1,
    ratio: (usage, count) => Math.floor(usage / count) / target,
    presumed: () => target,
  })

interface Arithmetic {
  readonly usage: (pod: PodState) => number
  readonly weight: (pod: PodState) => number
  readonly ratio: (usage: number, weight: number) => number
  /** Usage of a pod without a sample when pods are to be taken away; when pods are to be added it is nothing. */
  readonly presumed: (pod: PodState) => number
}

const byPods = (
  seen: Observation,
  metric: string,
  now: number,
  rules: CalculatorRules,
  arithmetic: Arithmetic,
): Proposal => {
  if (seen.pods.length === 0) return unreadable('there are no pods')
  const { counted, unready, missing } = groupPods(seen.pods, metric, metric === 'cpu', now, rules)
  if (counted.length === 0) return unreadable(`no pod that counts has a sample of ${metric}`)
  let usage = sum(counted, arithmetic.usage)
  let weight = sum(counted, arithmetic.weight)
  if (weight === 0) return unreadable(`the pods request no ${metric}`)
  const ratio = arithmetic.ratio(usage, weight)
  const addsUnready = unready.length > 0 && ratio > 1
  if (!addsUnready && missing.length === 0)
    return replicas(tolerated(ratio, rules) ? seen.replicas : Math.ceil(ratio * counted.length))

  // The unknown is presumed to speak against a change; then it may lessen the change, but not turn it round.
  let considered = counted.length
  if (missing.length > 0 && ratio !== 1) {
    if (ratio < 1) usage += sum(missing, arithmetic.presumed)
    weight += sum(missing, arithmetic.weight)
    considered += missing.length
  }
  if (addsUnready) {
    weight += sum(unready, arithmetic.weight)
    considered += unready.length
  }
  const cautious = arithmetic.ratio(usage, weight)
  const turned = (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1)
  if (tolerated(cautious, rules) || turned) return replicas(seen.replicas)
  const desired = Math.ceil(cautious * considered)
  const contrary = (cautious < 1 && desired > seen.replicas) || (cautious > 1 && desired < seen.replicas)
  return replicas(contrary ? seen.replicas : desired)
}

const byValue = (metric: string, target: number, seen: Observation, rules: CalculatorRules): Proposal => {
  const total = seen.totals[metric]
  if (total === undefined) return unreadable(`${metric} could not be read`)
  const ratio = thousandths(total) / target
  if (seen.replicas === 0) return replicas(Math.ceil(ratio))
  if (tolerated(ratio, rules)) return replicas(seen.replicas)
  if (seen.pods.length === 0) return unreadable('there are no pods')
  const ready = seen.pods.filter((pod) => pod.phase === 'running' && pod.readiness?.ready === true).length
  return replicas(Math.ceil(ratio * ready))
}

const byAverageValue = (metric: string, target: number, seen: Observation, rules: CalculatorRules): Proposal => {
  const total = seen.totals[metric]
  if (total === undefined) return unreadable(`${metric} could not be read`)
  const existing = seen.existing ?? seen.replicas
  const usage = thousandths(total)
  const ratio = usage / (target * existing)
  // Nothing over nothing is no number, and changes nothing.
  return replicas(Math.abs(1 - ratio) > rules.tolerance ? Math.ceil(usage / target) : existing)
}

const tolerated = (ratio: number, rules: CalculatorRules): boolean => Math.abs(1 - ratio) <= rules.tolerance

const sum = (pods: readonly PodState[], of: (pod: PodState) => number): number =>
  pods.reduce((total, pod) => total + of(pod), 0)

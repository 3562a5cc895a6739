/** The plan at each value of a parameter. */
import type { CapacityPlan } from './types.js'

export interface PlanPoint {
  /** Of the parameters, in their order. */
  readonly values: readonly string[]
  readonly maxThroughputPerSecond: number | null
  readonly headroomRatio: number | null
  /** Of the tightest limit. */
  readonly utilization: number | null
  readonly bottleneck: string | null
  /** Of the class that has the largest; null: without bound. */
  readonly p95Seconds: number | null
  readonly costPerMonth: number
  readonly errors: number
  readonly warnings: number
}

export interface PlanSweep {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'PlanSweep'
  readonly topology: { readonly name: string }
  readonly currency: string
  readonly paths: readonly string[]
  readonly points: readonly PlanPoint[]
}

const worst = ({ requests }: CapacityPlan): number | null => {
  const all = Object.values(requests).map(({ p95Seconds }) => p95Seconds)
  return all.includes(null) ? null : Math.max(0, ...all.map((value) => value ?? 0))
}

export const planPoint = (values: readonly string[], plan: CapacityPlan): PlanPoint => ({
  values,
  maxThroughputPerSecond: plan.maxThroughputPerSecond,
  headroomRatio: plan.headroomRatio,
  utilization: plan.headroomRatio === null ? null : 1 - plan.headroomRatio,
  bottleneck: plan.bottleneck,
  p95Seconds: worst(plan),
  costPerMonth: plan.cost.perMonth,
  errors: plan.findings.filter(({ severity }) => severity === 'error').length,
  warnings: plan.findings.filter(({ severity }) => severity === 'warning').length,
})

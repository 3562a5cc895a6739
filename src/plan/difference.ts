/** What a change of a topology does to its plan: the numbers that a reviewer asks for, before and after. */
import type { Finding } from '../contract/finding.js'
import type { CapacityPlan } from './types.js'

export type DifferenceUnit = 'seconds' | 'ratio' | 'per-second' | 'count' | 'money'

export interface DifferenceRow {
  /** `all`, a class, a component, `host:db`. */
  readonly subject: string
  readonly quantity: string
  readonly unit: DifferenceUnit
  /** Null: it is not there, has no bound, or is not known. */
  readonly base: number | null
  readonly head: number | null
  /** Is more of it better (1), worse (−1), or neither (0)? */
  readonly better: 1 | -1 | 0
}

export interface PlanDifference {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'PlanDifference'
  readonly base: { readonly name: string; readonly digest: string }
  readonly head: { readonly name: string; readonly digest: string }
  readonly currency: string
  /** The bottleneck of each. */
  readonly bottlenecks: { readonly base: string | null; readonly head: string | null }
  readonly rows: readonly DifferenceRow[]
  /** `changed`: found in both, with other numbers; as it is after. */
  readonly findings: {
    readonly added: readonly Finding[]
    readonly removed: readonly Finding[]
    readonly changed: readonly Finding[]
  }
  /** Losses that are survived before or after, not both. */
  readonly survival: { readonly gained: readonly string[]; readonly lost: readonly string[] }
}

type Row = Omit<DifferenceRow, 'base' | 'head'> & { readonly value: number | null }

/** The load at which the first objective breaks. */
const kneeOf = ({ objectives, maxThroughputPerSecond }: CapacityPlan): number | null => {
  const breaks = objectives.flatMap(({ breaks: at }) => (at === null ? [] : [at.ratePerSecond]))
  return breaks.length === 0 ? maxThroughputPerSecond : Math.min(...breaks)
}

const rowsOf = (plan: CapacityPlan): readonly Row[] => [
  { subject: 'all', quantity: 'rate', unit: 'per-second', better: 0, value: plan.demand.throughputPerSecond },
  { subject: 'all', quantity: 'knee', unit: 'per-second', better: 1, value: kneeOf(plan) },
  { subject: 'all', quantity: 'at most', unit: 'per-second', better: 1, value: plan.maxThroughputPerSecond },
  { subject: 'all', quantity: 'headroom', unit: 'ratio', better: 1, value: plan.headroomRatio },
  { subject: 'all', quantity: 'mean response', unit: 'seconds', better: -1, value: plan.demand.responseSeconds },
  { subject: 'all', quantity: 'cost per month', unit: 'money', better: -1, value: plan.cost.perMonth },
  {
    subject: 'all',
    quantity: 'losses survived',
    unit: 'count',
    better: 1,
    value: plan.losses.filter(({ survives }) => survives).length,
  },
  ...Object.entries(plan.requests).flatMap(([subject, request]): readonly Row[] => [
    { subject, quantity: 'CPU', unit: 'seconds', better: -1, value: request.demandSeconds },
    { subject, quantity: 'mean', unit: 'seconds', better: -1, value: request.residenceSeconds },
    { subject, quantity: 'p95', unit: 'seconds', better: -1, value: request.p95Seconds },
  ]),
  ...plan.objectives.map(({ request, path, predicted }): Row => {
    const unit = path === 'errors' ? 'ratio' : 'seconds'
    return { subject: request, quantity: path, unit, better: -1, value: predicted }
  }),
  ...Object.entries(plan.components).map(([subject, { utilization }]): Row => {
    return { subject, quantity: 'utilization', unit: 'ratio', better: -1, value: utilization }
  }),
  ...Object.entries(plan.pools).map(([subject, { utilization }]): Row => {
    return { subject, quantity: 'utilization', unit: 'ratio', better: -1, value: utilization }
  }),
  ...Object.entries(plan.hosts).map(([id, { utilization }]): Row => {
    return { subject: `host:${id}`, quantity: 'utilization', unit: 'ratio', better: -1, value: utilization }
  }),
]

/** Relative difference below which two numbers are the same: the solver's own precision. */
const negligible = 1e-6

const same = (a: number | null, b: number | null): boolean =>
  a === b || (a !== null && b !== null && Math.abs(a - b) <= negligible * Math.max(Math.abs(a), Math.abs(b)))

/** What stands at the same place of both, or of one; those about all requests are kept when nothing changes, the rest only where something does. */
const differences = (base: CapacityPlan, head: CapacityPlan): readonly DifferenceRow[] => {
  const rows = new Map<string, DifferenceRow>()
  const keyOf = ({ subject, quantity }: Row): string => `${subject}\n${quantity}`
  for (const { value, ...row } of rowsOf(base)) rows.set(keyOf({ ...row, value }), { ...row, base: value, head: null })
  for (const { value, ...row } of rowsOf(head)) {
    const key = keyOf({ ...row, value })
    rows.set(key, { ...row, base: rows.get(key)?.base ?? null, head: value })
  }
  return [...rows.values()].filter((row) => row.subject === 'all' || !same(row.base, row.head))
}

/** The same finding, wherever in the file and with whatever numbers. */
const findingKey = ({ rule, subject, severity }: Finding): string => `${rule}\n${subject}\n${severity}`

/** Those of `some` that `others` has fewer of. */
const surplus = (some: readonly Finding[], others: readonly Finding[]): readonly Finding[] => {
  const left = new Map<string, number>()
  for (const finding of others) left.set(findingKey(finding), (left.get(findingKey(finding)) ?? 0) + 1)
  return some.filter((finding) => {
    const count = left.get(findingKey(finding)) ?? 0
    left.set(findingKey(finding), count - 1)
    return count <= 0
  })
}

const changedFindings = (base: CapacityPlan, head: CapacityPlan, added: readonly Finding[]): readonly Finding[] => {
  const before = new Set(
    base.findings.map(({ message, ...finding }) => `${findingKey({ message, ...finding })}\n${message}`),
  )
  return head.findings.filter(
    (finding) => !added.includes(finding) && !before.has(`${findingKey(finding)}\n${finding.message}`),
  )
}

export const planDifference = (base: CapacityPlan, head: CapacityPlan): PlanDifference => {
  const survived = (plan: CapacityPlan) => new Set(plan.losses.flatMap(({ id, survives }) => (survives ? [id] : [])))
  const [before, after] = [survived(base), survived(head)]
  const added = surplus(head.findings, base.findings)
  return {
    apiVersion: 'plimsoll/v1',
    kind: 'PlanDifference',
    base: base.topology,
    head: head.topology,
    currency: head.cost.currency,
    bottlenecks: { base: base.bottleneck, head: head.bottleneck },
    rows: differences(base, head),
    findings: {
      added,
      removed: surplus(base.findings, head.findings),
      changed: changedFindings(base, head, added),
    },
    survival: {
      gained: [...after].filter((id) => !before.has(id)),
      lost: [...before].filter((id) => !after.has(id)),
    },
  }
}

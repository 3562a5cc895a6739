import type { Finding } from '../../contract/finding.js'
import type { Topology } from '../../topology/types.js'
import type { CapacityPlan } from '../types.js'

export interface RuleInput {
  readonly topology: Topology
  /** Complete but for its findings. */
  readonly plan: CapacityPlan
  /** Visits of each component per request of the mix. */
  readonly visits: ReadonlyMap<string, number>
}

/** What a rule says; its id is added by the registry. */
export type RuleFinding = Omit<Finding, 'rule'>

/** One review rule: pure, in a file named like its id, with a page docs/rules/<id>.md. */
export type Rule = (input: RuleInput) => readonly RuleFinding[]

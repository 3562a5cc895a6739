import type { Finding } from '../../contract/finding.js'
import { headroom } from './headroom.js'
import { poolOversubscription } from './pool-oversubscription.js'
import type { Rule, RuleInput } from './rule.js'
import { saturated } from './saturated.js'
import { uncalibrated } from './uncalibrated.js'

/** Every rule by its id, which is the name of its file and of its page in docs/rules. */
export const rules = {
  saturated,
  'pool-oversubscription': poolOversubscription,
  headroom,
  uncalibrated,
} satisfies Readonly<Record<string, Rule>>

export type RuleId = keyof typeof rules

const order: Readonly<Record<Finding['severity'], number>> = { error: 0, warning: 1, info: 2 }

/** What all rules find, errors first; within a severity in the order of the registry. */
export const findingsOf = (input: RuleInput): readonly Finding[] =>
  Object.entries<Rule>(rules)
    .flatMap(([rule, check]) => check(input).map((finding): Finding => ({ rule, ...finding })))
    .sort((a, b) => order[a.severity] - order[b.severity])

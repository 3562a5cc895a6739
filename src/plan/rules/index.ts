import type { Finding, Severity } from '../../contract/finding.js'
import { nearest } from '../../lib/did-you-mean.js'
import { invalidInput } from '../../lib/errors.js'
import { Review, type ReviewInput } from '../facts/review.js'
import type { CapacityPlan } from '../types.js'
import { acquireTimeoutBeyondLock } from './acquire-timeout-beyond-lock.js'
import { availabilityTarget } from './availability-target.js'
import { cacheLoss } from './cache-loss.js'
import { cacheStampede } from './cache-stampede.js'
import { correlatedFailure } from './correlated-failure.js'
import { deepHealthCheck } from './deep-health-check.js'
import { headroom } from './headroom.js'
import { hitRatioContradicted } from './hit-ratio-contradicted.js'
import { livenessEqualsReadiness } from './liveness-equals-readiness.js'
import { lockAcrossSlowCall } from './lock-across-slow-call.js'
import { lockExpiresEarly } from './lock-expires-early.js'
import { memoryAtLimit } from './memory-at-limit.js'
import { metastableRetries } from './metastable-retries.js'
import { missingDeadLetter } from './missing-dead-letter.js'
import { missingHealthCheck } from './missing-health-check.js'
import { noAutomaticPromotion } from './no-automatic-promotion.js'
import { plaintextSecret } from './plaintext-secret.js'
import { poolBeyondCores } from './pool-beyond-cores.js'
import { poolDeadlock } from './pool-deadlock.js'
import { poolOversubscription } from './pool-oversubscription.js'
import { queueHoldsTooLong } from './queue-holds-too-long.js'
import { quorumOfTwo } from './quorum-of-two.js'
import { replicaLag } from './replica-lag.js'
import { retryAmplification } from './retry-amplification.js'
import type { Rule } from './rule.js'
import { saturated } from './saturated.js'
import { scalingMetricCannotMove } from './scaling-metric-cannot-move.js'
import { scalingSlowerThanRamp } from './scaling-slower-than-ramp.js'
import { shardSkew } from './shard-skew.js'
import { singlePointOfFailure } from './single-point-of-failure.js'
import { sloBelowServiceTime } from './slo-below-service-time.js'
import { slotsAndCores } from './slots-and-cores.js'
import { throughputClaim } from './throughput-claim.js'
import { timeoutInversion } from './timeout-inversion.js'
import { triggerBeyondQueue } from './trigger-beyond-queue.js'
import { unboundedQueue } from './unbounded-queue.js'
import { uncalibrated } from './uncalibrated.js'

/** Every rule by its id, which is the name of its file and of its page in docs/rules; in the order in which findings are told. */
export const rules = {
  saturated,
  'pool-oversubscription': poolOversubscription,
  'pool-deadlock': poolDeadlock,
  'acquire-timeout-beyond-lock': acquireTimeoutBeyondLock,
  'lock-expires-early': lockExpiresEarly,
  'timeout-inversion': timeoutInversion,
  'memory-at-limit': memoryAtLimit,
  'quorum-of-two': quorumOfTwo,
  'queue-holds-too-long': queueHoldsTooLong,
  'trigger-beyond-queue': triggerBeyondQueue,
  'throughput-claim': throughputClaim,
  'slo-below-service-time': sloBelowServiceTime,
  'availability-target': availabilityTarget,
  'replica-lag': replicaLag,
  'deep-health-check': deepHealthCheck,
  'plaintext-secret': plaintextSecret,
  headroom,
  'single-point-of-failure': singlePointOfFailure,
  'correlated-failure': correlatedFailure,
  'no-automatic-promotion': noAutomaticPromotion,
  'cache-loss': cacheLoss,
  'cache-stampede': cacheStampede,
  'shard-skew': shardSkew,
  'lock-across-slow-call': lockAcrossSlowCall,
  'retry-amplification': retryAmplification,
  'metastable-retries': metastableRetries,
  'pool-beyond-cores': poolBeyondCores,
  'slots-and-cores': slotsAndCores,
  'unbounded-queue': unboundedQueue,
  'missing-dead-letter': missingDeadLetter,
  'missing-health-check': missingHealthCheck,
  'liveness-equals-readiness': livenessEqualsReadiness,
  'scaling-metric-cannot-move': scalingMetricCannotMove,
  'scaling-slower-than-ramp': scalingSlowerThanRamp,
  'hit-ratio-contradicted': hitRatioContradicted,
  uncalibrated,
} satisfies Readonly<Record<string, Rule>>

export type RuleId = keyof typeof rules

export const ruleIds = Object.keys(rules) as readonly RuleId[]

export const isRuleId = (text: string): text is RuleId => Object.hasOwn(rules, text)

const order: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** What the rules find, errors first; within a severity in the order of the registry. `policy.rules` has the last word on severities. */
export const findingsOf = (input: ReviewInput): readonly Finding[] => {
  const levels = levelsOf(input)
  const review = new Review(input)
  return Object.entries<Rule>(rules)
    .flatMap(([id, rule]) => {
      const level = levels[id]
      if (level === 'off') return []
      return rule.check(review).map(
        ({ severity, ...finding }): Finding => ({
          rule: id,
          severity: level ?? severity ?? rule.severity,
          ...finding,
        }),
      )
    })
    .sort((a, b) => order[a.severity] - order[b.severity])
}

/** A plan with the findings of these rules alone; undefined: of all. */
export const reviewedBy = (plan: CapacityPlan, only: ReadonlySet<string> | undefined): CapacityPlan =>
  only === undefined ? plan : { ...plan, findings: plan.findings.filter(({ rule }) => only.has(rule)) }

/** Throws for a rule that there is not: a slip of the keyboard would silently change nothing. */
const levelsOf = ({ topology }: ReviewInput) => {
  const levels = topology.policy.rules ?? {}
  const unknown = Object.keys(levels).filter((id) => !isRuleId(id))
  if (unknown.length > 0)
    throw invalidInput(
      ...unknown.map((id) => {
        const near = nearest(id, ruleIds)
        return {
          message: `rules: there is no review rule "${id}"`,
          position: topology.source.locate(['policy', 'rules', id]),
          hint: near === undefined ? `one of: ${ruleIds.join(', ')}` : `did you mean "${near}"?`,
        }
      }),
    )
  return levels
}

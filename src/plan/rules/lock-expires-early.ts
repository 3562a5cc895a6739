import { seconds } from '../../lib/words.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Review, RunFlow } from '../facts/review.js'
import { durationText } from '../facts/text.js'
import type { Rule, RuleFinding } from './rule.js'

/** The lock is gone while its holder still works: two are inside. */
export const lockExpiresEarly: Rule = {
  severity: 'error',
  explanation: 'A lock expires before the work under it ends, and a second holder works beside the first.',
  formula: 'ttl < p99 of the work, or < Σ attempts × timeout of what is done under it',
  check: (review) =>
    review.flows.flatMap((run) =>
      [...walk(run.flow)].flatMap((step) => (step.kind === 'lock' ? judged(review, run, step) : [])),
    ),
}

/** Room above the longest that the work may take. */
const room = 1.5

const judged = (review: Review, run: RunFlow, lock: Extract<Step, { kind: 'lock' }>): readonly RuleFinding[] => {
  const p99 = review.quantileOf(run.service, lock.do, 0.99)
  // With fencing what comes too late is refused: then only what usually happens counts.
  const limits = lock.fencing ? [] : limitsIn(lock.do)
  const allowed = limits.reduce((sum, { seconds: each }) => sum + each, 0)
  const longest = Math.max(p99, allowed)
  if (longest <= lock.ttlSeconds) return []
  const path = [...lock.path, 'ttl']
  return [
    {
      subject: lock.id,
      message: `the lock expires after ${seconds(lock.ttlSeconds)}, and the work under it may take ${seconds(longest)}`,
      arithmetic:
        p99 >= allowed
          ? `p99 of the work ${seconds(p99)} (mean ${seconds(review.timeOf(run.service, lock.do).mean)}) > ttl ${seconds(lock.ttlSeconds)}`
          : `${limits.map(({ sentence }) => sentence).join(' + ')} = ${seconds(allowed)} > ttl ${seconds(lock.ttlSeconds)}`,
      fix: `a ttl of ${durationText(longest * room, 'up')}, shorter work, or fencing: true, so that who comes too late is refused`,
      patches: [{ path, value: durationText(longest * room, 'up') }],
      position: review.locate(...path),
    },
  ]
}

/** What the steps under a lock are allowed to take by their own timeouts. */
const limitsIn = (steps: readonly Step[]): readonly { readonly seconds: number; readonly sentence: string }[] =>
  steps.flatMap((step) => {
    const attempts = step.retry?.attempts ?? 1
    if (step.deadlineSeconds !== undefined)
      return [{ seconds: step.deadlineSeconds, sentence: `${step.id} ${seconds(step.deadlineSeconds)}` }]
    if (step.timeoutSeconds !== undefined) {
      const all = attempts * step.timeoutSeconds
      return [
        { seconds: all, sentence: `${step.id} ${attempts > 1 ? `${attempts} × ` : ''}${seconds(step.timeoutSeconds)}` },
      ]
    }
    if (step.kind === 'transaction' || step.kind === 'lock') return limitsIn(step.do)
    return step.kind === 'saga' ? limitsIn(step.entries.map((entry) => entry.step)) : []
  })

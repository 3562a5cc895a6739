import { percent, perSecond, seconds } from '../../lib/words.js'
import { type Step, walk } from '../../topology/flow.js'
import { groupsOf } from '../facts/popularity.js'
import type { Review, RunFlow } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** Whoever wants the same key waits for the whole of it: a key is served 1/hold times a second, whatever else there is. */
export const lockAcrossSlowCall: Rule = {
  severity: 'warning',
  explanation: 'A lock is held so long that its most popular keys are asked for more often than they can be served.',
  formula: 'λ × p(key) × hold ≥ 1; ceiling of a key = 1/hold',
  check: (review) =>
    review.flows.flatMap((run) =>
      [...walk(run.flow)].flatMap((step) => (step.kind === 'lock' ? judged(review, run, step) : [])),
    ),
}

/** What is called under a lock and takes no longer than this is no reason to change anything. */
const quickSeconds = 0.02
const full = 0.995

const judged = (
  review: Review,
  { service }: RunFlow,
  lock: Extract<Step, { kind: 'lock' }>,
): readonly RuleFinding[] => {
  const hold = review.timeOf(service, lock.do).mean
  const slow = [...walk(lock.do)].filter(
    (step) => (step.kind === 'call' || step.kind === 'wait') && review.timeOf(service, [step]).mean > quickSeconds,
  )
  const rate = review.rateOf(lock)
  let saturatedShare = 0
  let saturatedKeys = 0
  let hottest = 0
  const data = lock.key === undefined ? undefined : review.topology.data[lock.key]
  for (const { count, probability } of groupsOf(data)) {
    hottest = Math.max(hottest, probability)
    // A closed loop holds its bottleneck just at its ceiling.
    if (rate * probability * hold < full) break
    saturatedShare += count * probability
    saturatedKeys += count
  }
  if (saturatedKeys === 0 && slow.length === 0) return []
  const key = lock.key ?? 'it'
  const what =
    saturatedKeys > 0
      ? `${percent(saturatedShare)} of its requests meet a saturated key (${saturatedKeys} of ${data?.keys ?? 1}), and wait in a queue that grows`
      : `at ${perSecond(rate)} no key is saturated yet`
  return [
    {
      subject: lock.id,
      message: `${lock.id} holds ${key} for ${seconds(hold)}${slow.length > 0 ? `, ${slow.map(({ id, kind }) => `${kind} ${id}`).join(', ')} included` : ''}: ${what}`,
      arithmetic: `ceiling of one key 1/${seconds(hold)} = ${perSecond(1 / hold)}; the most popular is asked for ${perSecond(rate)} × ${percent(hottest)} = ${perSecond(rate * hottest)}: ${percent(rate * hottest * hold)} of it; ${percent(saturatedShare)} of requests meet a saturated key`,
      fix:
        slow.length > 0
          ? 'call before the lock or after it, and hold it for the change alone'
          : 'check before the lock whether there is anything to do (is it sold out?), a shorter hold, or the key split into several (stock in buckets)',
      position: review.locate(...lock.path),
    },
  ]
}

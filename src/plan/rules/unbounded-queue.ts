import { number, perSecond, seconds } from '../../lib/words.js'
import { delayTargetOf, queuesOf } from '../facts/queues.js'
import { roundCount } from '../facts/text.js'
import type { Rule } from './rule.js'

/** What a queue may hold when nothing else says how long anything may wait. */
const usualSeconds = 60

/** A queue without a limit turns an overload of minutes into a delay of hours, until memory ends it. */
export const unboundedQueue: Rule = {
  severity: 'warning',
  explanation: 'A queue has no limit: whatever comes faster than it is taken waits, ever longer, until memory is full.',
  formula: 'maxLength = ∞: (λ − μ) × t messages after t seconds of overload',
  check: (review) =>
    queuesOf(review).flatMap(({ store, queue, consumers, isDeadLetter, perSecond: taken, sentence }) => {
      // What failed is kept on purpose, and a time to live bounds what is not.
      if (queue.maxLength !== undefined || queue.ttlSeconds !== undefined || isDeadLetter) return []
      const target = delayTargetOf(review, store.id, queue.id, consumers)
      const holds = target?.seconds ?? usualSeconds
      const slots = consumers.reduce((sum, worker) => sum + worker.slots * worker.replicas, 0)
      // Fewer than the slots would let them idle.
      const limit = taken === undefined ? undefined : Math.max(slots, roundCount(taken * holds))
      return [
        {
          subject: `${store.id}.${queue.id}`,
          message: `${store.id}.${queue.id} has neither a maxLength nor a ttl`,
          arithmetic:
            taken === undefined
              ? 'maxLength = ∞, and nobody takes from it'
              : `maxLength = ∞; it is emptied at ${sentence} = ${perSecond(taken)}, so ${seconds(holds)}${target === undefined ? '' : ` (${target.path} of ${target.request})`} are ${number(Math.floor(taken * holds))} messages`,
          fix: `maxLength: ${limit ?? 1000}, and what does not fit is told so at once`,
          patches: [{ path: ['components', store.id, 'queues', queue.id, 'maxLength'], value: limit ?? 1000 }],
          position: review.locate('components', store.id, 'queues', queue.id),
        },
      ]
    }),
}

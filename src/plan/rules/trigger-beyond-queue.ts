import { number } from '../../lib/words.js'
import { isQueueTrigger } from '../../policy/autoscaler/scaling.js'
import type { ServiceComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import { roundCount } from '../facts/text.js'
import type { Rule, RuleFinding } from './rule.js'

/** The queue is full, and refuses, before it is long enough to add a replica. */
export const triggerBeyondQueue: Rule = {
  severity: 'error',
  explanation: "A queue's own limit keeps it from ever being long enough for the autoscaler.",
  formula: 'maxLength ≤ target × (1 + tolerance) (× replicas)',
  check: (review) => review.services.flatMap((service) => judged(review, service)),
}

/** Of the limit, where the trigger is put. */
const early = 0.5

const judged = (review: Review, service: ServiceComponent): readonly RuleFinding[] => {
  const { scaling, consumes } = service
  const store = consumes === undefined ? undefined : review.topology.components[consumes.component]
  const queue = store?.role === 'store' && consumes?.queue !== undefined ? store.queues[consumes.queue] : undefined
  if (scaling === undefined || queue?.maxLength === undefined) return []
  const { maxLength } = queue
  const least = Math.max(1, scaling.min)
  if (least >= scaling.max) return []
  return scaling.triggers.flatMap((trigger, index): readonly RuleFinding[] => {
    if (!isQueueTrigger(trigger)) return []
    const each = trigger.metric === 'queueLengthPerReplica'
    const needed = trigger.target * (each ? least : 1) * (1 + scaling.tolerance)
    if (maxLength > needed && maxLength > trigger.activation) return []
    const target = roundCount((maxLength * early) / (each ? least : 1))
    return [
      {
        subject: service.id,
        message: `${service.id} never scales by ${trigger.metric}: ${store?.id}.${queue.id} refuses at ${maxLength}, before the trigger fires`,
        arithmetic: `${trigger.target}${each ? ` × ${least} replicas` : ''} × (1 + ${number(scaling.tolerance * 100)} %) = ${number(needed)} ≥ maxLength ${maxLength}${trigger.activation >= maxLength ? `; activation ${trigger.activation} ≥ ${maxLength}` : ''}`,
        fix: `${trigger.metric}: ${target}, or a queue of more than ${number(Math.ceil(needed))}`,
        patches: [
          { path: ['components', service.id, 'scaling', 'triggers', index, trigger.metric], value: target },
          ...(trigger.activation >= maxLength
            ? [{ path: ['components', service.id, 'scaling', 'triggers', index, 'activation'], value: 0 }]
            : []),
        ],
        position: review.locate('components', service.id, 'scaling', 'triggers', index, trigger.metric),
      },
    ]
  })
}

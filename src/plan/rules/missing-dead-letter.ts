import type { Patch } from '../../contract/finding.js'
import { queuesOf } from '../facts/queues.js'
import type { Rule } from './rule.js'

/** Deliveries until a message is taken to be poison, when nobody says. */
const usualDeliveries = 5
const failedLength = 10_000

/** What cannot be worked on is delivered for ever, or is lost without a trace. */
export const missingDeadLetter: Rule = {
  severity: 'warning',
  explanation: 'A message that cannot be worked on is delivered again and again, or is lost without a trace.',
  formula: 'deliveries of a poison message = ∞ (or maxDeliveries, then lost)',
  check: (review) =>
    queuesOf(review).flatMap(({ store, queue, consumers, isDeadLetter }) => {
      if (queue.deadLetter !== undefined || isDeadLetter || consumers.length === 0) return []
      const retries = consumers.some(({ acknowledge }) => acknowledge === 'after-work')
      // Who acknowledges before the work loses what fails, and has said so.
      if (!retries) return []
      const name = deadLetterName(queue.id, Object.keys(store.queues))
      const at = (...path: string[]) => ['components', store.id, 'queues', ...path]
      const patches: Patch[] = [
        { path: at(name), value: { maxLength: failedLength } },
        { path: at(queue.id, 'deadLetter'), value: name },
        ...(queue.maxDeliveries === undefined ? [{ path: at(queue.id, 'maxDeliveries'), value: usualDeliveries }] : []),
      ]
      return [
        {
          subject: `${store.id}.${queue.id}`,
          message:
            queue.maxDeliveries === undefined
              ? `a message of ${store.id}.${queue.id} that always fails is delivered for ever, and holds a slot each time`
              : `a message of ${store.id}.${queue.id} is lost after ${queue.maxDeliveries} deliveries`,
          arithmetic: `${consumers.map(({ id, slots, replicas }) => `${id}: ${replicas} × ${slots} slots`).join(', ')}; ${queue.maxDeliveries ?? '∞'} deliveries, no deadLetter: as many poison messages as slots stop all work`,
          fix: `deadLetter: ${name} after maxDeliveries: ${queue.maxDeliveries ?? usualDeliveries}`,
          patches,
          position: review.locate('components', store.id, 'queues', queue.id),
        },
      ]
    }),
}

const deadLetterName = (queue: string, taken: readonly string[]): string => {
  let name = `${queue.slice(0, 56)}-failed`
  for (let i = 2; taken.includes(name); i++) name = `${queue.slice(0, 52)}-failed-${i}`
  return name
}

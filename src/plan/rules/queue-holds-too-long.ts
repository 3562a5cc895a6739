import { number, perSecond, seconds } from '../../lib/words.js'
import { delayTargetOf, queuesOf } from '../facts/queues.js'
import { roundCount } from '../facts/text.js'
import type { Rule, RuleFinding } from './rule.js'

/** A full queue holds so much work that its last message expires, or misses its objective, before it is taken. */
export const queueHoldsTooLong: Rule = {
  severity: 'error',
  explanation: 'A full queue holds its messages longer than they live, or than an objective allows.',
  formula: 'maxLength / μ > ttl, or > objective',
  check: (review) =>
    queuesOf(review).flatMap(({ store, queue, consumers, perSecond: taken, sentence }): readonly RuleFinding[] => {
      const { maxLength, ttlSeconds } = queue
      if (maxLength === undefined || taken === undefined || taken <= 0) return []
      const holds = maxLength / taken
      const target = delayTargetOf(review, store.id, queue.id, consumers)
      const wanted = Math.min(ttlSeconds ?? Number.POSITIVE_INFINITY, target?.seconds ?? Number.POSITIVE_INFINITY)
      if (holds <= wanted) return []
      const what =
        ttlSeconds === wanted
          ? `its ttl of ${seconds(wanted)}`
          : `the ${seconds(wanted)} that ${target?.path} of ${target?.request} allows`
      const fits = Math.floor(taken * wanted)
      const slots = consumers.reduce((sum, worker) => sum + worker.slots * worker.replicas, 0)
      const most = consumers.reduce(
        (sum, worker) => sum + worker.slots * Math.max(worker.replicas, worker.scaling?.max ?? 0),
        0,
      )
      const path = ['components', store.id, 'queues', queue.id, 'maxLength']
      const finding = {
        subject: `${store.id}.${queue.id}`,
        message: `a full ${store.id}.${queue.id} holds ${seconds(holds >= 10 ? Math.round(holds) : holds)} of work, and ${what} is over long before`,
        arithmetic: `${maxLength} / (${sentence}) = ${maxLength} / ${perSecond(taken)} = ${seconds(holds)} > ${seconds(wanted)}${most > slots ? `; with all ${number(most)} slots of its autoscaler ${seconds((holds * slots) / most)}` : ''}`,
        position: review.locate(...path),
      }
      if (fits >= slots && fits >= 1)
        return [
          {
            ...finding,
            fix: `at most ${fits} messages: ${perSecond(taken)} × ${seconds(wanted)}`,
            patches: [{ path, value: roundCount(fits) }],
          },
        ]
      const noLength = `${perSecond(taken)} × ${seconds(wanted)} = ${number(taken * wanted)} messages: no length keeps it`
      if (maxLength > slots)
        return [
          {
            ...finding,
            fix: `${noLength}; one message per slot, ${slots}, is the least that keeps ${slots} slots at work`,
            patches: [{ path, value: slots }],
          },
        ]
      return [
        {
          ...finding,
          // The limit is as low as it can be: what is left is a matter of slots and time.
          severity: 'warning',
          fix: `${noLength}; more slots, shorter work, or another objective`,
          decision: `either more slots than ${slots}, or an objective that ${slots} slots can keep, or refuse what cannot start at once`,
        },
      ]
    }),
}

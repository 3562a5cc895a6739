import { number, perSecond } from '../../lib/words.js'
import type { ServiceComponent } from '../../topology/types.js'
import { messageCapacity } from '../facts/queues.js'
import type { Review } from '../facts/review.js'
import type { Rule } from './rule.js'

/** More is claimed than slots divided by time can do. */
export const throughputClaim: Rule = {
  severity: 'error',
  explanation: 'A service is said to do more than its slots (or cores) can do in the time that its work takes.',
  formula: 'claimed > replicas × slots / time',
  check: (review) =>
    review.services.flatMap((service) => {
      const claimed = service.claims?.throughputPerSecond
      const possible = capacityOf(review, service)
      if (claimed === undefined || possible === undefined || claimed <= possible.perSecond) return []
      const wanted = Math.ceil((service.replicas * claimed) / possible.perSecond)
      return [
        {
          subject: service.id,
          message: `${service.id} is said to do ${perSecond(claimed)}, and can do ${perSecond(possible.perSecond)}`,
          arithmetic: `${possible.sentence} = ${perSecond(possible.perSecond)} < ${perSecond(claimed)}${possible.range === undefined ? '' : `; ${possible.range}`}${rangeOf(service, possible.perSecond)}`,
          fix: `claim ${perSecond(possible.perSecond)}, or run ${number(wanted)} replicas instead of ${service.replicas}`,
          decision: `whether ${perSecond(claimed)} is wanted (then ${number(wanted)} replicas instead of ${service.replicas}) or was a mistake (then claim ${perSecond(possible.perSecond)})`,
          position: review.locate('components', service.id, 'claims', 'throughput'),
        },
      ]
    }),
}

const capacityOf = (
  review: Review,
  service: ServiceComponent,
): { readonly perSecond: number; readonly sentence: string; readonly range?: string } | undefined => {
  if (service.consumes !== undefined) return messageCapacity(review, service)
  const planned = review.plan.components[service.id]
  const max = planned?.maxThroughputPerSecond ?? null
  return planned === undefined || max === null
    ? undefined
    : { perSecond: max * planned.visitsPerRequest, sentence: planned.limit }
}

/** What it would be at the autoscaler's maximum. */
const rangeOf = ({ scaling, replicas }: ServiceComponent, perSecondNow: number): string =>
  scaling === undefined || scaling.max <= replicas
    ? ''
    : `; at the autoscaler's maximum of ${scaling.max} replicas ${perSecond((perSecondNow * scaling.max) / replicas)}`

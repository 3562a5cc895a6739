import { seconds } from '../../lib/words.js'
import type { Moments } from '../../sim/analytic/gamma.js'
import { walk } from '../../topology/flow.js'
import type { Objective, RequestClass } from '../../topology/types.js'
import { quantile, type Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** An objective that not even a request alone on the system meets. No capacity helps. */
export const sloBelowServiceTime: Rule = {
  severity: 'error',
  explanation: 'An objective is below the time that a request takes with nobody else on the system.',
  formula: 'objective < quantile of the time at zero load',
  check: (review) =>
    review.requests.flatMap((request) => request.slo.flatMap((objective) => judged(review, request, objective))),
}

const shares: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 }

/** Fitted quantiles are good to a few per cent: what is closer is not told. */
const margin = 1.05

const judged = (review: Review, request: RequestClass, { path, bound }: Objective): readonly RuleFinding[] => {
  const outcome = path.startsWith('outcomes.hit.') ? true : path.startsWith('outcomes.miss.') ? false : undefined
  if (!path.startsWith('latency.') && outcome === undefined) return []
  // What a class answers on a hit is one lookup's matter: with several of them "hit" is no single way.
  if (outcome !== undefined && [...walk(request.flow)].filter(({ kind }) => kind === 'lookup').length > 1) return []
  const name = path.split('.').at(-1) ?? ''
  const moments = review.responseOf(request, outcome)
  const least = leastOf(moments, name)
  if (least === undefined || least <= bound * margin) return []
  const key = outcome === undefined ? [name] : [outcome ? 'hit' : 'miss', name]
  const place = request.derivedFrom === undefined ? [request.id] : [request.derivedFrom, 'poll']
  return [
    {
      subject: request.id,
      message: `${request.id} cannot keep ${path} ≤ ${seconds(bound)}: alone on the system it takes ${seconds(least)}`,
      arithmetic: `${sentenceOf(review, request, outcome)}: mean ${seconds(moments.mean)}, ${name} ${seconds(least)} > ${seconds(bound)}`,
      fix: `less work or shorter waits per request, or an objective of ${seconds(least)} and more`,
      decision: `make ${request.id} faster by ${seconds(least - bound)}, answer before the work is done (a queue), or promise what is possible`,
      position: review.locate('requests', ...place, 'slo', ...key),
    },
  ]
}

const leastOf = (moments: Moments, name: string): number | undefined => {
  if (name === 'mean') return moments.mean
  const share = shares[name]
  return share === undefined ? undefined : quantile(moments, share)
}

const sentenceOf = ({ plan }: Review, request: RequestClass, outcome: boolean | undefined): string => {
  const planned = plan.requests[request.id]
  return outcome === undefined && planned !== undefined
    ? `CPU ${seconds(planned.demandSeconds)}, waits ${seconds(planned.waitSeconds)}`
    : outcome === true
      ? 'the way of a hit'
      : 'the way of a miss'
}

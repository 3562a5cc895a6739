import { walk } from '../../topology/flow.js'
import type { RequestClass } from '../../topology/types.js'
import { availabilityOf, chainOf } from '../facts/availability.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** What is in series multiplies: a chain is less available than its weakest link. */
export const availabilityTarget: Rule = {
  severity: 'error',
  explanation: 'The redundancy that is there cannot keep the availability that is promised.',
  formula: 'Π over the chain of (1 − Π over the copies of (1 − a)) < objective',
  check: (review) =>
    review.requests.flatMap((request) => {
      const objective = request.slo.find(({ path }) => path === 'availability')
      return objective === undefined ? [] : judged(review, request, objective.bound)
    }),
}

const judged = (review: Review, request: RequestClass, bound: number): readonly RuleFinding[] => {
  const links = chainOf(review, request).map((component) => ({ component, ...availabilityOf(review, component) }))
  const product = links.reduce((all, { availability }) => all * availability, 1)
  if (product >= bound) return []
  const weakest = [...links].sort((a, b) => a.availability - b.availability)[0]
  const degraded = [...walk(request.flow)].filter(({ fallback }) => fallback !== undefined).length
  return [
    {
      subject: request.id,
      message: `${request.id} promises ${nines(bound)}, and what it depends on is there ${nines(product)} of the time`,
      arithmetic: `${links.map(({ component, sentence }) => `${component.id} ${sentence}`).join(' × ')} = ${nines(product)} < ${nines(bound)}: ${down(product)} a month instead of ${down(bound)}${degraded > 0 ? `; ${degraded} fallbacks counted as answers` : ''}`,
      fix: `the weakest link is ${weakest?.component.id ?? 'none'} (${nines(weakest?.availability ?? 1)}): another copy of it, on another machine, or a fallback for when it is away`,
      decision: `pay for another ${weakest?.component.id ?? 'copy'} on a machine of its own, answer without it, or promise ${nines(product)}`,
      position: review.locate('requests', request.derivedFrom ?? request.id, 'slo', 'availability'),
    },
  ]
}

/** `99.95 %`: as many digits as it takes to tell it from 100 %. */
const nines = (ratio: number): string => {
  const digits = ratio >= 1 ? 3 : Math.min(12, Math.max(3, Math.ceil(-Math.log10(1 - ratio)) + 2))
  return `${Number((ratio * 100).toFixed(Math.max(0, digits - 2)))} %`
}

/** Of a month of 30 days. */
const down = (ratio: number): string => {
  const minutes = (1 - ratio) * 30 * 24 * 60
  return minutes >= 90 ? `${Number((minutes / 60).toPrecision(3))} h` : `${Number(minutes.toPrecision(3))} min`
}

import type { Patch } from '../../contract/finding.js'
import { number } from '../../lib/words.js'
import { amplifications, factorOf } from '../facts/retries.js'
import type { Rule } from './rule.js'

/** Retries at one tier may do this; from here on they are multiplied by those of another. */
const tolerated = 4

/** Tiers that each retry multiply: what is lowest gets the product when it can least bear it. */
export const retryAmplification: Rule = {
  severity: 'warning',
  explanation: 'Retries at several tiers multiply: what fails gets many times its load.',
  formula: 'Π attempts (or 1 + budget) ≥ 4 over at least two tiers',
  check: (review) => {
    const told = new Set<string>()
    return amplifications(review).flatMap(({ request, tiers, step }) => {
      const retrying = tiers.filter(({ retry }) => factorOf(retry) > 1)
      const factor = retrying.reduce((product, { retry }) => product * factorOf(retry), 1)
      const innermost = retrying.at(-1)
      if (retrying.length < 2 || factor < tolerated || innermost === undefined) return []
      const key = retrying.map(({ path }) => path.join('/')).join(' ')
      if (told.has(key)) return []
      told.add(key)
      const patches = retrying
        .slice(1)
        .filter(({ retry }) => retry.budget === undefined || retry.budget > 0.2)
        .map(({ path }): Patch => ({ path: [...path, 'budget'], value: '10%' }))
      return [
        {
          subject: step.id,
          message: `when ${step.id} fails, ${request.id} tries it up to ${number(factor)} times`,
          arithmetic: `${retrying.map(({ name, retry }) => `${name}: ${retry.budget === undefined || retry.budget >= retry.attempts - 1 ? `${retry.attempts} attempts` : `1 + ${number(retry.budget * 100)} % budget`}`).join(' × ')} = ${number(factor)}`,
          fix: 'retry at one tier only, or give the inner tiers a budget',
          ...(patches.length > 0 ? { patches } : {}),
          position: review.locate(...innermost.path),
        },
      ]
    })
  },
}

import type { Patch } from '../../contract/finding.js'
import { number, percent, perSecond } from '../../lib/words.js'
import { amplifications, factorOf } from '../facts/retries.js'
import type { Review } from '../facts/review.js'
import type { Limit } from '../types.js'
import type { Rule } from './rule.js'

/**
 * Once everything times out, retries keep it so: the load is then λ(1 + k), and if that is beyond μ, a spike that is long over
 * is never recovered from. Source: Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021.
 */
export const metastableRetries: Rule = {
  severity: 'warning',
  explanation: 'After a spike the retries alone keep a resource overloaded: it does not recover by itself.',
  formula: 'λ × (1 + k) / μ ≥ 1, with λ / μ < 1',
  check: (review) => {
    // A closed loop has no more requests than users: it waits, and recovers.
    if (review.plan.demand.traffic !== 'open') return []
    const factors = factorsOf(review)
    return review.plan.limits.flatMap((limit) => {
      const { utilization, maxThroughputPerSecond: max } = limit
      if (limit.kind !== 'cpu' || max === null || utilization >= 1) return []
      const amplified = amplifiedOf(review, limit, factors)
      if (amplified.utilization < 1 || amplified.patches.length === 0) return []
      const k = amplified.utilization / utilization - 1
      return [
        {
          subject: limit.id,
          message: `once requests time out at ${limit.id}, their retries alone keep it overloaded`,
          arithmetic: `λ(1 + k)/μ = ${perSecond(review.throughput)} × (1 + ${number(k)}) / ${perSecond(max)} = ${percent(amplified.utilization)}; without retries ${percent(utilization)}`,
          fix: `a retry budget, so that 1 + k stays below ${number(1 / utilization)}; or onAbort: cancel, so that abandoned work costs nothing`,
          patches: amplified.patches,
          position: review.locate(...(amplified.patches[0]?.path.slice(0, -1) ?? ['components', limit.id])),
        },
      ]
    })
  },
}

interface Factor {
  readonly factor: number
  readonly budgets: readonly Patch[]
}

/** By class and component: executions per first attempt when all attempts fail, and the budgets that would limit them. */
const factorsOf = (review: Review): ReadonlyMap<string, Factor> => {
  const factors = new Map<string, Factor>()
  const add = (key: string, factor: number, budgets: readonly Patch[]): void => {
    if (factor > (factors.get(key)?.factor ?? 1)) factors.set(key, { factor, budgets })
  }
  for (const { request, component, tiers } of amplifications(review)) {
    // Only who gives up in time, while the work goes on, adds load.
    const counted = tiers.filter(({ retry }) => factorOf(retry) > 1)
    const factor = counted.reduce((product, { retry }) => product * factorOf(retry), 1)
    const budgets = counted
      .filter(({ retry }) => retry.budget === undefined || retry.budget > 0.1)
      .map(({ path }): Patch => ({ path: [...path, 'budget'], value: '10%' }))
    add(`${request.id} ${component}`, factor, budgets)
  }
  for (const request of review.requests) {
    const { retry, timeoutSeconds } = request.client
    const service = review.topology.components[request.serve]
    if (retry === undefined || timeoutSeconds === undefined || service?.role !== 'service') continue
    if (service.onAbort === 'cancel') continue
    const budgets: Patch[] =
      retry.budget === undefined || retry.budget > 0.1
        ? [{ path: ['requests', request.id, 'client', 'retry', 'budget'], value: '10%' }]
        : []
    for (const id of [...request.enter, request.serve]) add(`${request.id} ${id}`, factorOf(retry), budgets)
  }
  return factors
}

const amplifiedOf = (
  { plan, requests }: Review,
  limit: Limit,
  factors: ReadonlyMap<string, Factor>,
): { readonly utilization: number; readonly patches: readonly Patch[] } => {
  let all = 0
  let amplified = 0
  const patches = new Map<string, Patch>()
  for (const request of requests) {
    const perSecondOf = plan.requests[request.id]?.arrivalRatePerSecond ?? 0
    const cpuSeconds = plan.demand.requests[request.id]?.[limit.id]?.cpuSeconds ?? 0
    const factor = factors.get(`${request.id} ${limit.id}`)
    all += perSecondOf * cpuSeconds
    amplified += perSecondOf * cpuSeconds * (factor?.factor ?? 1)
    if (cpuSeconds > 0) for (const patch of factor?.budgets ?? []) patches.set(patch.path.join('/'), patch)
  }
  return {
    utilization: all > 0 ? limit.utilization * (amplified / all) : limit.utilization,
    patches: [...patches.values()],
  }
}

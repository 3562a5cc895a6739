import { number, percent, seconds } from '../../lib/words.js'
import type { ServiceComponent } from '../../topology/types.js'
import { coresPerReplica } from '../facts/machines.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** Slots that wait for a core make tasks slow; cores that wait for a slot make the queue long. */
export const slotsAndCores: Rule = {
  severity: 'warning',
  explanation:
    'A worker has more tasks in hand than its cores can serve, or too few to keep them busy while tasks wait.',
  formula: 'slots × cpu/(cpu + wait) > cores, or < cores/2 while the slots are full',
  check: (review) =>
    review.services.flatMap((service) => (service.consumes === undefined ? [] : judged(review, service))),
}

/** From here on slots are what limits. */
const full = 0.8

const judged = (review: Review, worker: ServiceComponent): readonly RuleFinding[] => {
  // Without a host or a quota it has as many cores as slots.
  if (worker.host === undefined && worker.resources.cpu === undefined) return []
  const { mean } = review.timeOf(worker, worker.flow)
  const cpu = ownCpuOf(review, worker)
  const cores = coresPerReplica(review, worker)
  if (mean <= 0 || cpu <= 0) return []
  const share = Math.min(1, cpu / mean)
  const busy = worker.slots * share
  const sentence = `${worker.slots} slots × ${seconds(cpu)} / ${seconds(mean)} = ${number(busy)}`
  const path = ['components', worker.id, 'slots']
  const fitting = Math.max(1, Math.floor(cores / share + 1e-9))
  const finding = (message: string, arithmetic: string, fix: string): RuleFinding => ({
    subject: worker.id,
    message,
    arithmetic,
    fix,
    patches: [{ path, value: fitting }],
    position: review.locate(...path),
  })
  if (busy > cores * (1 + 1e-9) && fitting < worker.slots)
    return [
      finding(
        `${worker.slots} slots of ${worker.id} share ${number(cores)} cores: a task takes ${seconds((mean * busy) / cores)} instead of ${seconds(mean)}`,
        `${sentence} > ${number(cores)} cores per replica; ${seconds(mean)} × ${number(busy)} / ${number(cores)} = ${seconds((mean * busy) / cores)}`,
        `slots: ${fitting}, or ${number(Math.ceil(busy))} cores per replica`,
      ),
    ]
  const limit = review.plan.limits.find(({ id, kind }) => id === worker.id && kind === 'slots')
  if (limit === undefined || limit.utilization < full || busy > cores / 2 || fitting <= worker.slots) return []
  return [
    finding(
      `tasks wait for a slot of ${worker.id} while half of its cores idle`,
      `${sentence} of ${number(cores)} cores per replica at most; the slots are ${percent(limit.utilization)} busy`,
      `slots: ${fitting}`,
    ),
  ]
}

/** CPU that a task burns on its worker, of all that the worker's flow does there. */
const ownCpuOf = (review: Review, worker: ServiceComponent): number => {
  const visits = review.usage.visits.get(worker.id) ?? 0
  const perMix = review.usage.entries
    .filter(({ node }) => node.at.component === worker.id)
    .reduce((sum, { node, count }) => sum + count * review.usage.price(node, review.throughput).cpuSeconds, 0)
  return visits > 0 ? perMix / visits : 0
}

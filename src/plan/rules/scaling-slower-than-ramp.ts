import { number, perSecond, seconds } from '../../lib/words.js'
import type { Scaling } from '../../policy/autoscaler/scaling.js'
import type { ServiceComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** The traffic is there before the replicas are. */
export const scalingSlowerThanRamp: Rule = {
  severity: 'warning',
  explanation: 'The traffic rises faster than the autoscaler can add replicas for it.',
  formula: 'metrics lag + window + stabilization + steps × period + startup > time until what is there is full',
  check: (review) => review.services.flatMap((service) => judged(review, service)),
}

const judged = (review: Review, service: ServiceComponent): readonly RuleFinding[] => {
  const { scaling } = service
  const surge = review.topology.traffic?.surge
  const planned = review.plan.components[service.id]
  const max = planned?.maxThroughputPerSecond ?? null
  if (scaling === undefined || surge === undefined || max === null || review.throughput === 0) return []
  const each = max / service.replicas
  const peak = review.throughput * surge.factor
  const needed = Math.min(scaling.max, Math.ceil(peak / each))
  if (peak <= max || needed <= service.replicas) return []
  // Linear: where between now and the peak what is there is full, and where the autoscaler notices.
  const when = (rate: number): number =>
    Math.max(0, (surge.withinSeconds * (rate - review.throughput)) / (peak - review.throughput))
  const noticedAt = when(max * targetOf(scaling))
  const fullAt = when(max)
  const steps = stepsUp(scaling, service.replicas, needed)
  const reaction =
    scaling.metricsLagSeconds +
    scaling.windowSeconds +
    scaling.behavior.stabilization.upSeconds +
    Math.max(1, steps) * scaling.everySeconds +
    service.startupSeconds
  if (noticedAt + reaction <= fullAt) return []
  const late = noticedAt + reaction - fullAt
  return [
    {
      subject: service.id,
      message: `${service.id} is full ${seconds(fullAt)} into the rise, and has its ${needed} replicas ${seconds(late)} later`,
      arithmetic: `${perSecond(review.throughput)} × ${number(surge.factor)} = ${perSecond(peak)} within ${seconds(surge.withinSeconds)}; ${service.replicas} replicas carry ${perSecond(max)}. Noticed after ${seconds(noticedAt)}, then ${seconds(scaling.metricsLagSeconds)} lag + ${seconds(scaling.windowSeconds)} window + ${seconds(scaling.behavior.stabilization.upSeconds)} stabilization + ${Math.max(1, steps)} × ${seconds(scaling.everySeconds)} + ${seconds(service.startupSeconds)} startup = ${seconds(reaction)}`,
      fix: `begin with min: ${needed}, scale ahead of a rise that is known (by the clock), or start faster`,
      decision: `pay for ${needed} replicas of ${service.id} all the time, scale by the clock, or turn requests away for ${seconds(late)}`,
      position: review.locate('components', service.id, 'scaling'),
    },
  ]
}

/** The share of its capacity at which the first trigger fires, as far as it speaks of shares. */
const targetOf = (scaling: Scaling): number =>
  Math.min(
    1,
    ...scaling.triggers
      .filter(({ metric }) => metric === 'cpu' || metric === 'memory')
      .map(({ target }) => target * (1 + scaling.tolerance)),
  )

const mostSteps = 100

/** Periods in which the policies let it grow from here to there. */
const stepsUp = (scaling: Scaling, from: number, to: number): number => {
  const { policies, select } = scaling.behavior.up
  if (select === 'disabled') return mostSteps
  let replicas = from
  for (let steps = 1; steps <= mostSteps; steps++) {
    const allowed = policies.map(({ kind, value, periodSeconds }) => {
      const periods = Math.max(1, scaling.everySeconds / periodSeconds)
      return kind === 'pods' ? value * periods : Math.ceil((replicas * value * periods) / 100)
    })
    const added = allowed.length === 0 ? to : select === 'min' ? Math.min(...allowed) : Math.max(...allowed)
    replicas += Math.max(0, Math.floor(added))
    if (replicas >= to) return steps
  }
  return mostSteps
}

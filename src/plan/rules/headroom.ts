import { percent, perSecond } from '../../lib/words.js'
import type { Rule } from './rule.js'

/** Less capacity is kept free than the policy asks for. What is saturated outright is that rule's matter. */
export const headroom: Rule = {
  severity: 'warning',
  explanation: 'Less capacity is free than policy.headroom asks for.',
  formula: '1 − X/Xmax < headroom',
  check: ({ topology, plan, locate }) => {
    const { headroomRatio, maxThroughputPerSecond: max, bottleneck } = plan
    const wanted = topology.policy.headroom
    if (headroomRatio === null || max === null || bottleneck === null) return []
    if (headroomRatio <= 0.005 || headroomRatio >= wanted) return []
    const offered = plan.demand.throughputPerSecond
    return [
      {
        subject: bottleneck,
        message: `headroom is ${percent(headroomRatio)}, the policy asks for ${percent(wanted)}`,
        arithmetic: `1 − ${perSecond(offered)} / ${perSecond(max)} = ${percent(headroomRatio)}; ${bottleneck}: ${plan.bottleneckLimit}`,
        fix: `offer at most ${perSecond(max * (1 - wanted))}, or make ${bottleneck} carry ${perSecond(offered / (1 - wanted))}`,
        position: locate('policy', 'headroom'),
      },
    ]
  },
}

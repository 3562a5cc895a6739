import type { Patch } from '../../contract/finding.js'
import { percent, seconds } from '../../lib/words.js'
import type { Rule } from './rule.js'

const usualFails = 3

/** Nobody notices that an instance is dead: it keeps its part of the requests. */
export const missingHealthCheck: Rule = {
  severity: 'warning',
  explanation: 'Nobody notices that an instance is dead or not ready: it keeps getting its part of the requests.',
  formula: 'failed share = 1 / instances, for as long as it is dead',
  check: (review) => [
    ...review.components.flatMap((balancer) => {
      if (balancer.role !== 'balancer' || balancer.engine === 'dns' || balancer.engine === 'cdn') return []
      if (balancer.health.maxFails > 0 || balancer.activeHealth !== undefined) return []
      const instances = balancer.upstreams.reduce(
        (sum, { component }) => sum + (review.topology.components[component]?.replicas ?? 0),
        0,
      )
      const patches: Patch[] = [{ path: ['components', balancer.id, 'health', 'maxFails'], value: usualFails }]
      return [
        {
          subject: balancer.id,
          message: `${balancer.id} never takes a dead instance out: maxFails is 0, and nothing probes`,
          arithmetic: `maxFails 0: 1 dead of ${instances} gets 1/${instances} = ${percent(1 / Math.max(1, instances))} of requests for as long as it is dead; with maxFails ${usualFails} it is left out for ${seconds(balancer.health.failTimeoutSeconds)} after ${usualFails} failures`,
          fix: `maxFails: ${usualFails}, or active checks (engine: haproxy, health.interval)`,
          patches,
          position: review.locate('components', balancer.id, 'health', 'maxFails'),
        },
      ]
    }),
    ...review.services.flatMap((service) => {
      const own = service.image !== undefined || service.command !== undefined
      // The workload service answers /healthz and /readyz by itself; a worker is sent nothing.
      if (!own || service.consumes !== undefined || service.probes?.readiness !== undefined) return []
      return [
        {
          subject: service.id,
          message: `nobody can tell whether ${service.id} is ready: it has no probes.readiness`,
          arithmetic: `${service.replicas} replicas, 0 probes: a replica that starts (${seconds(service.startupSeconds)}) or hangs gets 1/${service.replicas} = ${percent(1 / service.replicas)} of requests`,
          fix: `probes: { readiness: { path: … } } with a path that ${service.id} answers`,
          decision: `which path of ${service.id} says that it is ready`,
          position: review.locate('components', service.id),
        },
      ]
    }),
  ],
}

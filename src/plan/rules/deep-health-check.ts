import { percent } from '../../lib/words.js'
import { walk } from '../../topology/flow.js'
import type { Probe, ServiceComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** All replicas ask the same dependency before they say that they are well: when it dies, none is left. */
export const deepHealthCheck: Rule = {
  severity: 'error',
  explanation: 'When one dependency dies, every replica fails its health check and is taken out at once.',
  formula: 'replicas out = replicas, when 1 dependency is lost',
  check: (review) =>
    review.services.flatMap((service) =>
      (['liveness', 'readiness'] as const).flatMap((kind) => {
        const probe = service.probes?.[kind]
        return probe === undefined ? [] : judged(review, service, kind, probe)
      }),
    ),
}

const judged = (
  review: Review,
  service: ServiceComponent,
  kind: 'liveness' | 'readiness',
  probe: Probe,
): readonly RuleFinding[] => {
  if (probe.checks.length === 0) return []
  const served = review.requests.filter(({ serve, derivedFrom }) => serve === service.id && derivedFrom === undefined)
  const without = served.filter(
    ({ flow }) =>
      ![...walk(flow)].some((step) => {
        const target =
          step.kind === 'reserve' || step.kind === 'release' ? step.via : 'target' in step ? step.target : undefined
        return target !== undefined && probe.checks.includes(target.component)
      }),
  )
  const share = without.reduce((sum, request) => sum + request.share, 0)
  const checks = probe.checks.join(', ')
  return [
    {
      subject: service.id,
      message: `when ${probe.checks.length === 1 ? checks : `one of ${checks}`} dies, all ${service.replicas} replicas of ${service.id} ${kind === 'liveness' ? 'are restarted' : 'are taken out'}`,
      arithmetic: `${service.replicas} × ${probe.path} asks ${checks}: 1 lost takes ${service.replicas} of ${service.replicas} replicas out; ${percent(share)} of requests do not need ${probe.checks.length === 1 ? 'it' : 'them'}${without.length === 0 ? '' : ` (${without.map(({ id }) => id).join(', ')})`}, and none gets an error that says what is wrong`,
      fix: `let ${probe.path} answer for the replica alone; a breaker or a fallback answers for ${checks}`,
      patches: [{ path: ['components', service.id, 'probes', kind, 'checks'], value: null }],
      position: review.locate('components', service.id, 'probes', kind, 'checks'),
    },
  ]
}

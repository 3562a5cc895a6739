import type { Rule } from './rule.js'

/** An instance that is merely busy, or waits for a dependency, is killed instead of being left alone. */
export const livenessEqualsReadiness: Rule = {
  severity: 'warning',
  explanation: 'One path says both whether a replica is alive and whether it is ready: whoever is busy is killed.',
  formula: 'liveness.path = readiness.path',
  check: (review) =>
    review.services.flatMap((service) => {
      const { liveness, readiness } = service.probes ?? {}
      if (liveness === undefined || readiness === undefined || liveness.path !== readiness.path) return []
      // Our own service has both; of a program of yours we do not know.
      const own = service.image !== undefined || service.command !== undefined
      const at = (probe: string) => ['components', service.id, 'probes', probe, 'path']
      return [
        {
          subject: service.id,
          message: `a replica of ${service.id} that is not ready is taken for dead and restarted`,
          arithmetic: `liveness ${liveness.path} = readiness ${readiness.path}: ${service.replicas} of ${service.replicas} replicas restart when what ${readiness.path} waits for is away`,
          fix: 'liveness: does the process answer at all; readiness: can it serve now',
          ...(own
            ? { decision: `which path of ${service.id} answers as long as the process lives, whatever else is down` }
            : {
                patches: [
                  { path: at('liveness'), value: '/healthz' },
                  { path: at('readiness'), value: '/readyz' },
                ],
              }),
          position: review.locate('components', service.id, 'probes', 'liveness', 'path'),
        },
      ]
    }),
}

/** How many replicas an autoscaler settles at under a steady load. */
import type { ServiceComponent } from '../topology/types.js'
import { metricAt } from './breaking.js'
import type { Operation } from './operation.js'

/**
 * The HPA's fixed point: of each trigger as many replicas as bring its metric to its target, the most of them, within min and max. Queues have
 * no length that follows from their load: by them a worker gets as many replicas as its work keeps busy.
 */
export const settledReplicas = (operation: Operation, service: ServiceComponent): number => {
  const { scaling } = service
  if (scaling === undefined) return service.replicas
  const wanted = scaling.triggers.map((trigger) => {
    if (trigger.metric === 'queueLength' || trigger.metric === 'queueLengthPerReplica')
      return service.consumes === undefined ? scaling.min : busyReplicas(operation, service)
    const value = metricAt(operation, service, trigger)
    return value === undefined ? scaling.min : (service.replicas * value) / trigger.target
  })
  // Rounding of sums must not cost a replica.
  const most = Math.ceil(Math.max(0, ...wanted) - 1e-9)
  return Math.max(scaling.min, Math.min(scaling.max, most))
}

/** Replicas whose slots the work offered occupies on average. */
const busyReplicas = ({ ratePerSecond, solved }: Operation, service: ServiceComponent): number =>
  (ratePerSecond * (solved.residences.services.get(service.id) ?? 0)) / service.slots

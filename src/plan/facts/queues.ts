/** Queues with who consumes them, and how fast. */

import type { Moments } from '../../sim/analytic/gamma.js'
import { walk as stepsOf } from '../../topology/flow.js'
import type { Queue, ServiceComponent, StoreComponent } from '../../topology/types.js'
import { quantile, type Review } from './review.js'

export interface ConsumedQueue {
  readonly store: StoreComponent
  readonly queue: Queue
  readonly consumers: readonly ServiceComponent[]
  /** Does a queue of the same store name it as its dead-letter queue? */
  readonly isDeadLetter: boolean
  /** Messages per second that the consumers can take, slots and cores regarded; undefined: nobody takes any, or nothing limits it. */
  readonly perSecond: number | undefined
  /** That number's derivation. */
  readonly sentence: string
}

export const consumersOf = (review: Review, store: string, queue: string): readonly ServiceComponent[] =>
  review.services.filter(({ consumes }) => consumes?.component === store && consumes.queue === queue)

/** Messages per second that a consumer can take, and why. */
export const messageCapacity = (
  review: Review,
  worker: ServiceComponent,
): { readonly perSecond: number; readonly sentence: string; readonly range?: string } | undefined => {
  const moments = review.timeOf(worker, worker.flow)
  const taskSeconds = moments.mean
  const slots = worker.slots * worker.replicas
  const bySlots = taskSeconds > 0 ? slots / taskSeconds : Number.POSITIVE_INFINITY
  const plan = review.plan.components[worker.id]
  const ofMix = plan?.maxThroughputPerSecond ?? null
  const byPlan = plan === undefined || ofMix === null ? Number.POSITIVE_INFINITY : ofMix * plan.visitsPerRequest
  const perSecond = Math.min(bySlots, byPlan > 0 ? byPlan : Number.POSITIVE_INFINITY)
  if (!Number.isFinite(perSecond)) return undefined
  // The plan counts the broker's part of a task, too: less than a hundredth.
  const isBySlots = bySlots <= byPlan * 1.01 || byPlan === 0
  return {
    perSecond,
    ...(isBySlots ? rangeOf(slots, moments) : {}),
    sentence: isBySlots
      ? `${worker.replicas} × ${worker.slots} slots / ${Number(taskSeconds.toPrecision(3))} s`
      : `${worker.id}: ${plan?.limit ?? ''}`,
  }
}

/** Tasks that are much alike are told with the range of nine in ten. */
const rangeOf = (slots: number, moments: Moments): { readonly range?: string } => {
  if (moments.variance === 0 || moments.variance > (moments.mean / 4) ** 2) return {}
  const [shortest, longest] = [quantile(moments, 0.05), quantile(moments, 0.95)]
  return {
    range: `tasks of ${shortest.toPrecision(3)} to ${longest.toPrecision(3)} s (9 of 10): ${(slots / longest).toPrecision(2)} to ${(slots / shortest).toPrecision(2)}/s`,
  }
}

export const queuesOf = (review: Review): readonly ConsumedQueue[] =>
  review.stores.flatMap((store) =>
    Object.values(store.queues).map((queue): ConsumedQueue => {
      const consumers = consumersOf(review, store.id, queue.id)
      const capacities = consumers.map((worker) => messageCapacity(review, worker))
      const known = capacities.every((capacity) => capacity !== undefined) && capacities.length > 0
      return {
        store,
        queue,
        consumers,
        isDeadLetter: Object.values(store.queues).some(({ deadLetter }) => deadLetter === queue.id),
        perSecond: known ? capacities.reduce((sum, capacity) => sum + (capacity?.perSecond ?? 0), 0) : undefined,
        sentence: capacities.map((capacity) => capacity?.sentence ?? '').join(' + '),
      }
    }),
  )

/** The shortest time that something may wait in a queue, by the objectives of the requests that publish to it. */
export const delayTargetOf = (
  review: Review,
  store: string,
  queue: string,
  consumers: readonly ServiceComponent[],
): { readonly seconds: number; readonly request: string; readonly path: string } | undefined => {
  // Until it is done is until it is taken, and then the work itself.
  const workSeconds = Math.max(0, ...consumers.map((worker) => review.timeOf(worker, worker.flow).mean))
  const targets = review.flows.flatMap(({ request, flow }) => {
    if (request === undefined) return []
    const publishes = [...stepsOf(flow)].some(
      (step) => step.kind === 'publish' && step.target.component === store && step.target.queue === queue,
    )
    return publishes
      ? request.slo
          .filter(({ path }) => path.startsWith('queueDelay.') || path.startsWith('completion.'))
          .map(({ path, bound }) => ({
            seconds: path.startsWith('completion.') ? Math.max(0, bound - workSeconds) : bound,
            request: request.id,
            path,
          }))
      : []
  })
  return targets.reduce<(typeof targets)[number] | undefined>(
    (least, target) => (least === undefined || target.seconds < least.seconds ? target : least),
    undefined,
  )
}

/** The keys of `scaling`: what a HorizontalPodAutoscaler, and a ScaledObject of KEDA, say. */
import {
  count,
  duration,
  percentage,
  positiveDuration,
  positiveRate,
  positiveRatio,
  ratio,
} from '../../lib/document/scalars.js'
import { about, oneOf } from '../../lib/document/schema.js'
import { z } from '../../lib/document/zod.js'

export const triggerShape = {
  cpu: positiveRatio.optional(),
  memory: positiveRatio.optional(),
  queueLength: about('messages in all', count(1, 1e9).optional()),
  queueLengthPerReplica: about("messages per replica (KEDA's AverageValue)", count(1, 1e9).optional()),
  inFlight: about('requests in flight per replica', count(1, 1e9).optional()),
  ratePerReplica: positiveRate.optional(),
  activation: about('of a queue: the trigger is active only above this many messages', count(0, 1e9).optional()),
} as const

export const ratePolicyShape = {
  pods: count(1, 1000).optional(),
  percent: about('of what there was when the period began', percentage.optional()),
  per: positiveDuration,
} as const
const directions = <S extends z.ZodType>(one: S) => ({ up: one, down: one })
const selection = oneOf(['max', 'min', 'disabled']).optional()

export const scalingShape = {
  min: about('0 needs "consumes" and a trigger on its queue', count(0, 1000)),
  max: count(1, 1000),
  triggers: z.array(z.strictObject(triggerShape)),
  every: about("the autoscaler's sync period", positiveDuration.optional()),
  tolerance: about('nothing changes while a metric is within this of its target', ratio.optional()),
  stabilization: about(
    'scaling up follows the lowest, scaling down the highest recommendation of this long',
    z.strictObject(directions(duration.optional())).optional(),
  ),
  policies: about(
    'how many replicas may be added and taken away in a period',
    z.strictObject(directions(z.array(z.strictObject(ratePolicyShape)).optional())).optional(),
  ),
  select: about('which of the policies counts', z.strictObject(directions(selection)).optional()),
  window: about('what a metric is averaged over', positiveDuration.optional()),
  metricsLag: about('how old a metric is when the autoscaler gets it', duration.optional()),
  polling: about('with min or idle 0: how often it asks whether a trigger is active', positiveDuration.optional()),
  cooldown: about('with min or idle 0: so long after a trigger was active it scales to 0', duration.optional()),
  idle: about('replicas while no trigger is active, below min', count(0, 0).optional()),
} as const

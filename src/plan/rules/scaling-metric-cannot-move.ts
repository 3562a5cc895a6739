import { formatBytes } from '../../lib/units.js'
import { number, percent } from '../../lib/words.js'
import { isQueueTrigger, type ScalingTrigger } from '../../policy/autoscaler/scaling.js'
import { flowsOfService } from '../../topology/flows.js'
import type { ServiceComponent } from '../../topology/types.js'
import { coresPerReplica } from '../facts/machines.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** The metric stays on one side of its target, whatever the load: that trigger never adds, or never takes away, a replica. */
export const scalingMetricCannotMove: Rule = {
  severity: 'warning',
  explanation: 'A trigger watches a metric that no load can move across its target.',
  formula: 'most that the metric can be ≤ target (or least ≥ target)',
  check: (review) =>
    review.services.flatMap((service) =>
      (service.scaling?.triggers ?? []).flatMap((trigger, index) => judged(review, service, trigger, index)),
    ),
}

interface Reason {
  readonly message: string
  readonly arithmetic: string
}

const judged = (
  review: Review,
  service: ServiceComponent,
  trigger: ScalingTrigger,
  index: number,
): readonly RuleFinding[] => {
  const reason = reasons[trigger.metric](review, service, trigger)
  const { scaling } = service
  if (reason === undefined || scaling === undefined) return []
  const at = ['components', service.id, 'scaling', 'triggers', index]
  const others = scaling.triggers.length - 1
  const queued = service.consumes?.queue !== undefined && !scaling.triggers.some(isQueueTrigger)
  return [
    {
      subject: service.id,
      message: `${trigger.metric} of ${service.id} ${reason.message}`,
      arithmetic: reason.arithmetic,
      fix: queued
        ? 'scale a worker by its queue: queueLengthPerReplica'
        : 'a target that the load can cross, or a metric that follows the load (ratePerReplica, inFlight)',
      ...(queued
        ? { patches: [{ path: at, value: { queueLengthPerReplica: Math.max(1, service.slots * 10) } }] }
        : others > 0
          ? { patches: [{ path: at, value: null }] }
          : {}),
      position: review.locate(...at, trigger.metric),
    },
  ]
}

type Judge = (review: Review, service: ServiceComponent, trigger: ScalingTrigger) => Reason | undefined

const never = 'can never reach its target'

const queue: Judge = (_review, service, { metric, target }) =>
  service.consumes?.queue === undefined && service.consumes?.topic === undefined
    ? { message: 'is the length of no queue: it consumes none', arithmetic: `${metric} = 0 ≤ ${number(target)}` }
    : undefined

/** CPU that one replica can burn at most, in cores, and why. */
const mostCpu = (
  review: Review,
  service: ServiceComponent,
): { readonly cores: number; readonly why: string } | undefined => {
  const { execution } = service
  const bounds: { cores: number; why: string }[] = []
  if (service.consumes !== undefined) {
    const { mean } = review.timeOf(service, service.flow)
    const cpu = ownCpu(review, service)
    if (mean > 0)
      bounds.push({
        cores: service.slots * Math.min(1, cpu / mean),
        why: `${service.slots} slots × ${percent(Math.min(1, cpu / mean))} of a task on its CPU`,
      })
  } else if (execution.model === 'event-loop')
    bounds.push({
      cores: execution.processes,
      why: `${execution.processes} event ${execution.processes === 1 ? 'loop' : 'loops'}`,
    })
  if (flowsOfService(review.topology, service).flat().length > 0 && ownCpu(review, service) === 0)
    bounds.push({ cores: 0, why: 'its flows compute nothing' })
  return bounds.sort((a, b) => a.cores - b.cores)[0]
}

/** CPU-seconds of a service's own per visit. */
const ownCpu = (review: Review, service: ServiceComponent): number =>
  review.usage.entries
    .filter(({ node }) => node.at.component === service.id)
    .reduce((sum, { node, count }) => sum + count * review.usage.price(node, review.throughput).cpuSeconds, 0) /
  Math.max(1e-12, review.usage.visits.get(service.id) ?? 1)

const reasons: Readonly<Record<ScalingTrigger['metric'], Judge>> = {
  cpu: (review, service, { target }) => {
    const most = mostCpu(review, service)
    const cores = coresPerReplica(review, service)
    const tolerance = service.scaling?.tolerance ?? 0
    if (most === undefined || most.cores > cores * target * (1 + tolerance)) return undefined
    return {
      message: never,
      arithmetic: `${most.why} = ${number(most.cores)} of ${number(cores)} cores = ${percent(most.cores / cores)} ≤ ${percent(target)} × (1 + ${percent(tolerance)})`,
    }
  },
  memory: (_review, { resources, maxInFlight = 0 }, { target }) => {
    const base = resources.memoryBaseBytes
    if (base === undefined) return undefined
    const room = (resources.memoryPerRequestBytes ?? 0) * maxInFlight
    const least = base / (base + room)
    if (room > 0 && least < target) return undefined
    return {
      message: room === 0 ? 'does not change with load' : 'is above its target with no request at all',
      arithmetic: `${formatBytes(base)} of ${formatBytes(base)} + ${formatBytes(room)} for requests = ${percent(least)} at no load; the target is ${percent(target)}`,
    }
  },
  inFlight: (_review, service, { target }) => {
    const tolerance = service.scaling?.tolerance ?? 0
    const most = service.consumes === undefined ? service.maxInFlight : service.slots
    return most === undefined || most > target * (1 + tolerance)
      ? undefined
      : {
          message: never,
          arithmetic: `at most ${most} in flight (${service.consumes === undefined ? 'maxInFlight' : 'slots'}) ≤ ${number(target)} × (1 + ${percent(tolerance)})`,
        }
  },
  ratePerReplica: (review, service, { target }) => {
    const planned = review.plan.components[service.id]
    const max = planned?.maxThroughputPerSecond ?? null
    if (planned === undefined || max === null || planned.visitsPerRequest === 0) return undefined
    const each = (max * planned.visitsPerRequest) / service.replicas
    return each > target
      ? undefined
      : {
          message: never,
          arithmetic: `a replica carries ${number(each)}/s (${planned.limit}) ≤ ${number(target)}/s`,
        }
  },
  queueLength: queue,
  queueLengthPerReplica: queue,
}

/** At which load each objective no longer holds, and each trigger of an autoscaler fires. */
import { isQueueTrigger, type ScalingTrigger } from '../policy/autoscaler/scaling.js'
import type { ServiceComponent, Topology } from '../topology/types.js'
import { crossing, type Operation, type Operations } from './operation.js'
import { predict } from './prediction.js'
import type { Breaking, ObjectivePlan, TriggerPlan } from './types.js'

const finite = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value

/** Users of a closed system at this throughput: interactive response time law, N = X·(R + Z). */
const usersAt = (operations: Operations, ratePerSecond: number, thinkSeconds: number): number => {
  const operation = operations.at(ratePerSecond)
  const responseSeconds = Object.values(operation.topology.requests).reduce(
    (sum, request) => sum + request.share * (predict(operation, request, 'latency.mean') ?? 0),
    0,
  )
  return ratePerSecond * (responseSeconds + thinkSeconds)
}

/** The declared traffic, solved. */
export interface Declared {
  /** 0: none is declared. */
  readonly ratePerSecond: number
  /** Undefined: open, or none. */
  readonly closed: { readonly users: number; readonly thinkSeconds: number } | undefined
  /** Undefined: there is no traffic, or it is more than is carried, so that somewhere a queue grows (closed: holds all who are waiting). */
  readonly operation: Operation | undefined
}

const breakingAt = (operations: Operations, declared: Declared, ratePerSecond: number): Breaking | null =>
  Number.isFinite(ratePerSecond)
    ? {
        ratePerSecond,
        users:
          declared.closed === undefined || ratePerSecond === 0
            ? null
            : finite(usersAt(operations, ratePerSecond, declared.closed.thinkSeconds)),
      }
    : null

/** `width`: relative, to which the load is sought at which an objective breaks. */
export const objectivePlans = (operations: Operations, declared: Declared, width?: number): readonly ObjectivePlan[] =>
  Object.values(operations.topology.requests).flatMap((request) =>
    request.slo
      .filter(({ path }) => path !== 'availability')
      .map(({ path, bound }): ObjectivePlan => {
        const base = { request: request.id, path, bound }
        const at = (operation: Operation): number | undefined => predict(operation, request, path)
        if (at(operations.idle) === undefined) return { ...base, predicted: null, holds: null, breaks: null }
        const edge = crossing(operations, (operation) => at(operation) ?? 0, bound, undefined, width)
        const breaks = breakingAt(operations, declared, Math.min(edge, operations.maxPerSecond))
        const predicted = declared.operation === undefined ? undefined : at(declared.operation)
        const holds = declared.ratePerSecond === 0 ? null : predicted !== undefined && predicted <= bound
        return { ...base, predicted: finite(predicted), holds, breaks }
      }),
  )

/** What the trigger's metric is at this load: per replica for those that are averages. Undefined: this metric cannot be told. */
export const metricAt = (
  operation: Operation,
  service: ServiceComponent,
  { metric }: ScalingTrigger,
): number | undefined => {
  const { usage, point, residences } = operation.solved
  const visits = operation.ratePerSecond * (usage.visits.get(service.id) ?? 0)
  const inFlight = (operation.ratePerSecond * (residences.services.get(service.id) ?? 0)) / service.replicas
  const { cpu, memoryBaseBytes, memoryPerRequestBytes = 0 } = service.resources
  const queued = (): number => {
    if (service.consumes === undefined) return inFlight * service.replicas
    return visits * point.network.queueSeconds(service.id)
  }
  switch (metric) {
    case 'cpu': {
      const demand = point.network.demands.get(service.id)?.cpuSeconds ?? 0
      const cores = cpu ?? coresOf(operation, service)
      return (operation.ratePerSecond * demand) / (cores * service.replicas)
    }
    case 'memory':
      return memoryBaseBytes === undefined || service.maxInFlight === undefined
        ? undefined
        : (memoryBaseBytes + memoryPerRequestBytes * inFlight) /
            (memoryBaseBytes + memoryPerRequestBytes * service.maxInFlight)
    case 'inFlight':
      return inFlight
    case 'ratePerReplica':
      return visits / service.replicas
    case 'queueLength':
      return queued()
    case 'queueLengthPerReplica':
      return queued() / service.replicas
  }
}

/** Cores of the machine of its first instance. */
const coresOf = ({ placement }: Operation, { id }: ServiceComponent): number => {
  const machine = placement.instances[`${id}/0`]?.host
  return (machine === undefined ? undefined : placement.hosts[machine]?.cpu) ?? 1
}

const scaled = (topology: Topology): readonly ServiceComponent[] =>
  Object.values(topology.components).filter(
    (component): component is ServiceComponent => component.role === 'service' && component.scaling !== undefined,
  )

/** A queue that never holds as much as the trigger wants to see. */
const tooShort = (topology: Topology, service: ServiceComponent, trigger: ScalingTrigger): boolean => {
  if (!isQueueTrigger(trigger) || service.consumes === undefined) return false
  const broker = topology.components[service.consumes.component]
  const queue = broker?.role === 'store' ? broker.queues[service.consumes.queue ?? ''] : undefined
  const total = trigger.metric === 'queueLength' ? trigger.target : trigger.target * service.replicas
  return (queue?.maxLength ?? Number.POSITIVE_INFINITY) <= total
}

/** Without a bound of its own a queue reaches any length just below saturation. */
const fires = (operations: Operations, service: ServiceComponent, trigger: ScalingTrigger): number => {
  if (tooShort(operations.topology, service, trigger)) return Number.POSITIVE_INFINITY
  const edge = crossing(operations, (operation) => metricAt(operation, service, trigger) ?? 0, trigger.target)
  return isQueueTrigger(trigger) ? Math.min(edge, operations.maxPerSecond) : edge
}

export const triggerPlans = (operations: Operations, declared: Declared): readonly TriggerPlan[] =>
  scaled(operations.topology).flatMap((service) =>
    (service.scaling?.triggers ?? []).map((trigger): TriggerPlan => {
      const at = (operation: Operation): number | undefined => metricAt(operation, service, trigger)
      const base = { component: service.id, metric: trigger.metric, target: trigger.target }
      if (at(operations.idle) === undefined) return { ...base, value: null, fires: null }
      const value = declared.operation === undefined ? undefined : at(declared.operation)
      return {
        ...base,
        value: finite(value),
        fires: breakingAt(operations, declared, fires(operations, service, trigger)),
      }
    }),
  )

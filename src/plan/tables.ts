/** The rows of a plan, read off what was solved. */

import type { DemandOrigin } from '../catalog/demand.js'
import { groupBy } from '../lib/group.js'
import type { Placement } from '../result/placement.js'
import { fittedQuantile } from '../sim/analytic/gamma.js'
import { mmcTimeout } from '../sim/analytic/impatience.js'
import { occurrences } from '../sim/analytic/network/flow-tree.js'
import type { HitRatios } from '../sim/analytic/network/hit-ratios.js'
import { hostOf, machineDemand, poolConnections, type RawLimit } from '../sim/analytic/network/limits.js'
import type { OperatingPoint } from '../sim/analytic/network/operating-point.js'
import type { Residences } from '../sim/analytic/network/residence.js'
import { alone, momentsOf, timeOf } from '../sim/analytic/network/timing.js'
import type { ClassLoad, Usage } from '../sim/analytic/network/usage.js'
import type { Component, Topology } from '../topology/types.js'
import type { ClassPlan, ComponentPlan, DemandTable, HostPlan, Limit, PoolPlan, StepDemand } from './types.js'

export interface Solution {
  readonly topology: Topology
  readonly placement: Placement
  readonly classes: readonly ClassLoad[]
  readonly usage: Usage
  readonly point: OperatingPoint
  readonly residences: Residences
  readonly plans: readonly Limit[]
  readonly hits: HitRatios
}

/** JSON knows no infinity: what grows without bound, or is bounded by nothing, is null. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

export const limitPlans = (
  raw: readonly RawLimit[],
  throughput: number,
  maximum: (limit: RawLimit) => number,
): readonly Limit[] =>
  raw
    .map((limit) => {
      const max = maximum(limit)
      const demandSeconds = limit.demandSeconds(throughput)
      return {
        max,
        plan: {
          id: limit.id,
          kind: limit.kind,
          servers: limit.servers,
          demandSeconds,
          utilization: (throughput * demandSeconds) / limit.servers,
          maxThroughputPerSecond: finite(max),
          sentence: limit.words(demandSeconds),
        },
      }
    })
    // Two that differ in the last digits only are equally tight; the sort is stable and keeps the more exact name first.
    .sort((a, b) => (a.max === b.max || Math.abs(a.max - b.max) <= 1e-9 * a.max ? 0 : a.max - b.max))
    .map(({ plan }) => plan)
    // Of the machines of one host only the busiest: the others are never exhausted before it.
    .filter((plan, i, all) => plan.kind !== 'host' || all.findIndex(({ id }) => id === plan.id) === i)

/** Steps by id in the order of the flows. The first node of a step is its execution; others (a store, a commit) are visits. */
export const stepDemands = (solution: Solution): Readonly<Record<string, StepDemand>> => {
  const { usage, point, hits } = solution
  const { throughputPerSecond: throughput, users } = point.table
  const rows: Record<string, StepDemand> = {}
  const counts = new Map<string, number>()
  for (const { node, count } of usage.entries)
    if (node.step !== undefined) counts.set(node.step.id, (counts.get(node.step.id) ?? 0) + count)
  for (const { node } of usage.entries) {
    const { step } = node
    if (step === undefined || rows[step.id] !== undefined) continue
    const count = counts.get(step.id) ?? 0
    const { cpuSeconds, waitSeconds, origin } = usage.price({ ...node, visits: 0 }, throughput)
    const ratio = step.kind === 'lookup' ? hits.of(step) : undefined
    const round = (value: number): number | null => (users === null ? null : users * value)
    rows[step.id] = {
      kind: step.kind,
      component: node.at.component,
      executionsPerSecond: throughput * count,
      executionsPerRound: round(count),
      ...(ratio === undefined
        ? {}
        : {
            hitRatio: ratio,
            hitsPerSecond: throughput * count * ratio,
            hitsPerRound: round(count * ratio),
            missesPerSecond: throughput * count * (1 - ratio),
            missesPerRound: round(count * (1 - ratio)),
          }),
      cpuSeconds,
      waitSeconds,
      origin,
    }
  }
  return rows
}

export const classDemands = ({ classes, usage, point }: Solution): DemandTable['requests'] =>
  Object.fromEntries(
    classes.map(({ id, tree }) => {
      const rows: Record<string, { visits: number; cpuSeconds: number; waitSeconds: number }> = {}
      for (const { node, count } of occurrences(tree)) {
        const { cpuSeconds, waitSeconds } = usage.price(node, point.table.throughputPerSecond)
        const { component } = node.at
        const row = rows[component] ?? { visits: 0, cpuSeconds: 0, waitSeconds: 0 }
        row.visits += count * node.visits
        row.cpuSeconds += count * cpuSeconds
        row.waitSeconds += count * waitSeconds
        rows[component] = row
      }
      return [id, rows]
    }),
  )

export const classPlans = (solution: Solution): Readonly<Record<string, ClassPlan>> => {
  const { topology, classes, usage, point } = solution
  const { throughputPerSecond: throughput, users } = point.table
  const idle = alone((node) => usage.price(node, throughput))
  return Object.fromEntries(
    classes.map(({ id, tree, perRequest }): [string, ClassPlan] => {
      let demandSeconds = 0
      let waitSeconds = 0
      let asynchronous = false
      for (const { node, count, synchronous } of occurrences(tree)) {
        const price = usage.price(node, throughput)
        demandSeconds += count * price.cpuSeconds
        if (synchronous) waitSeconds += count * price.waitSeconds
        else asynchronous = true
      }
      return [
        id,
        {
          share: topology.requests[id]?.share ?? 0,
          arrivalRatePerSecond: throughput * perRequest,
          requestsPerRound: users === null ? null : users * perRequest,
          demandSeconds,
          waitSeconds,
          minResidenceSeconds: timeOf(tree, idle),
          residenceSeconds: finite(timeOf(tree, point.timing)),
          p95Seconds: finite(fittedQuantile(momentsOf(tree, point.timing), 0.95)),
          ...(asynchronous ? { completionSeconds: finite(timeOf(tree, point.timing, true)) } : {}),
        },
      ]
    }),
  )
}

const utilizing: ReadonlySet<Limit['kind']> = new Set(['cpu', 'slots', 'threads'])

const componentPlan = (solution: Solution, component: Component): ComponentPlan => {
  const { usage, point, plans, residences } = solution
  const throughput = point.table.throughputPerSecond
  const visits = usage.visits.get(component.id) ?? 0
  const stations = [...usage.stations.values()].filter((station) => station.component.id === component.id)
  let demandSeconds = 0
  let time = 0
  let largest = -1
  let origin: DemandOrigin = 'declared'
  for (const station of stations) {
    const demand = point.network.demands.get(station.id)
    if (demand === undefined) continue
    demandSeconds += demand.cpuSeconds
    time += residences.stations.get(station.id) ?? 0
    if (demand.cpuSeconds > largest) {
      largest = demand.cpuSeconds
      origin = demand.origin
    }
  }
  const queued =
    component.role === 'service' && component.consumes !== undefined ? point.network.queueSeconds(component.id) : 0
  const residence = visits > 0 ? time / visits + queued : 0
  const own = plans.filter(({ id }) => id === component.id)
  const servers = stations.reduce((sum, station) => sum + station.servers, 0)
  return {
    arrivalRatePerSecond: throughput * visits,
    visitsPerRequest: visits,
    demandSeconds,
    servers: stations.length === 0 ? null : finite(servers),
    utilization: own.reduce(
      (most, { kind, utilization }) => (utilizing.has(kind) ? Math.max(most, utilization) : most),
      0,
    ),
    concurrency: throughput === 0 ? 0 : finite(throughput * visits * residence),
    residenceSeconds: finite(residence),
    maxThroughputPerSecond: own[0]?.maxThroughputPerSecond ?? null,
    limit:
      own[0] === undefined || own[0].maxThroughputPerSecond === null
        ? visits === 0
          ? 'no request visits it'
          : 'nothing of it limits'
        : own[0].sentence,
    origin,
  }
}

export const componentPlans = (solution: Solution): Readonly<Record<string, ComponentPlan>> =>
  Object.fromEntries(
    Object.values(solution.topology.components)
      .filter(({ role }) => role !== 'monitor')
      .map((component) => [component.id, componentPlan(solution, component)]),
  )

export const hostPlans = (solution: Solution): Readonly<Record<string, HostPlan>> => {
  const { topology, placement, usage, point, plans } = solution
  const throughput = point.table.throughputPerSecond
  const machinesOf = groupBy(Object.keys(placement.hosts), (machine) => hostOf(topology, placement, machine))
  return Object.fromEntries(
    [...machinesOf].flatMap(([host, machines]): readonly [string, HostPlan][] => {
      const limits = plans.filter(({ id }) => id === `host:${host}`)
      if (limits.length === 0) return []
      return [
        [
          host,
          {
            machines: machines.length,
            cores: machines.reduce((sum, machine) => sum + (placement.hosts[machine]?.cpu ?? 0), 0),
            demandSeconds: machines.reduce(
              (sum, machine) => sum + machineDemand({ topology, placement, usage }, machine, throughput),
              0,
            ),
            utilization: Math.max(...limits.map(({ utilization }) => utilization)),
            maxThroughputPerSecond: limits[0]?.maxThroughputPerSecond ?? null,
            components: [
              ...new Set(
                Object.entries(placement.instances)
                  .filter(([, placed]) => machines.includes(placed.host))
                  .map(([id]) => id.split('/')[0] ?? id),
              ),
            ],
          },
        ],
      ]
    }),
  )
}

export const poolPlans = (solution: Solution): Readonly<Record<string, PoolPlan>> => {
  const { topology, plans, point, residences } = solution
  const throughput = point.table.throughputPerSecond
  return Object.fromEntries(
    Object.values(topology.components).flatMap((service) =>
      service.role !== 'service'
        ? []
        : Object.values(service.pools).map((pool): [string, PoolPlan] => {
            const id = `${service.id}.${pool.id}`
            const { count, holdSeconds, waitSeconds, waitProbability } = residences.pools.get(id) ?? unused
            const limit = plans.find((plan) => plan.id === id)
            const servers = poolConnections(service, pool)
            const busy = (throughput * count * holdSeconds) / servers
            return [
              id,
              {
                to: pool.to.role === undefined ? pool.to.component : `${pool.to.component}.${pool.to.role}`,
                servers,
                arrivalRatePerSecond: throughput * count,
                holdSeconds: finite(holdSeconds),
                utilization: Number.isFinite(busy) ? busy : (limit?.utilization ?? 0),
                waitProbability,
                waitSeconds: finite(waitSeconds),
                ...timeouts(pool.acquireTimeoutSeconds, throughput * count, holdSeconds, servers),
                maxThroughputPerSecond: limit?.maxThroughputPerSecond ?? null,
              },
            ]
          }),
    ),
  )
}

/** A connection that is held without end would make everybody give up. */
const timeouts = (
  patienceSeconds: number | undefined,
  arrivalRatePerSecond: number,
  holdSeconds: number,
  servers: number,
): { readonly timeoutProbability?: number } => {
  if (patienceSeconds === undefined) return {}
  if (!Number.isFinite(holdSeconds)) return { timeoutProbability: 1 }
  const { abandonProbability } = mmcTimeout(
    { arrivalRatePerSecond, serviceSeconds: holdSeconds, servers },
    patienceSeconds,
  )
  return { timeoutProbability: abandonProbability }
}

const unused = { count: 0, holdSeconds: 0, waitSeconds: 0, waitProbability: 0 }

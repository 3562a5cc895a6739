/**
 * Capacity by operational laws (Denning & Buzen 1978): visit counts from the flows, demand D = Σ visits × service time,
 * utilization U = X·D/c, concurrency N = X·R, bound X ≤ c/D of each resource; the least bound is the system's.
 */
import { topologyPlacement } from '../catalog/placement.js'
import { type PriceList, shippedPrices } from '../catalog/prices/list.js'
import type { Placement } from '../result/placement.js'
import { maxThroughput } from '../sim/analytic/network/limits.js'
import { solverOf } from '../sim/analytic/network/solve.js'
import type { Topology } from '../topology/types.js'
import { type Declared, objectivePlans, triggerPlans } from './breaking.js'
import { inFlightAt, memoryPlans, networkPlans } from './budget.js'
import { costPlan } from './cost.js'
import { operationsOf } from './operation.js'
import { findingsOf } from './rules/index.js'
import { lossPlans } from './survival.js'
import { classDemands, classPlans, componentPlans, hostPlans, limitPlans, poolPlans, stepDemands } from './tables.js'
import type { CapacityPlan } from './types.js'

/** Mean over the mix (polls are requests of their own, outside it); null: unbounded. */
const meanResponse = (topology: Topology, requests: CapacityPlan['requests']): number | null => {
  const parts = Object.values(topology.requests)
    .filter(({ derivedFrom, share }) => derivedFrom === undefined && share > 0)
    .map(({ id, share }) => ({ share, seconds: requests[id]?.residenceSeconds ?? null }))
  return parts.reduce<number | null>(
    (sum, { share, seconds }) => (sum === null || seconds === null ? null : sum + share * seconds),
    0,
  )
}

const rest = (topology: Topology, computed: readonly string[]): readonly string[] => [
  'nothing fails: retries, fallbacks and undo lists add no work',
  'a balancer spreads work evenly and event loops share one queue, so residence times are lower estimates',
  ...(Object.values(topology.requests).some(({ derivedFrom }) => derivedFrom !== undefined)
    ? ['a client polls until half an interval after its work is done']
    : []),
  ...computed,
]

/** The declared traffic solved: what the rest of a plan is read from. */
export const solveDeclared = (topology: Topology, placement: Placement) => {
  const solver = solverOf(topology, placement, 'shared')
  const { hits, solved, tree } = solver.at(topology.traffic)
  const { point, limits: raw } = solved
  const throughput = point.table.throughputPerSecond
  const limits = limitPlans(raw, throughput, (limit) => maxThroughput(topology, limit))
  const tightest = limits[0]?.maxThroughputPerSecond === null ? undefined : limits[0]
  const maximum = tightest?.maxThroughputPerSecond ?? null
  const context = { topology, placement, ...solved, plans: limits, hits }
  const requests = classPlans(context)
  const operations = operationsOf(topology, placement, undefined, solver)
  const { traffic, method, users, thinkSeconds } = point.table
  const ratePerSecond = traffic === 'none' ? 0 : throughput
  const overloaded = method === 'bound' || ratePerSecond > operations.maxPerSecond * (1 + 1e-9)
  const declared: Declared = {
    ratePerSecond,
    closed: users === null || thinkSeconds === null ? undefined : { users, thinkSeconds },
    operation: ratePerSecond === 0 || overloaded ? undefined : { topology, placement, ratePerSecond, hits, solved },
  }
  const demand = {
    ...point.table,
    responseSeconds: point.table.traffic === 'open' ? meanResponse(topology, requests) : point.table.responseSeconds,
    requests: classDemands(context),
    steps: stepDemands(context),
  }
  const headroomRatio = maximum === null || traffic === 'none' ? null : 1 - throughput / maximum
  return {
    hits,
    solved,
    tree,
    context,
    limits,
    tightest,
    maximum,
    headroomRatio,
    requests,
    operations,
    declared,
    demand,
  }
}

/** `placement`: where a run happened; without it the hosts that the topology declares. `prices`: of what it does not price itself. */
export const capacityPlan = (
  topology: Topology,
  placement: Placement = topologyPlacement(topology),
  prices: PriceList = shippedPrices,
): CapacityPlan => {
  const { hits, solved, tree, context, limits, tightest, maximum, headroomRatio, ...rows } = solveDeclared(
    topology,
    placement,
  )
  const { requests, operations, declared, demand } = rows
  const { ratePerSecond } = declared
  const { usage } = solved
  const plan: CapacityPlan = {
    apiVersion: 'plimsoll/v1',
    kind: 'CapacityPlan',
    topology: { name: topology.name, digest: topology.digest },
    demand,
    requests,
    components: componentPlans(context),
    hosts: hostPlans(context),
    pools: poolPlans(context),
    limits,
    bottleneck: tightest?.id ?? null,
    bottleneckLimit: tightest?.sentence ?? null,
    maxThroughputPerSecond: maximum,
    headroomRatio,
    assumptions: rest(topology, hits.assumptions),
    objectives: objectivePlans(operations, declared),
    memory: memoryPlans(topology, placement, inFlightAt({ topology, placement, ratePerSecond, hits, solved })),
    network: networkPlans(topology, { requests, demand }),
    cost: costPlan(operations, prices, { requests, demand }),
    triggers: triggerPlans(operations, declared),
    losses: lossPlans(operations, declared),
    uncertainty: null,
    findings: [],
  }
  return rounded({
    ...plan,
    findings: findingsOf({ topology, plan, placement, usage, hits, tree }),
  })
}

/** To twelve significant digits: what differs beyond them is the order of additions, not the system. */
const rounded = <T>(value: T): T => {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(12))) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, rounded(entry)])) as T
}

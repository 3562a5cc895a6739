/**
 * Capacity by operational laws (Denning & Buzen 1978): visit counts from the flows, demand D = Σ visits × service time,
 * utilization U = X·D/c, concurrency N = X·R, bound X ≤ c/D of each resource; the least bound is the system's.
 */
import { topologyPlacement } from '../catalog/placement.js'
import type { Placement } from '../result/placement.js'
import type { RequestClass, Topology } from '../topology/types.js'
import { type Node, requestTree } from './flow-tree.js'
import { hitRatios } from './hit-ratios.js'
import { maxThroughput, rawLimits } from './limits.js'
import { operatingPoint } from './operating-point.js'
import { queueing } from './queueing.js'
import { findingsOf } from './rules/index.js'
import { classDemands, classPlans, componentPlans, hostPlans, limitPlans, poolPlans, stepDemands } from './tables.js'
import { alone, timeOf } from './timing.js'
import type { CapacityPlan } from './types.js'
import { type ClassLoad, usageOf } from './usage.js'

/** Hit ratios that follow from rates are found at the declared rate; a closed loop's is taken to be this at first. */
const firstGuessPerSecond = 1000

interface Solved {
  readonly classes: readonly ClassLoad[]
  readonly usage: ReturnType<typeof usageOf>
  readonly limits: ReturnType<typeof rawLimits>
  readonly point: ReturnType<typeof operatingPoint>
  readonly queues: ReturnType<typeof queueing>
}

const solve = (topology: Topology, placement: Placement, classes: readonly ClassLoad[]): Solved => {
  const usage = usageOf(topology, placement, classes)
  const context = { topology, placement, usage }
  const limits = rawLimits(context)
  const point = operatingPoint(topology, usage, limits)
  return { classes, usage, limits, point, queues: queueing(context, point.table.throughputPerSecond, point.known) }
}

/** A client polls until its work is done: on average half an interval longer than that takes, and at least once. */
const pollsPer = (parent: Node, poll: RequestClass, solved: Solved): number => {
  const every = poll.everySeconds
  if (every === undefined || every <= 0) return 1
  const lasting = (timing: Parameters<typeof timeOf>[1]): number =>
    timeOf(parent, timing, true) - timeOf(parent, timing)
  const loaded = lasting(solved.queues.timing)
  const throughput = solved.point.table.throughputPerSecond
  const seconds = Number.isFinite(loaded) ? loaded : lasting(alone((node) => solved.usage.price(node, throughput)))
  return Math.max(1, seconds / every + 0.5)
}

/** Classes that stand in the shares first; polls follow from how long the work of their parent takes under that load. */
const solveAll = (topology: Topology, placement: Placement, treeOf: (request: RequestClass) => Node): Solved => {
  const requests = Object.values(topology.requests)
  const own = requests.filter(({ derivedFrom }) => derivedFrom === undefined)
  const classes = own.map((request) => ({ id: request.id, tree: treeOf(request), perRequest: request.share }))
  const first = solve(topology, placement, classes)
  const polls = requests.flatMap((request) => {
    const parent = classes.find(({ id }) => id === request.derivedFrom)
    return parent === undefined
      ? []
      : [
          {
            id: request.id,
            tree: treeOf(request),
            perRequest: parent.perRequest * pollsPer(parent.tree, request, first),
          },
        ]
  })
  return polls.length === 0 ? first : solve(topology, placement, [...classes, ...polls])
}

const solveWithHits = (topology: Topology, placement: Placement) => {
  const at = (throughput: number) => {
    const hits = hitRatios(topology, (id) => throughput * (topology.requests[id]?.share ?? 0))
    const solved = solveAll(topology, placement, (request) => requestTree(request, { topology, hitRatio: hits.of }))
    return { hits, solved }
  }
  const guess = topology.traffic?.mode === 'open' ? topology.traffic.ratePerSecond : firstGuessPerSecond
  const first = at(guess)
  // Nothing was computed from the guess unless a hit ratio was; a closed loop then deserves a second look.
  return topology.traffic?.mode === 'closed' && first.hits.assumptions.length > 0
    ? at(first.solved.point.table.throughputPerSecond)
    : first
}

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

/** `placement`: where a run happened; without it the hosts that the topology declares. */
export const capacityPlan = (topology: Topology, placement: Placement = topologyPlacement(topology)): CapacityPlan => {
  const { hits, solved } = solveWithHits(topology, placement)
  const { usage, point, limits: raw } = solved
  const throughput = point.table.throughputPerSecond
  const limits = limitPlans(raw, throughput, (limit) => maxThroughput(topology, limit))
  const tightest = limits[0]?.maxThroughputPerSecond === null ? undefined : limits[0]
  const maximum = tightest?.maxThroughputPerSecond ?? null
  const context = { topology, placement, ...solved, plans: limits, hits }
  const requests = classPlans(context)
  const plan: CapacityPlan = {
    apiVersion: 'plimsoll/v1',
    kind: 'CapacityPlan',
    topology: { name: topology.name, digest: topology.digest },
    demand: {
      ...point.table,
      responseSeconds: point.table.traffic === 'open' ? meanResponse(topology, requests) : point.table.responseSeconds,
      requests: classDemands(context),
      steps: stepDemands(context),
    },
    requests,
    components: componentPlans(context),
    hosts: hostPlans(context),
    pools: poolPlans(context),
    limits,
    bottleneck: tightest?.id ?? null,
    bottleneckLimit: tightest?.sentence ?? null,
    maxThroughputPerSecond: maximum,
    headroomRatio: maximum === null || point.table.traffic === 'none' ? null : 1 - throughput / maximum,
    assumptions: rest(topology, hits.assumptions),
    findings: [],
  }
  return rounded({ ...plan, findings: findingsOf({ topology, plan, visits: usage.visits }) })
}

/** To twelve significant digits: what differs beyond them is the order of additions, not the system. */
const rounded = <T>(value: T): T => {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(12))) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, rounded(entry)])) as T
}

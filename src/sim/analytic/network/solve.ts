/** From a topology, its declared traffic and a placement to what its stations and classes make of it. */
import type { Placement } from '../../../result/placement.js'
import type { ComponentId, RequestClass, Topology, Traffic } from '../../../topology/types.js'
import { places, roundTrips } from '../../places.js'
import { type Node, requestTree, type TreeContext } from './flow-tree.js'
import { flushRatios } from './flush-ratios.js'
import { type HitRatios, hitRatios } from './hit-ratios.js'
import { keptAnswers, ratesBehind } from './kept-answers.js'
import { rawLimits } from './limits.js'
import { operatingPoint } from './operating-point.js'
import { type Site, type Spread, siteFinder } from './places.js'
import { type Residences, residencesOf } from './residence.js'
import { Rooms } from './rooms.js'
import type { Station } from './stations.js'
import { alone, timeOf } from './timing.js'
import { type ClassLoad, Kept, type Usage, usageOf } from './usage.js'

/** Hit ratios that follow from rates are found at the declared rate; a closed loop's is taken to be this at first. */
const firstGuessPerSecond = 1000

/** A topology under its traffic, solved. */
export interface Solved {
  readonly classes: readonly ClassLoad[]
  readonly usage: ReturnType<typeof usageOf>
  readonly limits: ReturnType<typeof rawLimits>
  readonly point: ReturnType<typeof operatingPoint>
  readonly residences: Residences
}

/** Classes on a placement: all but their load. */
export interface Shape {
  readonly hits: HitRatios
  readonly tree: TreeContext
  readonly kept: Kept
  /** Those that stand in the shares. */
  readonly own: readonly ClassLoad[]
  readonly ownUsage: () => Usage
  readonly polls: readonly Poll[]
}

interface Poll {
  readonly request: RequestClass
  readonly parent: ClassLoad
  readonly tree: Node
}

interface Load {
  readonly topology: Topology
  readonly placement: Placement
  readonly spread: Spread
  readonly siteOf: (station: Station) => Site
  readonly rooms: Rooms
  readonly traffic: Traffic | undefined
}

const solve = (load: Load, kept: Kept, classes: readonly ClassLoad[], usage: Usage): Solved => {
  const { topology, placement, traffic } = load
  // Who asks only for limits, a hundred times in a plan, waits for no point, and who asks for a point of open traffic for no limits.
  const limits = once(() => rawLimits({ topology, placement, usage }))
  const point = once(() => operatingPoint({ ...load, usage, classes, kept }, limits, traffic))
  const residences = once(() => residencesOf(kept, classes, point().timing))
  return {
    classes,
    usage,
    get limits() {
      return limits()
    },
    get point() {
      return point()
    },
    get residences() {
      return residences()
    },
  }
}

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** A client polls until its work is done: on average half an interval longer than that takes, and at least once. */
const pollsPer = (parent: Node, poll: RequestClass, solved: Solved): number => {
  const every = poll.everySeconds
  if (every === undefined || every <= 0) return 1
  const lasting = (timing: Parameters<typeof timeOf>[1]): number =>
    timeOf(parent, timing, true) - timeOf(parent, timing)
  const loaded = lasting(solved.point.timing)
  const throughput = solved.point.table.throughputPerSecond
  const seconds = Number.isFinite(loaded) ? loaded : lasting(alone((node) => solved.usage.price(node, throughput)))
  return Math.max(1, seconds / every + 0.5)
}

/** Classes that stand in the shares first; polls follow from how long the work of their parent takes under that load. */
const solveAll = (load: Load, { kept, own, ownUsage, polls }: Shape): Solved => {
  const first = solve(load, kept, own, ownUsage())
  if (polls.length === 0) return first
  const classes = [
    ...own,
    ...polls.map(({ request, parent, tree }) => ({
      id: request.id,
      tree,
      perRequest: parent.perRequest * pollsPer(parent.tree, request, first),
    })),
  ]
  return solve(load, kept, classes, usageOf(kept, classes))
}

export interface Answer {
  readonly hits: HitRatios
  readonly solved: Solved
  readonly tree: TreeContext
}

export interface Solver {
  /**
   * With the hit ratios that lookups have at the rates that come out. Hit ratios that follow from rates are found at the rate of open traffic; for
   * closed traffic, at what comes out of a guess.
   */
  readonly at: (traffic: Traffic | undefined) => Answer
  /** What is the same at every load; undefined: hit ratios follow from rates, or nothing has been solved yet. */
  readonly shape: () => Shape | undefined
}

/** The trees of a shape for a topology that differs in instances alone. */
const onOthers = (shape: Shape, topology: Topology, placement: Placement): Shape => {
  const kept = new Kept(topology, placement, shape.kept)
  return { ...shape, tree: { ...shape.tree, topology }, kept, ownUsage: once(() => usageOf(kept, shape.own)) }
}

/**
 * A topology on a placement under any traffic: what does not depend on the load is found once. Lookups of caches that are `gone` all miss. `alike`: a
 * shape whose trees are the same, since only numbers and places of instances differ that no tree depends on.
 */
export const solverOf = (
  topology: Topology,
  placement: Placement,
  spread: Spread,
  gone?: ReadonlyMap<ComponentId, unknown>,
  alike?: Shape,
): Solver => {
  // Who asks for limits alone needs no sites.
  const finder = once(() => siteFinder(topology, placement, spread))
  const siteOf = (station: Station): Site => finder()(station)
  const rooms = new Rooms(topology, placement)
  let constant = alike === undefined ? undefined : onOthers(alike, topology, placement)
  const shapeAt = (throughput: number): Shape => {
    if (constant !== undefined) return constant
    let asked = false
    const classRate = (id: string): number => {
      asked = true
      return throughput * (topology.requests[id]?.share ?? 0)
    }
    const shape = shapeOf(topology, placement, classRate, gone)
    // Where nobody asked how much comes, the trees are the same however much that is.
    if (!asked) constant = shape
    return shape
  }
  const at = (traffic: Traffic | undefined, throughput: number): Answer => {
    const shape = shapeAt(throughput)
    const { hits, tree } = shape
    return { hits, tree, solved: solveAll({ topology, placement, spread, siteOf, rooms, traffic }, shape) }
  }
  return {
    at: (traffic) => {
      const first = at(traffic, traffic?.mode === 'open' ? traffic.ratePerSecond : firstGuessPerSecond)
      // Nothing was computed from the guess unless a hit ratio was; a closed loop then deserves a second look.
      return traffic?.mode === 'closed' && first.hits.assumptions.length > 0
        ? at(traffic, first.solved.point.table.throughputPerSecond)
        : first
    },
    shape: () => constant,
  }
}

const shapeOf = (
  topology: Topology,
  placement: Placement,
  classRate: (request: string) => number,
  gone: ReadonlyMap<ComponentId, unknown> | undefined,
): Shape => {
  const keptShare = keptAnswers(topology, classRate)
  const rateBehind = ratesBehind(topology, classRate, keptShare)
  const flushes = flushRatios(topology, rateBehind)
  const present = hitRatios(topology, rateBehind)
  const hits: HitRatios =
    gone === undefined
      ? present
      : { ...present, of: (step) => (gone.has(step.target.component) ? 0 : present.of(step)) }
  const tree: TreeContext = {
    topology,
    hitRatio: hits.of,
    flushesPerWrite: (step, back) => (gone?.has(back.cache) === true ? undefined : flushes(step, back)),
    keptShare,
    placeOf: places(topology, placement),
    roundTripSeconds: roundTrips(topology, placement),
  }
  const requests = Object.values(topology.requests)
  const own = requests
    .filter(({ derivedFrom }) => derivedFrom === undefined)
    .map((request) => ({ id: request.id, tree: requestTree(request, tree), perRequest: request.share }))
  const polls = requests.flatMap((request): readonly Poll[] => {
    const parent = own.find(({ id }) => id === request.derivedFrom)
    return parent === undefined ? [] : [{ request, parent, tree: requestTree(request, tree) }]
  })
  const kept = new Kept(topology, placement)
  return { hits, tree, kept, own, ownUsage: once(() => usageOf(kept, own)), polls }
}

/** Under the traffic that it declares. */
export const solveTopology = (
  topology: Topology,
  placement: Placement,
  spread: Spread,
  gone?: ReadonlyMap<ComponentId, unknown>,
): Answer => solverOf(topology, placement, spread, gone).at(topology.traffic)

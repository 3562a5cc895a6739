/** From a topology, its declared traffic and a placement to what its stations and classes make of it. */
import type { Placement } from '../../../result/placement.js'
import type { ComponentId, RequestClass, Topology } from '../../../topology/types.js'
import { places, roundTrips } from '../../places.js'
import { type Node, requestTree, type TreeContext } from './flow-tree.js'
import { flushRatios } from './flush-ratios.js'
import { type HitRatios, hitRatios } from './hit-ratios.js'
import { keptAnswers, ratesBehind } from './kept-answers.js'
import { rawLimits } from './limits.js'
import { operatingPoint } from './operating-point.js'
import type { Spread } from './places.js'
import { type Residences, residencesOf } from './residence.js'
import { alone, timeOf } from './timing.js'
import { type ClassLoad, usageOf } from './usage.js'

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

const solve = (topology: Topology, placement: Placement, classes: readonly ClassLoad[], spread: Spread): Solved => {
  const usage = usageOf(topology, placement, classes)
  const limits = rawLimits({ topology, placement, usage })
  // Who asks only for limits, a hundred times in a plan, waits for neither.
  const point = once(() => operatingPoint({ topology, placement, usage, classes, spread }, limits, topology.traffic))
  const residences = once(() => residencesOf(topology, classes, point().timing))
  return {
    classes,
    usage,
    limits,
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
const solveAll = (
  topology: Topology,
  placement: Placement,
  treeOf: (request: RequestClass) => Node,
  spread: Spread,
): Solved => {
  const requests = Object.values(topology.requests)
  const own = requests.filter(({ derivedFrom }) => derivedFrom === undefined)
  const classes = own.map((request) => ({ id: request.id, tree: treeOf(request), perRequest: request.share }))
  const first = solve(topology, placement, classes, spread)
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
  return polls.length === 0 ? first : solve(topology, placement, [...classes, ...polls], spread)
}

/** With the hit ratios that its lookups have at the rates that come out; lookups of caches that are `gone` all miss. */
export const solveTopology = (
  topology: Topology,
  placement: Placement,
  spread: Spread,
  gone?: ReadonlyMap<ComponentId, unknown>,
): { readonly hits: HitRatios; readonly solved: Solved; readonly tree: TreeContext } => {
  const at = (throughput: number) => {
    const classRate = (id: string): number => throughput * (topology.requests[id]?.share ?? 0)
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
    const solved = solveAll(topology, placement, (request) => requestTree(request, tree), spread)
    return { hits, solved, tree }
  }
  const guess = topology.traffic?.mode === 'open' ? topology.traffic.ratePerSecond : firstGuessPerSecond
  const first = at(guess)
  // Nothing was computed from the guess unless a hit ratio was; a closed loop then deserves a second look.
  return topology.traffic?.mode === 'closed' && first.hits.assumptions.length > 0
    ? at(first.solved.point.table.throughputPerSecond)
    : first
}

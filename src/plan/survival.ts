/** The plan once more with something lost: what still answers, what carries the load then, and which objectives break. */
import type { Placement } from '../result/placement.js'
import { occurrences } from '../sim/analytic/network/flow-tree.js'
import { type Solver, solverOf } from '../sim/analytic/network/solve.js'
import { places } from '../sim/places.js'
import { walk } from '../topology/flow.js'
import { flowsOf } from '../topology/flows.js'
import type { ComponentId, Topology } from '../topology/types.js'
import type { Declared } from './breaking.js'
import { demandedKinds, type Loss, lossesOf, type Survivors, survivorsOf } from './losses.js'
import { neededBy } from './needs.js'
import { type Operations, operationsOf } from './operation.js'
import { predict } from './prediction.js'
import type { LossPlan } from './types.js'

/** Classes that stand in the shares; polls fail with their parents. */
const ownClasses = (topology: Topology) =>
  Object.values(topology.requests).filter(({ derivedFrom, share }) => derivedFrom === undefined && share > 0)

/** What is the same for every loss. */
interface Known {
  /** The components that each class visits. */
  readonly visits: ReadonlyMap<string, ReadonlySet<ComponentId>>
  /** Those without which it has no answer. */
  readonly needs: ReadonlyMap<string, ReadonlySet<ComponentId>>
  /** Components that lookups ask. */
  readonly caches: ReadonlySet<ComponentId>
  /** Of each class and objective, with everything there. */
  readonly expected: ReadonlyMap<string, number | undefined>
  /** The components that have an instance on each machine. */
  readonly tenants: ReadonlyMap<string, ReadonlySet<ComponentId>>
  /** What solves the system with everything there. */
  readonly solver: Solver
}

const componentOf = (instance: string): ComponentId => instance.split('/')[0] ?? ''

const tenantsOf = (placement: Placement): Known['tenants'] => {
  const tenants = new Map<string, Set<ComponentId>>()
  for (const [id, { host }] of Object.entries(placement.instances)) {
    const there = tenants.get(host)
    if (there === undefined) tenants.set(host, new Set([componentOf(id)]))
    else there.add(componentOf(id))
  }
  return tenants
}

const expectedOf = ({ operation }: Declared): Known['expected'] =>
  new Map(
    Object.values(operation?.topology.requests ?? {}).flatMap((request) =>
      request.slo.map(({ path }) => [
        `${request.id} ${path}`,
        operation === undefined || path === 'availability' ? undefined : predict(operation, request, path),
      ]),
    ),
  )

const cachesOf = (topology: Topology): ReadonlySet<ComponentId> =>
  new Set(
    flowsOf(topology).flatMap((flow) =>
      [...walk(flow)].flatMap((step) => (step.kind === 'lookup' ? [step.target.component] : [])),
    ),
  )

/** The components that each class visits. */
const visitsOf = (operations: Operations): ReadonlyMap<string, ReadonlySet<ComponentId>> =>
  new Map(
    operations.idle.solved.classes.map(({ id, tree }) => [
      id,
      new Set([...occurrences(tree)].map(({ node }) => node.at.component)),
    ]),
  )

/**
 * Classes whose times a loss can change: those that visit what lost something, or what shares a machine with it. Where a cache is gone, its misses may
 * load anything: all of them.
 */
const touched = (
  loss: Loss,
  gone: ReadonlyMap<ComponentId, unknown>,
  { visits, caches, tenants }: Known,
): ((request: string) => boolean) => {
  if ([...gone.keys()].some((id) => caches.has(id))) return () => true
  const lost = new Set(loss.instances.map(componentOf))
  const hit = new Set(lost)
  for (const there of tenants.values()) if ([...lost].some((id) => there.has(id))) for (const id of there) hit.add(id)
  return (request) => [...(visits.get(request) ?? [])].some((component) => hit.has(component))
}

/**
 * What solves the survivors. The trees of the work are those of the whole, unless hit ratios follow from rates, a cache is gone, consumers share their
 * queue's messages by their number, or a component is in another place then.
 */
const solverOfSurvivors = (
  topology: Topology,
  placement: Placement,
  left: Survivors,
  loss: Loss,
  known: Known,
): Solver => {
  const [before, after] = [places(topology, placement), places(left.topology, left.placement)]
  const changes = (id: ComponentId): boolean => {
    const component = topology.components[id]
    const [from, to] = [before(id), after(id)]
    return (
      (component?.role === 'service' && component.consumes !== undefined) ||
      from.zone !== to.zone ||
      from.region !== to.region ||
      (left.gone.has(id) && known.caches.has(id))
    )
  }
  const alike = loss.instances.some((instance) => changes(componentOf(instance))) ? undefined : known.solver.shape()
  return solverOf(left.topology, left.placement, 'shared', left.gone, alike)
}

const lossPlan = (topology: Topology, placement: Placement, declared: Declared, loss: Loss, known: Known): LossPlan => {
  const left = survivorsOf(topology, placement, loss)
  const failing = ownClasses(topology)
    .filter(({ id }) => [...left.gone.keys()].some((gone) => known.needs.get(id)?.has(gone)))
    .map(({ id }) => id)
  const solver = solverOfSurvivors(topology, placement, left, loss, known)
  const operations = operationsOf(left.topology, left.placement, left.gone, solver)
  const { maxPerSecond, bottleneck } = operations
  const { ratePerSecond } = declared
  const headroomRatio = !Number.isFinite(maxPerSecond) || ratePerSecond === 0 ? null : 1 - ratePerSecond / maxPerSecond
  const carries = headroomRatio === null || headroomRatio > 1e-6
  const broken =
    !carries || ratePerSecond === 0
      ? []
      : brokenAt(operations, ratePerSecond, failing, touched(loss, left.gone, known), known)
  return {
    kind: loss.kind,
    id: loss.id,
    instances: loss.instances,
    demanded: demandedKinds[topology.policy.survive].includes(loss.kind),
    gone: Object.fromEntries(left.gone),
    failing,
    maxThroughputPerSecond: Number.isFinite(maxPerSecond) ? maxPerSecond : null,
    bottleneck: bottleneck ?? null,
    headroomRatio,
    broken,
    survives: failing.length === 0 && carries && broken.length === 0,
  }
}

const brokenAt = (
  operations: Operations,
  ratePerSecond: number,
  failing: readonly string[],
  isTouched: (request: string) => boolean,
  { expected }: Known,
): LossPlan['broken'] =>
  Object.values(operations.topology.requests).flatMap((request) =>
    failing.includes(request.id)
      ? []
      : request.slo.flatMap(({ path, bound }) => {
          if (path === 'availability') return []
          // What is not touched is as it is with everything there.
          const value = isTouched(request.id)
            ? predict(operations.at(ratePerSecond), request, path)
            : expected.get(`${request.id} ${path}`)
          return value === undefined || value <= bound
            ? []
            : [{ request: request.id, path, bound, predicted: Number.isFinite(value) ? value : null }]
        }),
  )

export const lossPlans = (operations: Operations, declared: Declared): readonly LossPlan[] => {
  const { topology, placement } = operations
  const known: Known = {
    visits: visitsOf(operations),
    needs: new Map(Object.values(topology.requests).map((request) => [request.id, neededBy(topology, request)])),
    caches: cachesOf(topology),
    expected: expectedOf(declared),
    tenants: tenantsOf(placement),
    solver: operations.solver,
  }
  return lossesOf(topology, placement).map((loss) => lossPlan(topology, placement, declared, loss, known))
}

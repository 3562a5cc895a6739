/** The plan once more with something lost: what still answers, what carries the load then, and which objectives break. */
import type { Placement } from '../result/placement.js'
import type { Topology } from '../topology/types.js'
import type { Declared } from './breaking.js'
import { demandedKinds, type Loss, lossesOf, survivorsOf } from './losses.js'
import { neededBy } from './needs.js'
import { operationsOf } from './operation.js'
import { predict } from './prediction.js'
import type { LossPlan } from './types.js'

/** Classes that stand in the shares; polls fail with their parents. */
const ownClasses = (topology: Topology) =>
  Object.values(topology.requests).filter(({ derivedFrom, share }) => derivedFrom === undefined && share > 0)

const lossPlan = (topology: Topology, placement: Placement, declared: Declared, loss: Loss): LossPlan => {
  const left = survivorsOf(topology, placement, loss)
  const failing = ownClasses(topology)
    .filter((request) => [...neededBy(topology, request)].some((id) => left.gone.has(id)))
    .map(({ id }) => id)
  const operations = operationsOf(left.topology, left.placement, left.gone)
  const { maxPerSecond, bottleneck } = operations
  const { ratePerSecond } = declared
  const headroomRatio = !Number.isFinite(maxPerSecond) || ratePerSecond === 0 ? null : 1 - ratePerSecond / maxPerSecond
  const carries = headroomRatio === null || headroomRatio > 1e-6
  const broken = !carries || ratePerSecond === 0 ? [] : brokenAt(operations, ratePerSecond, failing)
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
  operations: ReturnType<typeof operationsOf>,
  ratePerSecond: number,
  failing: readonly string[],
): LossPlan['broken'] => {
  const operation = operations.at(ratePerSecond)
  return Object.values(operation.topology.requests).flatMap((request) =>
    failing.includes(request.id)
      ? []
      : request.slo.flatMap(({ path, bound }) => {
          const value = path === 'availability' ? undefined : predict(operation, request, path)
          return value === undefined || value <= bound
            ? []
            : [{ request: request.id, path, bound, predicted: Number.isFinite(value) ? value : null }]
        }),
  )
}

export const lossPlans = (topology: Topology, placement: Placement, declared: Declared): readonly LossPlan[] =>
  lossesOf(topology, placement).map((loss) => lossPlan(topology, placement, declared, loss))

/** For how long each variant is simulated: until there are enough requests of the class, and not for longer. */

import { meanSeconds } from '../../lib/distribution.js'
import type { RunResult } from '../../result/run-result.js'
import type { Cause } from '../../sim/without/causes.js'
import type { Topology } from '../../topology/types.js'
import type { CapacityPlan } from '../types.js'

/** One simulation of the declared traffic. */
export interface Variant {
  readonly without: readonly Cause[]
  /** Index: the same one has the same random numbers in every variant. */
  readonly replication: number
  readonly durationSeconds: number
  readonly warmupSeconds: number
}

/** The results in the order of the variants; undefined: interrupted. */
export type Simulate = (variants: readonly Variant[]) => Promise<readonly RunResult[] | undefined>

export interface Length {
  readonly durationSeconds: number
  readonly warmupSeconds: number
}

export const replications = 5

/** Requests of the class that are wanted of all replications of a variant: a thousand lie beyond the 95th percentile. */
const wanted = 20_000

/** Requests of all classes in all replications of a variant. */
const fewest = 30_000
const most = 150_000

/** Share of a simulation that is not measured: lines are empty when it begins, or, of closed traffic, all users come at once. */
const warmUp = 0.3

/** Closed traffic: requests of each user. All come at once, and it takes several rounds until that is forgotten. */
const roundsOfUsers = 20

/** Open traffic: times as long as the slowest class takes by itself, so that lines have filled. */
const residences = 100

const length = (durationSeconds: number): Length => ({
  durationSeconds,
  warmupSeconds: durationSeconds * warmUp,
})

/** Requests of all classes for each replication. */
const requestsWanted = ({ requests }: CapacityPlan, request: string): number => {
  const inShares = Object.values(requests).filter(({ share }) => share > 0)
  const all = inShares.reduce((sum, { arrivalRatePerSecond }) => sum + arrivalRatePerSecond, 0)
  const share = all > 0 ? (requests[request]?.arrivalRatePerSecond ?? 0) / all : 1
  return Math.min(most, Math.max(fewest, share > 0 ? wanted / share : most)) / replications
}

/** Undefined: interrupted. */
export const lengthsOf = async (
  topology: Topology,
  plan: CapacityPlan,
  request: string,
  removals: readonly (readonly Cause[])[],
  simulate: Simulate,
): Promise<readonly Length[] | undefined> => {
  const { traffic } = topology
  const requests = requestsWanted(plan, request)
  if (traffic === undefined || traffic.mode === 'open')
    return removals.map(() =>
      length(
        Math.max(
          requests / Math.max(traffic?.ratePerSecond ?? 0, Number.MIN_VALUE),
          residences * Math.max(0, ...Object.values(plan.requests).map((one) => one.minResidenceSeconds)),
        ),
      ),
    )
  const think = meanSeconds(traffic.thinkTime)
  const free = Object.values(plan.requests).reduce((sum, one) => sum + one.share * one.minResidenceSeconds, 0)
  const most = Math.max(requests, traffic.users * roundsOfUsers)
  return lengthsOfClosed(removals, most, traffic.users / Math.max(think + free, 1e-6), simulate)
}

/** Between two looks a simulation becomes at most so much longer: its rate is not known before all users have come once. */
const growth = 8
const looks = 8

/**
 * Of closed traffic nobody knows the rate before: it depends on how fast the variant answers. Each is tried for the time that it
 * would take if nobody waited, then for longer, until a quarter of the requests was answered; its rate tells the rest.
 */
const lengthsOfClosed = async (
  removals: readonly (readonly Cause[])[],
  requests: number,
  mostPerSecond: number,
  simulate: Simulate,
): Promise<readonly Length[] | undefined> => {
  const seconds = removals.map(() => requests / mostPerSecond)
  let open = [...removals.keys()]
  for (let look = 0; look < looks && open.length > 0; look++) {
    const tried = open.map((index) => ({
      without: removals[index] ?? [],
      replication: 0,
      durationSeconds: seconds[index] ?? 0,
      warmupSeconds: 0,
    }))
    const results = await simulate(tried)
    if (results === undefined) return undefined
    const left: number[] = []
    for (const [i, index] of open.entries()) {
      const answered = results[i]?.requests.all?.completed ?? 0
      const factor = requests / Math.max(answered, 1)
      seconds[index] = (seconds[index] ?? 0) * Math.min(factor, growth)
      if (factor > 4) left.push(index)
    }
    open = left
  }
  return seconds.map(length)
}

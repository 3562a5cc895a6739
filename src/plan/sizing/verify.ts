/**
 * A plan that queueing theory found, put to simulation: where an objective does not hold, theory was too hopeful about it, where a decrement that
 * theory refuses for an objective alone holds, too gloomy. By how much is remembered, and the search made again.
 */
import type { RunResult } from '../../result/run-result.js'
import type { Topology } from '../../topology/types.js'
import { predict } from '../prediction.js'
import type { ProofTimes } from './experiment.js'
import { objectiveKey } from './judge.js'
import { type Decrement, lowered } from './shrink.js'
import { type Observed, type Outcome, resize, type Sizing, type SizingInput } from './sizing.js'
import { solveAt } from './solved.js'
import type { SizedLoad } from './target.js'
import type { Reason, Verification } from './types.js'

/** Merged results under common random numbers, one for each topology; undefined: interrupted. */
export type Simulate = (
  load: SizedLoad,
  topologies: readonly Topology[],
  times: ProofTimes,
) => Promise<readonly RunResult[] | undefined>

export interface Proof {
  readonly simulate: Simulate
  readonly replications: number
  readonly seed: number
  readonly times: (load: SizedLoad, topology: Topology) => ProofTimes
  /** Are decrements simulated that only an objective forbids? */
  readonly decrements: boolean
}

export interface Verified {
  readonly outcome: Outcome
  readonly observed: Observed | undefined
  readonly verification: Verification | undefined
  readonly simulated: ReadonlyMap<string, readonly Reason[]>
}

/** Searches at most. */
const mostRounds = 6

/** What a result says of each objective. */
export const observedIn = (topology: Topology, result: RunResult): Observed =>
  new Map(
    Object.values(topology.requests).flatMap((request) =>
      request.slo.flatMap(({ path }) => {
        const judgement = result.slo.find(({ name }) => name.startsWith(`${request.id}.${path} `))
        return judgement === undefined
          ? []
          : [
              [
                objectiveKey(request.id, path),
                { value: judgement.observed, holds: judgement.verdict !== 'fail' },
              ] as const,
            ]
      }),
    ),
  )

const allHold = (observed: Observed): boolean => [...observed.values()].every(({ holds }) => holds)

/** Observed over predicted of those objectives that `choose` picks; undefined where no factor explains it. */
const factors = (
  topology: Topology,
  ratePerSecond: number,
  observed: Observed,
  choose: (key: string, holds: boolean) => boolean,
): ReadonlyMap<string, number> | undefined => {
  const operation = solveAt({ topology, ratePerSecond })
  const found = new Map<string, number>()
  for (const request of Object.values(topology.requests))
    for (const { path } of request.slo) {
      const key = objectiveKey(request.id, path)
      const seen = observed.get(key)
      if (seen === undefined || !choose(key, seen.holds)) continue
      const predicted = predict(operation, request, path)
      if (predicted === undefined || predicted <= 0 || !Number.isFinite(predicted) || seen.value === null)
        return undefined
      found.set(key, seen.value / predicted)
    }
  return found
}

/** Those that nothing but objectives at the full system forbid. */
const onlySlow = ({ breaks }: Decrement): boolean =>
  breaks.length > 0 && breaks.every(({ constraint }) => constraint === 'objective')

const withSizing = (outcome: Outcome, sizing: Sizing): Outcome =>
  outcome.reached ? { reached: true, sizing } : { ...outcome, instead: sizing }

export const verified = async (input: SizingInput, outcome: Outcome, proof: Proof): Promise<Verified | undefined> => {
  let sizing = outcome.reached ? outcome.sizing : outcome.instead
  if (sizing === undefined) return { outcome, observed: undefined, verification: undefined, simulated: new Map() }
  const { load } = sizing
  let corrections: ReadonlyMap<string, number> = new Map()
  for (let round = 1; ; round++) {
    const { topology } = sizing.found
    const times = proof.times(load, topology)
    const results = await proof.simulate(load, [topology], times)
    const [result] = results ?? []
    if (result === undefined) return undefined
    const observed = observedIn(topology, result)
    const holds = allHold(observed)
    const simulated = new Map<string, readonly Reason[]>()
    const answer = (current: Sizing): Verified => ({
      outcome: withSizing(outcome, current),
      observed,
      verification: { replications: proof.replications, ...times, seed: proof.seed, holds, rounds: round },
      simulated,
    })
    let taught: ReadonlyMap<string, number> | undefined
    if (!holds) taught = factors(topology, load.ratePerSecond, observed, (_, held) => !held)
    else if (proof.decrements) {
      const slow = sizing.decrements.filter(onlySlow)
      const lower = slow.map(({ knob, less = 0 }) => lowered(topology, knob, less))
      const tried = lower.length === 0 ? [] : await proof.simulate(load, lower, times)
      if (tried === undefined) return undefined
      for (const [i, decrement] of slow.entries()) {
        const [one, smaller] = [tried[i], lower[i]]
        if (one === undefined || smaller === undefined) continue
        const seen = observedIn(smaller, one)
        const blamed = new Set(
          decrement.breaks.flatMap(({ objective }) =>
            objective === undefined ? [] : [objectiveKey(objective.request, objective.path)],
          ),
        )
        if (allHold(seen)) taught ??= factors(smaller, load.ratePerSecond, seen, (key) => blamed.has(key))
        simulated.set(decrement.knob.id, brokenIn(one))
      }
    }
    if (taught === undefined || taught.size === 0 || round >= mostRounds) return answer(sizing)
    corrections = new Map([...corrections, ...taught])
    const next = resize(input, load, corrections)
    if (next === undefined) return answer(sizing)
    sizing = next
  }
}

const brokenIn = (result: RunResult): readonly Reason[] =>
  result.slo.flatMap(({ name, verdict, observed }): readonly Reason[] =>
    verdict === 'fail'
      ? [{ constraint: 'objective', subject: name, sentence: `simulated: ${name}: ${observed ?? 'no answer'}` }]
      : [],
  )

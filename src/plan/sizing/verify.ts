/**
 * A plan that queueing theory found, put to simulation: where an objective does not hold, theory was too hopeful about it, where a decrement that
 * theory refuses for an objective alone holds, too gloomy. By how much is remembered, and the search made again.
 */
import { percent, seconds } from '../../lib/words.js'
import type { RunResult } from '../../result/run-result.js'
import type { Topology } from '../../topology/types.js'
import { predict } from '../prediction.js'
import type { ProofTimes } from './experiment.js'
import { type Corrections, objectiveKey } from './judge.js'
import { type Decrement, decrementsOf, lowered } from './shrink.js'
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
const mostRounds = 12

/** In one round. */
const leastCorrection = 1.02
const mostCorrection = 1.15

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

/** Those that nothing but objectives at the full system forbid, and those that theory, corrected, would allow. */
const isSlowOnly = ({ less, breaks }: Decrement): boolean =>
  less !== undefined && breaks.every(({ constraint }) => constraint === 'objective')

const withSizing = (outcome: Outcome, sizing: Sizing): Outcome =>
  outcome.reached ? { reached: true, sizing } : { ...outcome, instead: sizing }

/** A plan as far as it is known. */
interface State {
  readonly sizing: Sizing
  readonly observed: Observed
  readonly times: ProofTimes
  readonly rounds: number
}

/** What failed is searched anew with what that taught, until it holds; undefined: interrupted. */
const untilItHolds = async (input: SizingInput, first: Sizing, proof: Proof): Promise<State | undefined> => {
  let sizing = first
  let corrections: Corrections = new Map()
  for (let rounds = 1; ; rounds++) {
    const { topology } = sizing.found
    const times = proof.times(sizing.load, topology)
    const [result] = (await proof.simulate(sizing.load, [topology], times)) ?? []
    if (result === undefined) return undefined
    const observed = observedIn(topology, result)
    const state = { sizing, observed, times, rounds }
    if (allHold(observed) || rounds >= mostRounds) return state
    const taught = factors(topology, sizing.load.ratePerSecond, observed, (_, holds) => !holds)
    if (taught === undefined) return state
    // What was corrected already and still fails was corrected too little; near saturation a factor is far too much elsewhere.
    const corrected = (key: string, factor: number): number => {
      const before = corrections.get(key) ?? 1
      return Math.min(Math.max(factor, before * leastCorrection), before * mostCorrection)
    }
    corrections = new Map([
      ...corrections,
      ...[...taught].map(([key, factor]) => [key, corrected(key, factor)] as const),
    ])
    const next = resize(input, sizing.load, corrections)
    if (next === undefined) return state
    sizing = next
  }
}

/** One decrement down that holds when it is simulated, or what each of them breaks there; undefined: interrupted. */
const stepDown = async (
  { sizing, times, rounds }: State,
  proof: Proof,
): Promise<{ readonly next?: State; readonly broken: ReadonlyMap<string, readonly Reason[]> } | undefined> => {
  const { found, load } = sizing
  const broken = new Map<string, readonly Reason[]>()
  for (const { knob, less = 0, breaks } of sizing.decrements.filter(isSlowOnly)) {
    const topology = lowered(found.topology, knob, less)
    const [result] = (await proof.simulate(load, [topology], times)) ?? []
    if (result === undefined) return undefined
    const observed = observedIn(topology, result)
    broken.set(knob.id, brokenIn(result))
    if (!allHold(observed)) continue
    const blamed = breaks.flatMap(({ objective }) =>
      objective === undefined ? [] : [objectiveKey(objective.request, objective.path)],
    )
    const taught = factors(topology, load.ratePerSecond, observed, (key) => blamed.includes(key))
    // Theory has no number that could be corrected: its refusal stands.
    if (taught === undefined) continue
    const question = { ...found.question, corrections: new Map([...found.question.corrections, ...taught]) }
    const lower = { ...found, topology, question }
    const decrements = decrementsOf(topology, found.knobs, question)
    return { next: { sizing: { load, found: lower, decrements }, observed, times, rounds: rounds + 1 }, broken }
  }
  return { broken }
}

/** Steps down at most. */
const mostSteps = 40

export const verified = async (input: SizingInput, outcome: Outcome, proof: Proof): Promise<Verified | undefined> => {
  const first = outcome.reached ? outcome.sizing : outcome.instead
  if (first === undefined) return { outcome, observed: undefined, verification: undefined, simulated: new Map() }
  let state = await untilItHolds(input, first, proof)
  let simulated: ReadonlyMap<string, readonly Reason[]> = new Map()
  for (let step = 0; step < mostSteps && state !== undefined; step++) {
    if (!proof.decrements || !allHold(state.observed)) break
    const down = await stepDown(state, proof)
    if (down === undefined) return undefined
    simulated = down.broken
    if (down.next === undefined) break
    state = down.next
  }
  if (state === undefined) return undefined
  const { sizing, observed, times, rounds } = state
  const { replications, seed } = proof
  return {
    outcome: withSizing(outcome, sizing),
    observed,
    verification: { replications, ...times, seed, holds: allHold(observed), rounds },
    simulated,
  }
}

const brokenIn = (result: RunResult): readonly Reason[] =>
  result.slo.flatMap(({ name, verdict, observed }): readonly Reason[] =>
    verdict === 'fail'
      ? [
          {
            constraint: 'objective',
            subject: name,
            sentence: `simulated: ${name}, and it is ${observed === null ? 'not answered' : observedText(name, observed)}`,
          },
        ]
      : [],
  )

const observedText = (name: string, value: number): string =>
  name.includes('.errors ') ? percent(value) : seconds(value)

/**
 * What cannot be read off a run, because its effect is mixed with that of everything else: how long a step waits by itself, and how
 * much of its work a component does after its answer. Both are chosen so that the model takes as long as the stack took, under the
 * loads that it was calibrated at (method of simulated moments; McFadden 1989).
 */
import type { Experiment } from '../experiment/types.js'
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import type { Calibration } from '../topology/calibration.js'
import type { StepFact } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import type { DemandPoint } from './law.js'

/** All but the digest, which belongs to the file that it is written to. */
export type Estimates = Omit<Calibration, 'digest'>

/** Simulated at a time; with the same random numbers each time, so that only what is sought differs. */
export const simulatedRequests = 8000

const rounds = 3
/** Of halving the interval: to within 2 points. */
const halvings = 5
/** More of its work than this no component does after its answer. */
const mostAftermath = 0.6

export interface Moments {
  /** The run with the least load that tells them, and how long each of its steps took (median). */
  readonly steps: { readonly result: RunResult; readonly times: Readonly<Record<string, DemandPoint>> } | undefined
  /** Runs whose latency was not disturbed, one for each load. */
  readonly latencies: readonly RunResult[]
}

export interface Fitted {
  /** Mean wait by step, in seconds. */
  readonly waits: Readonly<Record<string, number>>
  /** Undefined: no run tells. */
  readonly aftermath: number | undefined
}

/** `known`: all that the runs tell by themselves. */
export const fitMoments = (
  topology: Topology,
  known: Estimates,
  facts: ReadonlyMap<string, StepFact>,
  moments: Moments,
  requests = simulatedRequests,
): Fitted => {
  const model = new Model(topology, known, requests)
  // Without knowing how late the generator was, nobody could tell what a median owes to the stack.
  const tells = known.lateness !== undefined && moments.latencies.length > 0
  let waits = declaredWaits(facts, moments)
  let aftermath: number | undefined
  for (let round = 0; round < rounds; round++) {
    waits = nextWaits(model, moments, waits, aftermath)
    if (tells) aftermath = bestAftermath(model, moments.latencies, waits)
  }
  return { waits, aftermath }
}

const declaredWaits = (facts: ReadonlyMap<string, StepFact>, { steps }: Moments): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.keys(steps?.times ?? {}).map((id) => [id, facts.get(id)?.waitSeconds ?? 0]))

/** Each wait is changed by what the step took too short or too long: the median of an exponential time moves by ln 2 of its mean. */
const nextWaits = (
  model: Model,
  { steps }: Moments,
  waits: Readonly<Record<string, number>>,
  aftermath: number | undefined,
): Readonly<Record<string, number>> => {
  if (steps === undefined) return waits
  const simulated = model.play(steps.result, waits, aftermath)
  return Object.fromEntries(
    Object.entries(waits).map(([id, wait]) => {
      const [took, wanted] = [simulated.steps[id]?.latency?.p50, steps.times[id]?.seconds]
      return [id, took === undefined || wanted === undefined ? wait : Math.max(0, wait + (wanted - took) / Math.LN2)]
    }),
  )
}

/** The medians agree on average over the loads. The more comes after the answer, the shorter they are. */
const bestAftermath = (model: Model, runs: readonly RunResult[], waits: Readonly<Record<string, number>>): number => {
  const excess = (aftermath: number): number =>
    runs.reduce((sum, run) => {
      const [simulated, measured] = [model.play(run, waits, aftermath), run].map(
        (one) => one.requests.all?.latency?.p50,
      )
      return sum + Math.log((simulated ?? 1) / (measured ?? 1))
    }, 0)
  let [low, high] = [0, mostAftermath]
  for (let i = 0; i < halvings; i++) {
    const middle = (low + high) / 2
    if (excess(middle) > 0) low = middle
    else high = middle
  }
  // Nothing is what there is none of, and not half of the last interval.
  return low === 0 ? 0 : (low + high) / 2
}

class Model {
  constructor(
    private readonly topology: Topology,
    private readonly known: Estimates,
    private readonly requests: number,
  ) {}

  /** The load and the placement of the run, with these waits. */
  play(run: RunResult, waits: Readonly<Record<string, number>>, aftermath: number | undefined): RunResult {
    const steps = { ...this.known.steps }
    for (const [id, seconds] of Object.entries(waits))
      steps[id] = { ...steps[id], wait: { demand: { law: 'constant', seconds }, samples: 0 } }
    const calibration = { ...this.known, steps, ...(aftermath === undefined ? {} : { aftermath }), digest: '' }
    const simulation = new Simulation({
      topology: { ...this.topology, calibration },
      experiment: experimentOf(run, this.requests),
      placement: run.placement,
      seed: run.seed,
    })
    while (simulation.advance());
    return simulation.finish()
  }
}

/** The load that the run had on average (or `rate`), for as long as it takes to learn something. */
export const experimentOf = (
  result: RunResult,
  requests: number,
  rate = result.requests.all?.ratePerSecond ?? 0,
): Experiment => {
  const classes = Object.entries(result.requests).filter(([id]) => id !== 'all')
  const offered = classes.reduce((sum, [, one]) => sum + one.offered, 0)
  return {
    name: result.experiment.name,
    topology: '',
    seed: result.seed,
    load: {
      mode: 'open',
      arrivals: { kind: 'poisson' },
      mix: offered > 0 ? Object.fromEntries(classes.map(([id, one]) => [id, one.offered / offered])) : undefined,
      stages: [{ fromLevel: rate, toLevel: rate, durationSeconds: requests / Math.max(rate, 1) }],
      thinkTime: undefined,
    },
    steadyState: [],
    faults: [],
    abort: undefined,
    invariants: [],
    placement: undefined,
    warmupSeconds: 0,
    digest: '',
    source: { file: '', text: '', locate: () => ({ file: '', line: 1, column: 1 }) },
  }
}

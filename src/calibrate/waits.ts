/**
 * What a step waits by itself cannot be read off a run: its time holds the pool, the store's CPU, other work on the machine, and
 * an event loop that was busy when the answer came. The model computes all of these; so the wait is what makes the model take as
 * long as the stack took, under the load of that run (method of simulated moments; McFadden 1989).
 */
import type { Experiment } from '../experiment/types.js'
import type { RunResult } from '../result/run-result.js'
import { Simulation } from '../sim/des/simulation.js'
import type { Calibration } from '../topology/calibration.js'
import type { StepFact } from '../topology/steps.js'
import type { Topology } from '../topology/types.js'
import type { DemandPoint } from './law.js'

/** Simulated per iteration; with the same random numbers each time, so that only the waits differ. */
const requests = 12_000
const iterations = 3

export interface WaitTargets {
  /** The run under whose load and placement the steps took their time. */
  readonly result: RunResult
  /** How long each step took, on average. */
  readonly stepTime: Readonly<Record<string, DemandPoint>>
}

/** Mean wait by step, in seconds. `calibration`: all that is known but the waits. */
export const fitWaits = (
  topology: Topology,
  calibration: Omit<Calibration, 'digest'>,
  facts: ReadonlyMap<string, StepFact>,
  { result, stepTime }: WaitTargets,
): Readonly<Record<string, number>> => {
  const waits: Record<string, number> = {}
  for (const id of Object.keys(stepTime)) waits[id] = facts.get(id)?.waitSeconds ?? 0
  const experiment = experimentOf(result)
  for (let i = 0; i < iterations; i++) {
    const simulated = play(withWaits(topology, calibration, waits), experiment, result)
    for (const [id, { seconds }] of Object.entries(stepTime)) {
      const took = simulated.steps[id]?.latency?.mean
      if (took !== undefined) waits[id] = Math.max(0, (waits[id] ?? 0) + seconds - took)
    }
  }
  return waits
}

const withWaits = (
  topology: Topology,
  calibration: Omit<Calibration, 'digest'>,
  waits: Readonly<Record<string, number>>,
): Topology => {
  const steps = { ...calibration.steps }
  for (const [id, seconds] of Object.entries(waits))
    steps[id] = { ...steps[id], wait: { demand: { law: 'constant', seconds }, samples: 0 } }
  return { ...topology, calibration: { ...calibration, steps, digest: '' } }
}

const play = (topology: Topology, experiment: Experiment, { placement, seed }: RunResult): RunResult => {
  const simulation = new Simulation({ topology, experiment, placement, seed })
  while (simulation.advance());
  return simulation.finish()
}

/** The load that the run had on average, for as long as it takes to learn something. */
const experimentOf = (result: RunResult): Experiment => {
  const classes = Object.entries(result.requests).filter(([id]) => id !== 'all')
  const rate = result.requests.all?.ratePerSecond ?? 0
  const offered = classes.reduce((sum, [, one]) => sum + one.offered, 0)
  const source = { file: '', text: '', locate: () => ({ file: '', line: 1, column: 1 }) }
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
    source,
  }
}

/** Simulations from topology text and a short description of the experiment. */
import { engineRegistry } from '../../../src/catalog/index.js'
import type { Experiment, Fault, Load } from '../../../src/experiment/types.js'
import type { Placement } from '../../../src/result/placement.js'
import type { RunEvent } from '../../../src/result/run-event.js'
import type { RunResult } from '../../../src/result/run-result.js'
import { simulate } from '../../../src/sim/des/simulate.js'
import { parseTopology } from '../../../src/topology/parse.js'
import type { Topology } from '../../../src/topology/types.js'

export const topologyOf = (text: string): Topology =>
  parseTopology(`apiVersion: plimsoll/v1\nkind: Topology\n${text}`, { file: 'topology.yaml', registry: engineRegistry })

const locate = () => ({ file: 'experiment.yaml', line: 1, column: 1 })

export interface Plan {
  readonly rate?: number
  readonly users?: number
  readonly seconds: number
  readonly warmup?: number
  readonly arrivals?: Load['arrivals']
  readonly stages?: Load['stages']
  readonly faults?: readonly (Pick<Fault, 'kind' | 'atSeconds' | 'target'> & Partial<Fault>)[]
  readonly abort?: Experiment['abort']
  readonly invariants?: Experiment['invariants']
}

export const experimentOf = (plan: Plan): Experiment => ({
  name: 'test',
  topology: 'topology.yaml',
  seed: 1,
  load: {
    mode: plan.users === undefined ? 'open' : 'closed',
    arrivals: plan.arrivals ?? { kind: 'poisson' },
    mix: undefined,
    stages: plan.stages ?? [
      {
        fromLevel: plan.rate ?? plan.users ?? 0,
        toLevel: plan.rate ?? plan.users ?? 0,
        durationSeconds: plan.seconds,
      },
    ],
    thinkTime: undefined,
  },
  steadyState: [],
  faults: (plan.faults ?? []).map((fault) => ({
    forSeconds: undefined,
    restartAfterSeconds: undefined,
    parameters: {},
    position: locate(),
    ...fault,
  })),
  abort: plan.abort,
  invariants: plan.invariants ?? [],
  placement: undefined,
  warmupSeconds: plan.warmup ?? 0,
  digest: 'none',
  source: { file: 'experiment.yaml', text: '', locate },
})

export const run = (
  topology: string | Topology,
  plan: Plan,
  more: { readonly seed?: number; readonly placement?: Placement; readonly onEvent?: (event: RunEvent) => void } = {},
): RunResult =>
  simulate({
    topology: typeof topology === 'string' ? topologyOf(topology) : topology,
    experiment: experimentOf(plan),
    seed: more.seed ?? 1,
    ...(more.placement === undefined ? {} : { placement: more.placement }),
    ...(more.onEvent === undefined ? {} : { onEvent: more.onEvent }),
  })

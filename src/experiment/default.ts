/** The experiment that a topology means by itself: its `traffic:` for a while, and no faults. */
import { invalidInput } from '../lib/errors.js'
import { formatCount, formatSeconds } from '../lib/units.js'
import { digestOf } from '../topology/digest.js'
import type { Topology } from '../topology/types.js'
import { maxRequests } from './load.js'
import type { Experiment, Load } from './types.js'

/** For `simulate` without an experiment. Throws a PlimsollError when the topology declares no traffic. */
export const defaultExperiment = (topology: Topology, durationSeconds: number, seed: number): Experiment => {
  const { traffic } = topology
  if (traffic === undefined)
    throw invalidInput({
      message: `topology "${topology.name}" declares no traffic`,
      position: topology.source.locate([]),
      hint: 'add "traffic: { rate: 100/s }", or give an experiment with --experiment',
    })
  const level = traffic.mode === 'open' ? traffic.ratePerSecond : traffic.users
  if (traffic.mode === 'open' && level * durationSeconds > maxRequests)
    throw invalidInput({
      message: `${formatCount(level * durationSeconds)} requests in ${formatSeconds(durationSeconds)}; at most ${formatCount(maxRequests)} are run`,
      position: topology.source.locate(['traffic', 'rate']),
      hint: 'plimsoll plan answers for any rate; a shorter --duration is less to run',
    })
  const load: Load = {
    mode: traffic.mode,
    arrivals: { kind: 'poisson' },
    mix: undefined,
    stages: [{ fromLevel: level, toLevel: level, durationSeconds }],
    thinkTime: traffic.mode === 'closed' ? traffic.thinkTime : undefined,
  }
  const meaning = {
    seed,
    load,
    steadyState: [],
    faults: [],
    abort: undefined,
    invariants: [],
    placement: undefined,
    warmupSeconds: 0,
  }
  const { file, text, locate } = topology.source
  return {
    name: `traffic for ${formatSeconds(durationSeconds)}`,
    topology: file,
    ...meaning,
    digest: digestOf(meaning),
    source: { file, text, locate: () => locate(['traffic']) },
  }
}

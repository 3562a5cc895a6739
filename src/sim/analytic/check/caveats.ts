/** What of a topology, an experiment and a run lies outside of the formulas, by name. */
import { demandDependsOnLoad } from '../../../catalog/demand.js'
import type { Experiment } from '../../../experiment/types.js'
import { formatRatio } from '../../../lib/units.js'
import type { RunResult } from '../../../result/run-result.js'
import { type Step, walk } from '../../../topology/flow.js'
import { flowsOf } from '../../../topology/flows.js'
import type { Topology } from '../../../topology/types.js'
import type { Caveat } from './types.js'

const not = (what: string, why: string): Caveat => ({ what, why, basis: 'does-not-apply' })
const roughly = (what: string, why: string): Caveat => ({ what, why, basis: 'approximation' })

/** Fewer failures than this change means by less than one can see. */
const fewErrors = 0.01

const ofRun = (result: RunResult, experiment: Experiment): readonly (Caveat | false)[] => {
  const { all } = result.requests
  const failed = all === undefined || all.completed === 0 ? 0 : (all.completed - all.ok) / all.completed
  const timeouts = Object.values(result.components).some(({ pools }) =>
    Object.values(pools).some((pool) => pool.timeouts > 0),
  )
  return [
    result.status !== 'completed' && not(`a run that was ${result.status}`, 'it has no whole measured time'),
    experiment.faults.length > 0 && not('faults', 'theory is of a system in which nothing fails'),
    all !== undefined &&
      all.attempts > all.completed &&
      not('retries', 'clients sent requests again: more arrives than was offered'),
    failed >= fewErrors &&
      not('errors', `${formatRatio(failed)} of the requests failed, and their times are not in the latency`),
    failed > 0 && failed < fewErrors && roughly('errors', `${formatRatio(failed)} of the requests failed`),
    timeouts && not('acquire timeouts', 'theory lets everybody wait until there is a connection'),
    (all?.degraded ?? 0) > 0 && not('fallbacks', 'some answers were degraded, without the work of the flow'),
  ]
}

const stepCaveats: { readonly [K in Step['kind']]?: (step: Step) => Caveat | undefined } = {
  lock: () => roughly('locks', 'each key is taken to be an M/G/1 queue of its own'),
  reserve: (step) =>
    step.kind === 'reserve' && step.guard === 'row-lock'
      ? roughly('row locks', 'each row is taken to be an M/G/1 queue of its own')
      : undefined,
  lookup: (step) =>
    step.kind === 'lookup' && step.hitRatio === undefined
      ? roughly(
          'cache contents',
          "hit ratios are those of a warm cache by Che's approximation; the run began with a cold one",
        )
      : undefined,
  publish: () => roughly('queues', 'work behind a queue is taken to arrive as a Poisson process'),
}

const ofTopology = (topology: Topology): readonly (Caveat | false | undefined)[] => {
  const components = Object.values(topology.components)
  const requests = Object.values(topology.requests)
  return [
    ...flowsOf(topology).flatMap((flow) => [...walk(flow)].map((step) => stepCaveats[step.kind]?.(step))),
    components.some((component) => component.role === 'service' && component.scaling !== undefined) &&
      not('autoscaling', 'theory has the instances that the run began with'),
    components.some(
      (component) => component.role === 'balancer' && component.rateLimit?.algorithm === 'leaky-bucket',
    ) && roughly('rate limits', 'the wait in a leaky bucket is not in the formulas'),
    components.some(
      (component) =>
        component.role === 'store' && component.replication !== undefined && component.replication.mode !== 'async',
    ) && roughly('synchronous replication', 'commits wait for copies, which is not in the formulas'),
    requests.some(({ derivedFrom }) => derivedFrom !== undefined) &&
      roughly('polls', 'how often clients poll follows from the mean completion time'),
    demandDependsOnLoad(topology) &&
      roughly('demand that depends on load', 'the load that the engine sees varies about its mean'),
  ]
}

/** One of each name. */
export const caveatsOf = (topology: Topology, experiment: Experiment, result: RunResult): readonly Caveat[] => {
  const found = new Map<string, Caveat>()
  for (const caveat of [...ofRun(result, experiment), ...ofTopology(topology)])
    if (caveat !== false && caveat !== undefined && !found.has(caveat.what)) found.set(caveat.what, caveat)
  return [...found.values()]
}

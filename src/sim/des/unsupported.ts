/** What the topology or the experiment asks for and the event engine cannot do yet: said by name before it begins. */
import type { Experiment } from '../../experiment/types.js'
import { notYet, PlimsollError, type Problem } from '../../lib/errors.js'
import { exitCodes } from '../../lib/exit-codes.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Component, Topology } from '../../topology/types.js'
import { objectionTo } from './faults/schedule.js'
import { supportedSteps } from './flow/compile.js'

export const refuseUnsupported = (topology: Topology, experiment: Experiment): void => {
  const locate = (path: readonly (string | number)[]) => topology.source.locate(path)
  const problems: Problem[] = []
  const refuse = (what: string, position: Problem['position']): void => {
    problems.push(...notYet(what, position).problems)
  }
  for (const component of Object.values(topology.components))
    for (const what of unsupportedOf(component))
      refuse(`${component.id}: ${what} in the simulator`, locate(['components', component.id]))
  for (const flow of flowsOf(topology))
    for (const step of walk(flow))
      for (const what of unsupportedStep(step)) refuse(`step ${step.id}: ${what} in the simulator`, locate(step.path))
  for (const fault of experiment.faults) {
    const problem = objectionTo(fault, topology)
    if (problem !== undefined) problems.push(problem)
  }
  if (problems.length > 0) throw new PlimsollError(exitCodes.invalidInput, problems)
}

export const flowsOf = (topology: Topology): readonly (readonly Step[])[] => [
  ...Object.values(topology.requests).map((request) => request.flow),
  ...Object.values(topology.components).flatMap((component) =>
    component.role === 'service'
      ? [component.flow, ...Object.values(component.operations).map((operation) => operation.flow)]
      : [],
  ),
]

const unsupportedOf = (component: Component): readonly string[] => {
  if (component.engine === 'etcd') return ['engine etcd']
  if (component.role === 'service')
    return [
      ...(component.probes?.readiness?.checks.length ? ['probes.readiness.checks'] : []),
      ...(component.probes?.liveness?.checks.length ? ['probes.liveness.checks'] : []),
      ...Object.values(component.pools).flatMap(({ id, connectionsPerRequest = 1 }) =>
        connectionsPerRequest > 1 ? [`pools.${id}.connectionsPerRequest`] : [],
      ),
    ]
  return []
}

const unsupportedStep = (step: Step): readonly string[] => (supportedSteps.has(step.kind) ? [] : [step.kind])

/** `call`: an external dependency (simulated in process), or an operation of another service (over HTTP). */
import type { Step } from '../../topology/flow.js'
import type { ExternalComponent } from '../../topology/types.js'
import { dependencyFailure, StepFailure } from '../failure.js'
import type { Environment, Runner } from '../frame.js'
import { pause, timerMilliseconds } from '../wait.js'

type CallStep = Extract<Step, { kind: 'call' }>

export const callStep = (step: CallStep, env: Environment): Runner => {
  const component = env.topology.components[step.target.component]
  return component?.role === 'external' ? external(step, component, env) : remote(step, env)
}

const external = (step: CallStep, component: ExternalComponent, env: Environment): Runner => {
  const stream = env.stream(step.id)
  return async (frame) => {
    const fails = stream.uniform() < component.errors
    const milliseconds = timerMilliseconds(stream.sample(component.latency), stream.uniform())
    if (milliseconds > 0) await pause(env.clock, milliseconds, frame.cancel)
    if (fails) throw new StepFailure('dependency', step.id, `${component.id} answered with an error`)
  }
}

const remote = (step: CallStep, env: Environment): Runner => {
  const client = env.clients.remote(step.target)
  const { component, operation } = step.target
  return async (frame) => {
    try {
      const degraded = await frame.cancel.race(client.call(operation, frame.request, frame.cancel))
      if (degraded === 'stale' || degraded === 'empty' || degraded === 'steps') frame.request.degraded = degraded
    } catch (error) {
      if (error === frame.cancel.reason) throw error
      throw dependencyFailure(
        step.id,
        `call of ${operation === undefined ? component : `${component}.${operation}`}`,
        error,
      )
    }
  }
}

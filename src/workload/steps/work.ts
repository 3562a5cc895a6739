/** `compute` burns CPU of this process; `wait` lets time pass. */
import type { Step } from '../../topology/flow.js'
import type { Environment, Runner } from '../frame.js'
import { pause, timerMilliseconds } from '../wait.js'

export const compute = (step: Extract<Step, { kind: 'compute' }>, env: Environment): Runner => {
  const stream = env.stream(step.id)
  const meter = env.meters.step(step.id)
  return async () => {
    const drawn = stream.sample(step.cpu)
    meter.drawnCpuSeconds += drawn
    meter.cpuSeconds += env.burner.burn(drawn)
  }
}

export const wait = (step: Extract<Step, { kind: 'wait' }>, env: Environment): Runner => {
  const stream = env.stream(step.id)
  const meter = env.meters.step(step.id)
  return (frame) => {
    const milliseconds = timerMilliseconds(stream.sample(step.wait), stream.uniform())
    meter.drawnWaitSeconds += milliseconds / 1000
    return milliseconds === 0 ? Promise.resolve() : pause(env.clock, milliseconds, frame.cancel)
  }
}

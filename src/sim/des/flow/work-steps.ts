/** `compute` and `wait`. */
import { stepCpu } from '../../../catalog/demand.js'
import type { Distribution } from '../../../lib/distribution.js'
import type { Step } from '../../../topology/flow.js'
import type { StepMeter } from '../step-meter.js'
import type { WorkSource } from '../system.js'
import { blocked } from '../task.js'
import type { Program } from './program.js'

type Compute = Extract<Step, { kind: 'compute' }>
type Wait = Extract<Step, { kind: 'wait' }>

/** CPU of the process that runs the task. Counts as a simple step when it has a meter. */
export const emitBurst = (program: Program, work: WorkSource, meter: StepMeter | undefined): void => {
  const { queue } = program.kernel
  const next = program.here + (meter === undefined ? 1 : 2)
  const done = program.here + 1
  program.emit((task) => {
    const { processor } = task.endpoint
    const seconds = work.draw()
    if (processor === undefined || seconds <= 0) {
      meter?.ok(0)
      return next
    }
    task.leaf = meter
    task.leafStartedAt = queue.now
    task.pc = done
    task.burst = processor.run(task, seconds, meter)
    return blocked
  })
  if (meter !== undefined) emitLeafEnd(program, meter)
}

/** The simple step under way has succeeded. */
export const emitLeafEnd = (program: Program, meter: StepMeter): void => {
  const { queue } = program.kernel
  const next = program.here + 1
  program.emit((task) => {
    meter.ok(queue.now - task.leafStartedAt)
    task.leaf = undefined
    return next
  })
}

export const emitPause = (program: Program, work: WorkSource, meter: StepMeter | undefined): void => {
  const { kernel } = program
  const next = program.here + 1
  program.emit((task) => {
    task.leaf = meter
    task.leafStartedAt = kernel.now
    task.pc = next
    kernel.timers.sleep(task, work.draw())
    return blocked
  })
  if (meter !== undefined) emitLeafEnd(program, meter)
}

export const emitCompute = (program: Program, step: Compute): void => {
  const { system, component } = program
  const meter = system.meter(step.id)
  const work = system.work(step.id, component, (rate) => stepCpu(system.topology, step.id, { cpu: step.cpu }, rate).cpu)
  if (work !== undefined) emitBurst(program, work, meter)
  else emitNothing(program, meter)
}

export const emitWait = (program: Program, step: Wait): void => {
  const { system, component } = program
  const meter = system.meter(step.id)
  const wait = (rate: number): Distribution | undefined =>
    stepCpu(system.topology, step.id, { wait: step.wait }, rate).wait
  const work = system.work(step.id, component, wait)
  if (work !== undefined) emitPause(program, work, meter)
}

/** A step that takes no time is still counted. */
const emitNothing = (program: Program, meter: StepMeter): void => {
  const next = program.here + 1
  program.emit(() => {
    meter.ok(0)
    return next
  })
}

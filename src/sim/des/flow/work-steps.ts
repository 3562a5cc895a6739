/** `compute` and `wait`. */
import { afterCpu, stepCpu } from '../../../catalog/demand.js'
import type { Distribution } from '../../../lib/distribution.js'
import type { Step } from '../../../topology/flow.js'
import { blocked } from '../kernel.js'
import { opCodes } from '../loop.js'
import { numbered } from '../operands.js'
import { none } from '../tasks.js'
import type { Work } from '../work.js'
import { Label, type Program } from './program.js'

type Compute = Extract<Step, { kind: 'compute' }>
type Wait = Extract<Step, { kind: 'wait' }>

/** CPU of the process that runs the task. Counts as a simple step when it has a meter. */
export const emitBurst = (program: Program, work: Work, meter: number | undefined): void => {
  if (meter === undefined) emitUnmetered(program, work)
  else emitMeteredBurst(program, work, meter)
}

const emitUnmetered = (program: Program, work: Work): void => {
  const { kernel } = program
  const { tasks } = kernel
  const next = program.here + 1
  program.emit(
    (task) => {
      const { processor } = kernel.endpointOf(task)
      tasks.pc[task] = next
      return processor?.run(task, work) === true ? blocked : next
    },
    opCodes.burst,
    numbered(kernel.operands.works, work),
    none,
  )
}

const emitMeteredBurst = (program: Program, work: Work, meter: number): void => {
  const { kernel } = program
  const { tasks, meters, queue } = kernel
  const next = program.here + 2
  const done = program.here + 1
  program.emit(
    (task) => {
      const { processor } = kernel.endpointOf(task)
      tasks.pc[task] = done
      if (processor?.run(task, work) !== true) {
        meters.atOnce(meter)
        return next
      }
      meters.addCpu(meter, work.part, 0)
      tasks.leaf[task] = meter
      tasks.leafStartedAt[tasks.timeOf(task)] = queue.now
      return blocked
    },
    opCodes.burst,
    numbered(kernel.operands.works, work),
    meter,
  )
  emitLeafEnd(program, meter)
}

/** CPU that a step burns here; how long the step takes is its caller's to measure. */
export const emitStepCpu = (program: Program, work: Work, meter: number): void => {
  const { kernel } = program
  const { tasks, meters } = kernel
  const next = program.here + 1
  program.emit(
    (task) => {
      const { processor } = kernel.endpointOf(task)
      tasks.pc[task] = next
      if (processor?.run(task, work) !== true) return next
      meters.addCpu(meter, work.part, 0)
      return blocked
    },
    opCodes.stepCpu,
    numbered(kernel.operands.works, work),
    meter,
  )
}

/** What a process does once it has answered, in the same go. */
export const emitAftermath = (program: Program, component: string, kind?: string): void => {
  const { system } = program
  emitUnawaited(
    program,
    system.work(`${component}/after`, component, (rate) => afterCpu(system.topology, component, rate, kind)),
  )
}

/** What differs by the class of the request: `emit` is told each class, in the order of the topology. */
export const emitByClass = (program: Program, emit: (request: string) => void): void => {
  const { kernel, system } = program
  const { tasks, requests } = kernel
  const starts: number[] = []
  const end = new Label()
  program.emit((task) => starts[requests.cls[tasks.request[task] as number] as number] ?? end.pc)
  for (const request of Object.keys(system.topology.requests)) {
    starts.push(program.here)
    emit(request)
    program.jump(end)
  }
  program.place(end)
}

/** CPU of the process that the task does not wait for, but that keeps others waiting. */
export const emitUnawaited = (program: Program, work: Work | undefined): void => {
  if (work === undefined) return
  const { kernel } = program
  const { tasks } = kernel
  const next = program.here + 1
  program.emit((task) => {
    const { nobody } = kernel
    kernel.endpointOf(task).processor?.run(nobody, work)
    // Whom it wakes when it is over has gone on long ago.
    tasks.epoch[nobody] = ((tasks.epoch[nobody] as number) + 1) | 0
    return next
  })
}

/** An answer has come in: its process takes it in hand. */
export const emitTurn = (program: Program): void => {
  if (program.turn !== undefined) emitBurst(program, program.turn, undefined)
}

/** The simple step under way has succeeded. */
export const emitLeafEnd = (program: Program, meter: number): void => {
  const { tasks, meters } = program.kernel
  const next = program.here + 1
  program.emit(
    (task) => {
      meters.ok(meter, tasks.leafStartedAt, tasks.timeOf(task))
      tasks.leaf[task] = none
      return next
    },
    opCodes.leafEnd,
    meter,
  )
}

export const emitPause = (program: Program, work: Work, meter: number | undefined): void => {
  const { kernel } = program
  const { tasks, timers, queue } = kernel
  const next = program.here + 1
  program.emit(
    (task) => {
      if (meter !== undefined) {
        tasks.leaf[task] = meter
        tasks.leafStartedAt[tasks.timeOf(task)] = queue.now
      }
      tasks.pc[task] = next
      work.into(timers.seconds, 0)
      timers.sleep(task)
      return blocked
    },
    opCodes.pause,
    numbered(kernel.operands.works, work),
    meter ?? none,
  )
  if (meter !== undefined) emitLeafEnd(program, meter)
}

export const emitCompute = (program: Program, step: Compute): void => {
  const { system, component, kernel } = program
  const meter = kernel.meters.of(step.id)
  const work = system.work(step.id, component, (rate) => stepCpu(system.topology, step.id, { cpu: step.cpu }, rate).cpu)
  const { onTop } = program
  program.onTop = undefined
  if (work !== undefined) {
    work.onTop = onTop
    emitBurst(program, work, meter)
    return
  }
  if (onTop !== undefined) emitBurst(program, onTop, undefined)
  emitNothing(program, meter)
}

export const emitWait = (program: Program, step: Wait): void => {
  const { system, component, kernel } = program
  const meter = kernel.meters.of(step.id)
  const wait = (rate: number): Distribution | undefined =>
    stepCpu(system.topology, step.id, { wait: step.wait }, rate).wait
  const work = system.work(step.id, component, wait)
  if (work !== undefined) emitPause(program, work, meter)
}

/** A step that takes no time is still counted. */
const emitNothing = (program: Program, meter: number): void => {
  const { meters } = program.kernel
  const next = program.here + 1
  program.emit(() => {
    meters.atOnce(meter)
    return next
  })
}

/** A call to a store: which of its processes, and what it costs there. */
import { visitCpu } from '../../../catalog/demand.js'
import type { Target } from '../../../topology/types.js'
import type { Endpoint } from '../endpoint.js'
import type { StepMeter } from '../step-meter.js'
import type { Member, WorkSource } from '../system.js'
import type { Goal, Op, Task } from '../task.js'
import { Program } from './program.js'
import { emitBurst, emitPause } from './work-steps.js'

/** What one visit does at the store; the CPU of the step is counted to its meter. */
export const storeVisit = (
  caller: Program,
  store: string,
  step?: { readonly cpu: WorkSource | undefined; readonly wait: WorkSource | undefined; readonly meter: StepMeter },
): Goal => {
  const { system, kernel } = caller
  const program = new Program(system, store)
  const overhead = system.work(`${store}/visit`, store, (rate) => visitCpu(system.topology, store, rate).cpu)
  const wait = system.work(`${store}/visit-wait`, store, (rate) => visitCpu(system.topology, store, rate).wait)
  if (overhead !== undefined) emitBurst(program, overhead, undefined)
  if (step?.cpu !== undefined) emitStepCpu(program, step.cpu, step.meter)
  if (wait !== undefined) emitPause(program, wait, undefined)
  if (step?.wait !== undefined) emitPause(program, step.wait, undefined)
  program.emit((task) => kernel.end(task, ''))
  const { ops } = program
  return { program: (): readonly Op[] => ops }
}

/** CPU that the step burns here; how long the step takes is its caller's to measure. */
const emitStepCpu = (program: Program, work: WorkSource, meter: StepMeter): void => {
  const next = program.here + 1
  program.emit((task) => {
    const { processor } = task.endpoint
    const seconds = work.draw()
    if (processor === undefined || seconds <= 0) return next
    task.pc = next
    task.burst = processor.run(task, seconds, meter)
    return -1
  })
}

/** Chooses the process of a store that a call goes to: by role, shards by key, replicas in turn. */
export const storeChooser = (member: Member, target: Target): ((key: number) => Endpoint) => {
  const endpoints = member.roles[target.role ?? 'primary'] ?? member.endpoints
  const [only] = endpoints
  if (only === undefined) throw new Error(`${target.component} has no instance`)
  if (endpoints.length === 1) return () => only
  let turn = 0
  const sharded = (target.role ?? 'primary') === 'primary'
  return (key) => endpoints[(sharded ? key : turn++) % endpoints.length] ?? only
}

/** Was the last call answered? */
export const answered = (task: Task): boolean => task.answer === ''

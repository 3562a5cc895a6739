/** A call to a store: which of its processes, and what it costs there. */
import { visitCpu } from '../../../catalog/demand.js'
import type { Target } from '../../../topology/types.js'
import { ok } from '../codes.js'
import type { Endpoint } from '../endpoint.js'
import type { Member, System } from '../system.js'
import type { Work } from '../work.js'
import { Program } from './program.js'
import { emitBurst, emitPause, emitStepCpu } from './work-steps.js'

/** What one visit does at the store, as a goal; the CPU of the step is counted to its meter. */
export const storeVisit = (
  system: System,
  store: string,
  step?: { readonly cpu: Work | undefined; readonly wait: Work | undefined; readonly meter: number },
): number => {
  const { kernel } = system
  return system.goal((component) => {
    const program = new Program(system, component)
    const overhead = system.work(`${store}/visit`, store, (rate) => visitCpu(system.topology, store, rate).cpu)
    const wait = system.work(`${store}/visit-wait`, store, (rate) => visitCpu(system.topology, store, rate).wait)
    if (step?.cpu !== undefined) {
      step.cpu.onTop = overhead
      emitStepCpu(program, step.cpu, step.meter)
    } else if (overhead !== undefined) emitBurst(program, overhead, undefined)
    if (wait !== undefined) emitPause(program, wait, undefined)
    if (step?.wait !== undefined) emitPause(program, step.wait, undefined)
    program.emit((task) => kernel.end(task, ok))
    return program.start
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

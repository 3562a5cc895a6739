/** What a call to a store does there. */
import { turnCpu, visitCpu, visitTurns } from '../../../catalog/demand.js'
import { blocked } from '../kernel.js'
import type { Bytes, System } from '../system.js'
import type { Work } from '../work.js'
import { Program } from './program.js'
import { emitAftermath, emitBurst, emitPause, emitStepCpu } from './work-steps.js'

export interface VisitWork {
  readonly cpu?: Work | undefined
  readonly wait?: Work | undefined
  /** To which the CPU of the step is counted. */
  readonly meter: number
}

export interface Visit {
  readonly bytes?: Bytes
  readonly work?: VisitWork
  /** The step that it is for, where visits of the store differ by that. */
  readonly kind?: string
  /** Emits what comes between the cost of the visit and its work: a lock, a read. */
  readonly begin?: (program: Program) => void
  /** Emits what comes between its work and the commit: copies that must confirm. */
  readonly settle?: (program: Program) => void
  /** It waits for the disk of the store: a write, or a read that declares a wait. */
  readonly disk?: boolean
  /** What the visit changes when its work is done; the code that the caller is told. */
  readonly commit?: (task: number) => number
}

/** What one visit does at the store, as a goal. */
export const storeVisit = (
  system: System,
  store: string,
  { bytes, work, kind, begin, disk, settle, commit }: Visit = {},
): number => {
  return system.goal((component) => {
    const program = new Program(system, component)
    const overhead = system.work(`${store}/visit`, store, (rate) => turnCpu(system.topology, store, rate, kind))
    const wait = system.work(`${store}/visit-wait`, store, (rate) => visitCpu(system.topology, store, rate).wait)
    if (work?.cpu !== undefined && begin === undefined) {
      work.cpu.onTop = overhead
      emitStepCpu(program, work.cpu, work.meter)
    } else {
      if (overhead !== undefined) emitBurst(program, overhead, undefined)
      begin?.(program)
      if (work?.cpu !== undefined) emitStepCpu(program, work.cpu, work.meter)
    }
    if (wait !== undefined) emitPause(program, wait, undefined)
    if (work?.wait !== undefined) emitPause(program, work.wait, undefined)
    // What slept has to be woken, and answers.
    if (work?.wait !== undefined && overhead !== undefined && visitTurns(system.topology, store, kind) > 1)
      emitBurst(program, overhead, undefined)
    if (disk === true && system.faults.has('slow-disk')) emitDisk(program)
    settle?.(program)
    emitAftermath(program, store, kind)
    if (commit === undefined) program.end()
    else program.endWith(commit)
    return program.start
  }, bytes)
}

/** What a slow disk adds. */
const emitDisk = (program: Program): void => {
  const { kernel } = program
  const { tasks, timers } = kernel
  const next = program.here + 1
  program.emit((visit) => {
    const { diskSeconds } = kernel.endpointOf(visit)
    if (diskSeconds <= 0) return next
    tasks.pc[visit] = next
    timers.seconds[0] = diskSeconds
    timers.sleep(visit)
    return blocked
  })
}

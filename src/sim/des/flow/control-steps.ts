/** Steps that only order others: `choose`, `repeat`, `parallel`. */
import type { Step } from '../../../topology/flow.js'
import { ok } from '../codes.js'
import { blocked } from '../kernel.js'
import { joinAnyBit } from '../tasks.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import { Label, type Program, type Scope, transparent } from './program.js'

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

export const emitChoose = (program: Program, step: Of<'choose'>, scope: Scope, emitFlow: EmitFlow): void => {
  const stream = program.system.stream(step.id)
  emitMetered(program, step.id, () => {
    let sum = 0
    const options = step.options.map((option) => {
      sum += option.weight
      return { upTo: sum, start: new Label(), flow: option.flow }
    })
    const end = new Label()
    program.emit(() => {
      const u = stream.uniform() * sum
      for (const { upTo, start } of options) if (u < upTo) return start.pc
      return end.pc
    })
    for (const { start, flow } of options) {
      program.place(start)
      emitFlow(program, flow, scope)
      program.jump(end)
    }
    program.place(end)
  })
}

export const emitRepeat = (program: Program, step: Of<'repeat'>, scope: Scope, emitFlow: EmitFlow): void => {
  const { tasks, frames } = program.kernel
  emitMetered(program, step.id, () => {
    const start = new Label()
    const end = new Label()
    program.enter(transparent, (_, frame) => {
      frames.count[frame] = step.times
    })
    program.place(start)
    const body = program.here + 1
    program.emit((task) => {
      const frame = tasks.frame[task] as number
      const left = frames.count[frame] as number
      if (left <= 0) return end.pc
      frames.count[frame] = left - 1
      return body
    })
    emitFlow(program, step.do, scope)
    program.jump(start)
    program.place(end)
    program.leave()
  })
}

/** Branches are tasks of their own; the one that decides the join cancels the others, as the workload service does. */
export const emitParallel = (program: Program, step: Of<'parallel'>, scope: Scope, emitFlow: EmitFlow): void => {
  const { kernel } = program
  const { tasks } = kernel
  const branches = step.branches.map((flow) => ({ flow, start: new Label() }))
  const joinAny = step.join === 'any'
  emitMetered(program, step.id, () => {
    const joined = new Label()
    program.emit((task) => {
      tasks.answer[task] = ok
      if (branches.length === 0) return joined.pc
      const flags = tasks.flags[task] as number
      tasks.flags[task] = joinAny ? flags | joinAnyBit : flags & ~joinAnyBit
      tasks.pc[task] = joined.pc
      for (const { start } of branches) kernel.branch(task, start.pc)
      return blocked
    })
    for (const { flow, start } of branches) {
      program.place(start)
      emitFlow(program, flow, scope)
      program.emit((task) => kernel.end(task, ok))
    }
    program.place(joined)
    const next = program.here + 1
    program.emit((task) => (tasks.answer[task] === ok ? next : kernel.fail(task, tasks.answer[task] as number)))
  })
}

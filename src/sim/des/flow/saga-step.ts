/**
 * `saga`: its entries one after the other; when one fails, what the finished ones did is undone by their undo lists.
 *
 * Orchestrated: the service undoes last first, and then answers with the failure. Choreographed: the failure is an event that the
 * participants hear; the request is answered at once, and all of them undo at the same time, in the background.
 *
 * A deadline or a cancellation around the saga does not keep it from being undone: that goes on in the background. An undo list
 * that fails is tried again, three times in all, after 100 and 200 ms; what then still fails is left as it is, and counted. When
 * the process dies, nobody undoes (the saga's state is in its memory), which is counted, too.
 */
import { innerFlows, type Step } from '../../../topology/flow.js'
import type { Topology } from '../../../topology/types.js'
import { ok } from '../codes.js'
import { propagate } from '../frames.js'
import { blocked } from '../kernel.js'
import { hasEffect } from '../state-ledger.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import { Label, Program, type Scope } from './program.js'

type Saga = Extract<Step, { kind: 'saga' }>

const undoAttempts = 3
const undoBackoffSeconds = 0.1

export const emitSaga = (program: Program, step: Saga, scope: Scope, emitFlow: EmitFlow): void => {
  const { system, kernel } = program
  const { tasks, frames } = kernel
  const { sagas } = system.state
  const { entries } = step
  const hasUndo = entries.map(({ undo }) => undo.length > 0)
  /** How many of the first `finished` entries have something to undo. */
  const toUndo = (finished: number): number => hasUndo.slice(0, finished).filter(Boolean).length
  const background = backgroundUndo(program, step, scope, emitFlow)
  const inBackground = (task: number, finished: number): void => {
    if (toUndo(finished) > 0) background(task, finished)
  }
  const undoFrom = entries.map(() => new Label())

  // `count`: entries that are finished; while undoing, entries that are left to undo, and in `handle` why.
  const undoing = frames.register({
    failed: () => propagate,
    dropped: (task, frame) => inBackground(task, frames.count[frame] as number),
    crashed: (_, frame) => {
      sagas.stranded += toUndo(frames.count[frame] as number)
    },
  })
  const running = frames.register({
    failed: (task, frame) => {
      const finished = frames.count[frame] as number
      if (toUndo(finished) === 0) return propagate
      if (step.style === 'choreographed') {
        inBackground(task, finished)
        return propagate
      }
      const code = tasks.code[task] as number
      frames.pop(task)
      const undo = frames.push(task, undoing)
      frames.count[undo] = finished
      frames.handle[undo] = code
      return (undoFrom[finished - 1] as Label).pc
    },
    dropped: (task, frame) => inBackground(task, frames.count[frame] as number),
    crashed: (_, frame) => {
      sagas.stranded += toUndo(frames.count[frame] as number)
    },
  })

  emitMetered(program, step.id, () => {
    const end = new Label()
    const begun = program.here + 1
    program.emit((task) => {
      const frame = frames.push(task, running)
      frames.count[frame] = 0
      return begun
    })
    for (const [index, entry] of entries.entries()) {
      emitFlow(program, [entry.step], scope)
      program.count(index + 1)
    }
    program.leave()
    program.jump(end)
    emitUndoChain(program, step, scope, emitFlow, undoFrom)
    program.emit((task) => {
      const frame = frames.pop(task)
      return kernel.fail(task, frames.handle[frame] as number)
    })
    program.place(end)
  })
}

/** Undo lists, last first, each after its label. The frame around them counts those that are left. */
const emitUndoChain = (
  program: Program,
  step: Saga,
  scope: Scope,
  emitFlow: EmitFlow,
  labels: readonly Label[],
): void => {
  for (let index = step.entries.length - 1; index >= 0; index--) {
    program.place(labels[index] as Label)
    program.count(index + 1)
    emitUndo(program, step, index, scope, emitFlow)
  }
}

/** One undo list, tried several times. */
const emitUndo = (program: Program, step: Saga, index: number, scope: Scope, emitFlow: EmitFlow): void => {
  const { kernel, system } = program
  const { tasks, frames, timers } = kernel
  const { state } = system
  const entry = step.entries[index] as Saga['entries'][number]
  if (entry.undo.length === 0) return
  const effects = effectsOf(entry.step, system.topology).map((id) => state.effectOf(id))
  const start = new Label()
  const next = new Label()
  program.enter(
    {
      failed: (task, frame) => {
        const attempts = frames.count[frame] as number
        if (attempts >= undoAttempts) {
          state.sagas.failed += 1
          frames.pop(task)
          return next.pc
        }
        frames.count[frame] = attempts + 1
        tasks.pc[task] = start.pc
        timers.seconds[0] = undoBackoffSeconds * attempts
        timers.sleep(task)
        return blocked
      },
      dropped: () => undefined,
    },
    (_, frame) => {
      frames.count[frame] = 1
    },
  )
  program.place(start)
  emitFlow(program, entry.undo, scope)
  program.leave((task) => {
    state.sagas.undone += 1
    state.undone(tasks.request[task] as number, effects)
  })
  program.place(next)
}

/** Returns what undoes the first `finished` entries of a task's saga by tasks of their own at the same process. */
const backgroundUndo = (
  program: Program,
  step: Saga,
  scope: Scope,
  emitFlow: EmitFlow,
): ((task: number, finished: number) => void) => {
  const { system, kernel, component } = program
  const { frames, tasks } = kernel
  const { sagas } = system.state
  const together = step.style === 'choreographed'
  const starts = step.entries.map(() => new Label())
  const inherited: Scope = { key: scope.key, insideLookup: scope.insideLookup, heldPools: [] }
  const left = (index: number): number =>
    together ? 1 : step.entries.slice(0, index).filter(({ undo }) => undo.length > 0).length
  const code = frames.register({
    failed: () => propagate,
    dropped: () => undefined,
    crashed: (_, frame) => {
      sagas.stranded += left(frames.count[frame] as number)
    },
  })
  const ended = kernel.addEnder(() => undefined)
  system.later(() => {
    const undo = new Program(system, component)
    const emitEnd = (): void => {
      undo.leave()
      undo.emit((task) => kernel.end(task, ok))
    }
    const labels = step.entries.map(() => new Label())
    if (together)
      for (const index of step.entries.keys()) {
        undo.place(labels[index] as Label)
        emitUndo(undo, step, index, inherited, emitFlow)
        emitEnd()
      }
    else {
      emitUndoChain(undo, step, inherited, emitFlow, labels)
      emitEnd()
    }
    for (const [index, start] of starts.entries()) {
      undo.place(start)
      undo.emit((task) => {
        const frame = frames.push(task, code)
        frames.count[frame] = index + 1
        return (labels[index] as Label).pc
      })
    }
  })
  return (task, finished) => {
    const endpoint = kernel.endpointOf(task)
    const request = tasks.request[task] as number
    for (let index = finished - 1; index >= 0; index--) {
      if (together && (step.entries[index]?.undo.length ?? 0) === 0) continue
      kernel.start(endpoint, (starts[index] as Label).pc, request, ended)
      if (!together) return
    }
  }
}

/** Steps of an entry that change something, also where it calls others. */
const effectsOf = (step: Step, topology: Topology): readonly string[] => [
  ...(hasEffect(step) ? [step.id] : []),
  ...innerFlows(step).flatMap((flow) => flow.flatMap((inner) => effectsOf(inner, topology))),
  ...calledFlow(step, topology).flatMap((inner) => effectsOf(inner, topology)),
]

const calledFlow = (step: Step, topology: Topology): readonly Step[] => {
  if (step.kind !== 'call' || step.target.operation === undefined) return []
  const served = topology.components[step.target.component]
  return served?.role === 'service' ? (served.operations[step.target.operation]?.flow ?? []) : []
}

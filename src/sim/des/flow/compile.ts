/** A flow as a program of closures: one table entry per kind of step. */
import { turnCpu, visitCpu, visitTurns } from '../../../catalog/demand.js'
import type { Step, StepKind } from '../../../topology/flow.js'
import { blocked } from '../kernel.js'
import type { Bytes, System } from '../system.js'
import { emitCallStep } from './call-step.js'
import { emitChoose, emitParallel, emitRepeat } from './control-steps.js'
import { emitCounter } from './counter-steps.js'
import { emitLock } from './lock-step.js'
import { emitLookup } from './lookup-step.js'
import { type EmitFlow, emitModified } from './modifiers.js'
import { Program, type Scope, transparent } from './program.js'
import { emitPublish } from './publish-step.js'
import { emitSaga } from './saga-step.js'
import { emitSql, emitTransaction } from './sql-steps.js'
import { emitAftermath, emitBurst, emitCompute, emitPause, emitWait } from './work-steps.js'

type Emit<Kind extends StepKind> = (
  program: Program,
  step: Extract<Step, { kind: Kind }>,
  scope: Scope,
  emitFlow: EmitFlow,
) => void

/** Kinds that are missing here are refused by name before a simulation begins (`unsupported.ts`). */
const emitters: { readonly [Kind in StepKind]?: Emit<Kind> } = {
  compute: emitCompute,
  wait: emitWait,
  lookup: emitLookup,
  query: (program, step, scope) => emitSql(program, step, scope),
  write: (program, step, scope) => emitSql(program, step, scope),
  transaction: emitTransaction,
  reserve: (program, step, scope) => emitCounter(program, step, scope),
  release: (program, step, scope) => emitCounter(program, step, scope),
  lock: emitLock,
  saga: emitSaga,
  publish: (program, step) => emitPublish(program, step),
  choose: emitChoose,
  repeat: emitRepeat,
  parallel: emitParallel,
  call: (program, step) =>
    emitCallStep(program, step, (component, operation) => serveGoal(program.system, component, operation)),
}

export const supportedSteps: ReadonlySet<string> = new Set(Object.keys(emitters))

export const emitFlow: EmitFlow = (program, steps, scope) => {
  for (const step of steps) {
    const emit = emitters[step.kind] as Emit<StepKind> | undefined
    if (emit === undefined) throw new Error(`step ${step.id}: ${step.kind} cannot be simulated yet`)
    emitModified(program, step, scope, emitFlow, () => emit(program, step, scope, emitFlow))
  }
}

export const outermost: Scope = { key: undefined, insideLookup: false, heldPools: [] }

/**
 * What serving a call with this flow means on processes of `component`: a thread if it needs one, its own cost, the flow. `kind`: the
 * request class that it serves; undefined: another component called.
 */
export const compileService = (system: System, component: string, flow: readonly Step[], kind?: string): number => {
  const program = new Program(system, component)
  const { kernel } = program
  const { tasks } = kernel
  const member = system.member(component)
  const sheds = member.endpoints.some(({ shedding }) => shedding !== undefined)
  if (sheds)
    program.enter(transparent, (task, frame) => {
      const { shedding, calls } = kernel.endpointOf(task)
      shedding?.arrived(task, frame, calls)
    })
  if (member.endpoints.some((endpoint) => Number.isFinite(endpoint.threads))) {
    const next = program.here + 1
    program.emit((task) => {
      tasks.pc[task] = next
      return kernel.acquireThread(task) ? next : blocked
    })
  }
  const overhead = system.work(`${component}/visit`, component, (rate) =>
    turnCpu(system.topology, component, rate, kind),
  )
  const wait = system.work(
    `${component}/visit-wait`,
    component,
    (rate) => visitCpu(system.topology, component, rate).wait,
  )
  const takesTurns = visitTurns(system.topology, component, kind) > 1
  program.turn = takesTurns ? overhead : undefined
  // What arrives is read and worked on in one go.
  if (takesTurns && wait === undefined && isPlainCompute(flow[0])) program.onTop = overhead
  else if (overhead !== undefined) emitBurst(program, overhead, undefined)
  if (wait !== undefined) emitPause(program, wait, undefined)
  emitFlow(program, flow, outermost)
  if (sheds) program.leave()
  emitAftermath(program, component, kind)
  program.end()
  return program.start
}

/** Nothing stands between the arrival and its CPU. */
const isPlainCompute = (step: Step | undefined): boolean =>
  step?.kind === 'compute' &&
  step.timeoutSeconds === undefined &&
  step.retry === undefined &&
  step.breaker === undefined &&
  step.deadlineSeconds === undefined &&
  step.fallback === undefined

/** The same flow on whichever component it arrives at: a balancer may split between a service and its canary. */
export const flowGoal = (system: System, flow: readonly Step[], bytes?: Bytes, kind?: string): number =>
  system.goal((component) => compileService(system, component, flow, kind), bytes)

const serveGoal = (system: System, component: string, operation: string | undefined): number => {
  const served = system.member(component).component
  if (served.role !== 'service' || operation === undefined) return flowGoal(system, [])
  return flowGoal(system, served.operations[operation]?.flow ?? [])
}

/**
 * The modifiers of a step, nested in their one order: fallback ⊃ deadline ⊃ retry ⊃ breaker ⊃ timeout ⊃ step; and the meter
 * of the step itself, which sees each attempt. The workload service does the same with real clients (src/workload).
 */
import { type BreakerCall, breaker } from '../../../policy/breaker.js'
import { backoffSeconds, retryBudget } from '../../../policy/retry.js'
import type { Breaker, Step } from '../../../topology/flow.js'
import type { Retry } from '../../../topology/types.js'
import { breakerOpen, deadline, isRefusal, timeout } from '../codes.js'
import type { Endpoint } from '../endpoint.js'
import { type FrameCode, propagate } from '../frames.js'
import { blocked } from '../kernel.js'
import { opCodes } from '../loop.js'
import { StaleMemory } from '../stale-memory.js'
import { degradedBit } from '../tasks.js'
import { Label, type Program, type Scope, transparent } from './program.js'

/** Emits a list of steps. */
export type EmitFlow = (program: Program, steps: readonly Step[], scope: Scope) => void

type Body = () => void

export const emitModified = (program: Program, step: Step, scope: Scope, emitFlow: EmitFlow, body: Body): void => {
  let emit = body
  const wrap = (wrapper: (inner: Body) => void): void => {
    const inner = emit
    emit = () => wrapper(inner)
  }
  const { timeoutSeconds, breaker: policy, retry, deadlineSeconds, fallback } = step
  if (timeoutSeconds !== undefined) wrap((inner) => emitLimit(program, 'timeout', timeoutSeconds, inner))
  if (policy !== undefined) wrap((inner) => emitBreaker(program, policy, inner))
  if (retry !== undefined) wrap((inner) => emitRetry(program, `${step.id}/retry`, retry, inner))
  if (deadlineSeconds !== undefined) wrap((inner) => emitLimit(program, 'deadline', deadlineSeconds, inner))
  if (fallback === 'stale') wrap((inner) => emitStale(program, step, scope, inner))
  else if (fallback !== undefined) {
    const steps = fallback === 'empty' ? [] : fallback
    wrap((inner) => emitFallback(program, () => emitFlow(program, steps, scope), inner))
  }
  emit()
}

/** Each attempt of a step that holds others, or that can fail in several places. */
export const emitMetered = (program: Program, stepId: string, body: Body): void => {
  const { meters, frames } = program.kernel
  const meter = meters.of(stepId)
  program.enter({
    failed: (_, frame) => {
      meters.failed(meter, frames.startedAt, frames.timeOf(frame))
      return propagate
    },
    dropped: (_, frame) => meters.failed(meter, frames.startedAt, frames.timeOf(frame)),
  })
  body()
  const next = program.here + 1
  program.emit(
    (task) => {
      const frame = frames.pop(task)
      meters.ok(meter, frames.startedAt, frames.timeOf(frame))
      return next
    },
    opCodes.leaveMetered,
    meter,
  )
}

export const emitLimit = (program: Program, code: 'timeout' | 'deadline', seconds: number, body: Body): void => {
  const lane = program.kernel.timers.limit(seconds)
  program.enterFor({ ...transparent, expiresAs: code === 'timeout' ? timeout : deadline }, lane)
  body()
  program.leave()
}

export const emitRetry = (program: Program, streamName: string, retry: Retry, body: Body): void => {
  const { kernel, system } = program
  const { tasks, frames, timers } = kernel
  const slot = system.nextSlot()
  const stream = system.stream(streamName)
  const start = new Label()
  const code: FrameCode = {
    failed: (task, frame) => {
      const budget = kernel.endpointOf(task).budgets[slot]
      const attempts = frames.count[frame] as number
      if (attempts >= retry.attempts || isRefusal(tasks.code[task] as number) || !(budget?.take() ?? true))
        return propagate
      const seconds = backoffSeconds(retry, attempts, stream.uniform())
      frames.count[frame] = attempts + 1
      if (seconds <= 0) return start.pc
      tasks.pc[task] = start.pc
      timers.seconds[0] = seconds
      timers.sleep(task)
      return blocked
    },
    dropped: () => undefined,
  }
  const { budget } = retry
  if (budget === undefined) {
    program.enter(code)
    program.count(1)
  } else
    program.enter(code, (task, frame) => {
      frames.count[frame] = 1
      const { budgets } = kernel.endpointOf(task)
      budgets[slot] ??= retryBudget(budget)
      budgets[slot]?.first()
    })
  program.place(start)
  body()
  program.leave()
}

const emitBreaker = (program: Program, policy: Breaker, body: Body): void => {
  const { kernel, system } = program
  const { tasks, frames, queue } = kernel
  const slot = system.nextSlot()
  const callOf = (frame: number): BreakerCall | undefined => frames.refs[frames.row(frame)] as BreakerCall | undefined
  const code = frames.register({
    failed: (task, frame) => {
      // What the business refuses has been answered.
      if (isRefusal(tasks.code[task] as number)) callOf(frame)?.success(queue.now)
      else callOf(frame)?.failure(queue.now)
      return propagate
    },
    dropped: (_, frame) => callOf(frame)?.abandon(queue.now),
  })
  const next = program.here + 1
  program.emit((task) => {
    const { breakers } = kernel.endpointOf(task)
    breakers[slot] ??= breaker(policy)
    const call = breakers[slot]?.enter(queue.now)
    if (call === undefined) return kernel.fail(task, breakerOpen)
    frames.refs[frames.row(frames.push(task, code))] = call
    return next
  })
  body()
  program.leave((_, frame) => callOf(frame)?.success(queue.now))
}

const emitFallback = (program: Program, emitInstead: Body, body: Body): void => {
  const { tasks, frames } = program.kernel
  const instead = new Label()
  const end = new Label()
  program.enter({
    failed: (task) => {
      frames.pop(task)
      tasks.flags[task] = (tasks.flags[task] as number) | degradedBit
      return instead.pc
    },
    dropped: () => undefined,
  })
  body()
  program.leave()
  program.jump(end)
  program.place(instead)
  emitInstead()
  program.place(end)
}

/** The key of the step, or of the lookup around it, tells one remembered value from another. */
const emitStale = (program: Program, step: Step, scope: Scope, body: Body): void => {
  const { kernel, system } = program
  const { tasks, frames } = kernel
  const slot = system.nextSlot()
  const data = system.dataIndex(('key' in step ? step.key : undefined) ?? scope.key)
  const about = data < 0 ? undefined : system.topology.data[system.dataIds[data] ?? '']
  const keys = data < 0 ? 1 : about?.keys
  const staleForSeconds = step.kind === 'lookup' ? step.staleForSeconds : undefined
  const end = new Label()
  const keyOf = (task: number): number => system.keyOf(tasks.request[task] as number, data)
  program.enter({
    failed: (task) => {
      const memory = kernel.endpointOf(task).memories[slot]
      if (memory?.has(keyOf(task), kernel.now, staleForSeconds) !== true) return propagate
      frames.pop(task)
      tasks.flags[task] = (tasks.flags[task] as number) | degradedBit
      return end.pc
    },
    dropped: () => undefined,
  })
  body()
  const ofRequest = ({ memories }: Endpoint, request: number): void => {
    memories[slot] ??= new StaleMemory(undefined, keys)
    memories[slot]?.remember(system.keyOf(request, data), kernel.now)
  }
  program.leave(
    Object.assign((task: number) => ofRequest(kernel.endpointOf(task), tasks.request[task] as number), { ofRequest }),
  )
  program.place(end)
}

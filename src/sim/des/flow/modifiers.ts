/**
 * The modifiers of a step, nested in their one order: fallback ⊃ deadline ⊃ retry ⊃ breaker ⊃ timeout ⊃ step; and the meter
 * of the step itself, which sees each attempt. The workload service does the same with real clients (src/workload).
 */
import { breaker } from '../../../policy/breaker.js'
import { backoffSeconds, retryBudget } from '../../../policy/retry.js'
import type { Breaker, Step } from '../../../topology/flow.js'
import type { Retry } from '../../../topology/types.js'
import { StaleMemory } from '../stale-memory.js'
import { blocked, type FrameCode, propagate } from '../task.js'
import { Label, letThrough, type Program, type Scope } from './program.js'

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
  const meter = program.system.meter(stepId)
  const { queue } = program.kernel
  program.enter({
    failed: (task, frame) => {
      meter.failed(queue.now - frame.startedAt)
      return letThrough(task)
    },
    dropped: (_, frame) => meter.failed(queue.now - frame.startedAt),
  })
  body()
  program.leave((_, frame) => meter.ok(queue.now - frame.startedAt))
}

export const emitLimit = (program: Program, code: 'timeout' | 'deadline', seconds: number, body: Body): void => {
  const { kernel } = program
  program.enter({ expiresAs: code, failed: letThrough, dropped: () => undefined }, (task, frame) =>
    kernel.timers.limit(task, frame, seconds),
  )
  body()
  program.leave()
}

export const emitRetry = (program: Program, streamName: string, retry: Retry, body: Body): void => {
  const { kernel, system } = program
  const slot = system.nextSlot()
  const stream = system.stream(streamName)
  const start = new Label()
  const code: FrameCode = {
    failed: (task, frame) => {
      const budget = task.endpoint.budgets[slot]
      if (frame.count >= retry.attempts || !(budget?.take() ?? true)) return letThrough(task)
      const seconds = backoffSeconds(retry, frame.count, stream.uniform())
      frame.count += 1
      if (seconds <= 0) return start.pc
      task.pc = start.pc
      kernel.timers.sleep(task, seconds)
      return blocked
    },
    dropped: () => undefined,
  }
  program.enter(code, (task, frame) => {
    frame.count = 1
    if (retry.budget === undefined) return
    const { budgets } = task.endpoint
    budgets[slot] ??= retryBudget(retry.budget)
    budgets[slot]?.first()
  })
  program.place(start)
  body()
  program.leave()
}

const emitBreaker = (program: Program, policy: Breaker, body: Body): void => {
  const { kernel, system } = program
  const slot = system.nextSlot()
  const { queue } = kernel
  const code: FrameCode = {
    failed: (task, frame) => {
      frame.call?.failure(queue.now)
      return letThrough(task)
    },
    dropped: (_, frame) => frame.call?.abandon(queue.now),
  }
  const next = program.here + 1
  program.emit((task) => {
    const { breakers } = task.endpoint
    breakers[slot] ??= breaker(policy)
    const call = breakers[slot]?.enter(queue.now)
    if (call === undefined) return kernel.fail(task, 'breaker-open')
    task.push(code, queue.now).call = call
    return next
  })
  body()
  program.leave((_, frame) => frame.call?.success(queue.now))
}

const emitFallback = (program: Program, emitInstead: Body, body: Body): void => {
  const instead = new Label()
  const end = new Label()
  program.enter({
    failed: (task) => {
      task.depth -= 1
      task.degraded = true
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
  const slot = system.nextSlot()
  const data = system.dataIndex(('key' in step ? step.key : undefined) ?? scope.key)
  const staleForSeconds = step.kind === 'lookup' ? step.staleForSeconds : undefined
  const end = new Label()
  program.enter({
    failed: (task) => {
      task.depth -= 1
      const memory = task.endpoint.memories[slot]
      if (memory?.has(system.keyOf(task.request, data), kernel.now, staleForSeconds) !== true) return propagate
      task.degraded = true
      return end.pc
    },
    dropped: () => undefined,
  })
  body()
  program.leave((task) => {
    const { memories } = task.endpoint
    memories[slot] ??= new StaleMemory()
    memories[slot]?.remember(system.keyOf(task.request, data), kernel.now)
  })
  program.place(end)
}

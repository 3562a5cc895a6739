/**
 * The modifiers of a step, nested in their one order: fallback ⊃ deadline ⊃ retry ⊃ breaker ⊃ timeout ⊃ step.
 * Each wraps a runner into a runner.
 */
import { type BreakerPolicy, breaker } from '../policy/breaker.js'
import { backoffSeconds, retryBudget } from '../policy/retry.js'
import type { Step } from '../topology/flow.js'
import type { Retry } from '../topology/types.js'
import { type FailureCode, StepFailure } from './failure.js'
import type { Environment, Frame, Runner, Scope } from './frame.js'
import type { Compile } from './interpreter.js'
import { StaleMemory } from './stale.js'
import { pause, timerMilliseconds } from './wait.js'

export const modified = (step: Step, bare: Runner, scope: Scope, env: Environment, compile: Compile): Runner => {
  let run = bare
  if (step.timeoutSeconds !== undefined) run = withLimit(step.id, 'timeout', step.timeoutSeconds, run, env)
  if (step.breaker !== undefined) run = withBreaker(step.id, step.breaker, run, env)
  if (step.retry !== undefined) run = withRetry(step.id, step.retry, run, env)
  if (step.deadlineSeconds !== undefined) run = withLimit(step.id, 'deadline', step.deadlineSeconds, run, env)
  if (step.fallback !== undefined) run = withFallback(step, run, scope, env, compile)
  return run
}

/** Failures that the modifiers may act on: not a bug of ours, and not that the client, or a scope around, gave up. */
const actsOn = (error: unknown, frame: Frame): error is StepFailure =>
  error instanceof StepFailure && frame.cancel.reason === undefined

const withLimit = (
  step: string,
  code: Extract<FailureCode, 'timeout' | 'deadline'>,
  seconds: number,
  run: Runner,
  { clock }: Environment,
): Runner => {
  const milliseconds = Math.ceil(seconds * 1000)
  return async (frame) => {
    const cancel = frame.cancel.child()
    const stop = clock.after(milliseconds, () =>
      cancel.cancel(new StepFailure(code, step, `${code} of ${seconds} s passed`)),
    )
    try {
      await cancel.race(run({ ...frame, cancel }))
    } finally {
      stop()
      cancel.detach()
    }
  }
}

const withBreaker = (step: string, policy: BreakerPolicy, run: Runner, { clock }: Environment): Runner => {
  const machine = breaker(policy)
  return async (frame) => {
    const call = machine.enter(clock.now())
    if (call === undefined) throw new StepFailure('breaker-open', step, 'the circuit breaker is open')
    try {
      await run(frame)
      call.success(clock.now())
    } catch (error) {
      if (actsOn(error, frame)) call.failure(clock.now())
      else call.abandon(clock.now())
      throw error
    }
  }
}

const withRetry = (step: string, policy: Retry, run: Runner, env: Environment): Runner => {
  const budget = retryBudget(policy.budget)
  const stream = env.stream(`${step}/retry`)
  return async (frame) => {
    budget.first()
    for (let attempt = 1; ; attempt++) {
      try {
        return await run(frame)
      } catch (error) {
        if (attempt >= policy.attempts || !actsOn(error, frame) || !budget.take()) throw error
      }
      const seconds = backoffSeconds(policy, attempt, stream.uniform())
      if (seconds > 0) await pause(env.clock, timerMilliseconds(seconds, stream.uniform()), frame.cancel)
    }
  }
}

const withFallback = (step: Step, run: Runner, scope: Scope, env: Environment, compile: Compile): Runner => {
  const { fallback } = step
  if (fallback === 'stale') return staleFallback(step, run, scope, env)
  const steps = fallback === 'empty' || fallback === undefined ? undefined : compile(fallback, scope)
  return async (frame) => {
    try {
      await run(frame)
    } catch (error) {
      if (!actsOn(error, frame)) throw error
      await steps?.(frame)
      frame.request.degraded = steps === undefined ? 'empty' : 'steps'
    }
  }
}

/** The key of the step, or of the lookup around it, tells one remembered value from another. */
const staleFallback = (step: Step, run: Runner, scope: Scope, env: Environment): Runner => {
  const memory = new StaleMemory(step.kind === 'lookup' ? step.staleForSeconds : undefined)
  const data = ('key' in step ? step.key : undefined) ?? scope.key
  return async (frame) => {
    const key = data === undefined ? 0 : frame.request.keys.of(data)
    try {
      await run(frame)
      memory.store(key, env.clock.now())
    } catch (error) {
      if (!actsOn(error, frame) || !memory.has(key, env.clock.now())) throw error
      frame.request.degraded = 'stale'
    }
  }
}

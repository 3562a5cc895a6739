/** Steps that only order others. */
import type { Step } from '../../topology/flow.js'
import { StepFailure } from '../failure.js'
import type { Environment, Frame, Runner, Scope } from '../frame.js'
import type { Compile } from '../interpreter.js'

export const choose = (
  step: Extract<Step, { kind: 'choose' }>,
  scope: Scope,
  env: Environment,
  compile: Compile,
): Runner => {
  const stream = env.stream(step.id)
  let sum = 0
  const options = step.options.map((option) => {
    sum += option.weight
    return { upTo: sum, run: compile(option.flow, scope) }
  })
  return async (frame) => {
    const u = stream.uniform() * sum
    await (options.find((option) => u < option.upTo) ?? options.at(-1))?.run(frame)
  }
}

export const repeat = (step: Extract<Step, { kind: 'repeat' }>, scope: Scope, compile: Compile): Runner => {
  const run = compile(step.do, scope)
  return async (frame) => {
    for (let i = 0; i < step.times; i++) {
      frame.cancel.throwIfCancelled()
      await run(frame)
    }
  }
}

/**
 * `all`: done when all branches are; the first failure cancels the others. `any`: done when the first branch succeeds,
 * which cancels the others; fails when all have failed, as the first branch did.
 */
export const parallel = (step: Extract<Step, { kind: 'parallel' }>, scope: Scope, compile: Compile): Runner => {
  const branches = step.branches.map((branch) => compile(branch, scope))
  const over = new StepFailure('cancelled', step.id, 'another branch has decided')
  return async (frame) => {
    const cancel = frame.cancel.child()
    const inner: Frame = { ...frame, cancel }
    const running = branches.map((branch) => branch(inner))
    try {
      await (step.join === 'all' ? Promise.all(running) : Promise.any(running))
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    } finally {
      cancel.cancel(over)
      cancel.detach()
    }
  }
}

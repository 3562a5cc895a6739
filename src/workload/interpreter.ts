/**
 * Compiles a flow once into closures. The same tree is executed by the simulator: an order or a rule that is changed
 * here must change there.
 */
import type { Step } from '../topology/flow.js'
import type { Environment, Runner, Scope } from './frame.js'
import { modified } from './modifiers.js'
import { callStep } from './steps/call.js'
import { choose, parallel, repeat } from './steps/control.js'
import { lookup } from './steps/lookup.js'
import { sqlStep, transaction } from './steps/sql.js'
import { compute, wait } from './steps/work.js'

/** Compiles a list of steps within a scope; handed to the steps that contain others. */
export type Compile = (steps: readonly Step[], scope: Scope) => Runner

export const compileFlow = (steps: readonly Step[], scope: Scope, env: Environment): Runner => {
  const compile: Compile = (inner, innerScope) => compileFlow(inner, innerScope, env)
  const runners = steps.map((step) =>
    modified(step, metered(step, bare(step, scope, env, compile), env), scope, env, compile),
  )
  const [only] = runners
  if (runners.length === 1 && only !== undefined) return only
  return async (frame) => {
    for (const run of runners) {
      frame.cancel.throwIfCancelled()
      await run(frame)
    }
  }
}

/** The step without its modifiers. */
const bare = (step: Step, scope: Scope, env: Environment, compile: Compile): Runner => {
  switch (step.kind) {
    case 'compute':
      return compute(step, env)
    case 'wait':
      return wait(step, env)
    case 'lookup':
      return lookup(step, scope, env, compile)
    case 'query':
    case 'write':
      return sqlStep(step, scope, env)
    case 'transaction':
      return transaction(step, scope, env, compile)
    case 'call':
      return callStep(step, env)
    case 'choose':
      return choose(step, scope, env, compile)
    case 'parallel':
      return parallel(step, scope, compile)
    case 'repeat':
      return repeat(step, scope, compile)
    default:
      // `unsupportedSteps` refuses these before anything is started.
      throw new Error(`step ${step.id}: ${step.kind} cannot be executed yet`)
  }
}

/** Counts and times each attempt of the step, whatever its modifiers make of it. */
const metered = (step: Step, run: Runner, env: Environment): Runner => {
  const meter = env.meters.step(step.id)
  const { clock } = env
  return async (frame) => {
    const began = clock.now()
    meter.count++
    try {
      await run(frame)
    } catch (error) {
      meter.errors++
      throw error
    } finally {
      meter.duration.record(clock.now() - began)
    }
  }
}

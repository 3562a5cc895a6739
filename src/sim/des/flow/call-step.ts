/** `call`: an external dependency, or a service (behind a balancer or not). */
import type { Step } from '../../../topology/flow.js'
import type { ExternalComponent } from '../../../topology/types.js'
import { dependency, failureOf, ok } from '../codes.js'
import type { Endpoint } from '../endpoint.js'
import { blocked } from '../kernel.js'
import type { System } from '../system.js'
import { answerDegradedBit, degradedBit } from '../tasks.js'
import { Work } from '../work.js'
import { quotaOf } from './external-quota.js'
import { emitMetered } from './modifiers.js'
import { Program } from './program.js'
import { emitCall } from './sql-steps.js'
import { emitTurn } from './work-steps.js'

export const emitCallStep = (
  program: Program,
  step: Extract<Step, { kind: 'call' }>,
  serveGoal: (component: string, operation: string | undefined) => number,
): void => {
  const { system, kernel } = program
  const { tasks } = kernel
  const { component, operation } = step.target
  const member = system.member(component)
  const edge = kernel.edges.between(program.component, component)
  if (member.component.role === 'external') {
    const [endpoint] = member.endpoints
    const goal = externalGoal(system, step.id, member.component, endpoint)
    emitMetered(program, step.id, () => emitCall(program, endpoint ?? (() => undefined), goal, edge))
    return
  }
  const goal = serveGoal(component, operation)
  let turn = 0
  emitMetered(program, step.id, () => {
    program.call(() => member.active[turn++ % member.active.length], goal, edge, dependency)
    const next = program.here + 1
    program.emit((task) => {
      const flags = tasks.flags[task] as number
      if ((flags & answerDegradedBit) !== 0) tasks.flags[task] = flags | degradedBit
      const answer = tasks.answer[task] as number
      return answer === ok ? next : kernel.fail(task, failureOf(answer))
    })
    emitTurn(program)
  })
}

/** What an external does: it turns away, or takes its time and then answers or errs. */
const externalGoal = (
  system: System,
  step: string,
  { latency, errors, rateLimit }: ExternalComponent,
  endpoint: Endpoint | undefined,
): number => {
  const { kernel } = system
  const { tasks, timers, queue } = kernel
  const quota = rateLimit && endpoint && quotaOf(endpoint, rateLimit.ratePerSecond)
  const stream = system.stream(step)
  const work = new Work(stream, latency)
  return system.goal((component) => {
    const program = new Program(system, component)
    const done = program.here + 1
    program.emit((visit) => {
      tasks.pc[visit] = done
      if (quota?.admit(queue.now, 0).ok === false) {
        // Turned away at once.
        tasks.code[visit] = dependency
        timers.hop(visit)
        return blocked
      }
      tasks.code[visit] = stream.uniform() < errors ? dependency : ok
      work.into(timers.seconds, 0)
      timers.sleep(visit)
      return blocked
    })
    program.emit((visit) => kernel.end(visit, tasks.code[visit] as number))
    return program.start
  })
}

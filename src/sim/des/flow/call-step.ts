/** `call`: an external dependency, or a service (behind a balancer or not). */
import type { Step } from '../../../topology/flow.js'
import { dependency, failureOf, ok } from '../codes.js'
import { blocked } from '../kernel.js'
import { answerDegradedBit, degradedBit } from '../tasks.js'
import { Work } from '../work.js'
import { quotaOf } from './external-quota.js'
import { emitMetered } from './modifiers.js'
import type { Program } from './program.js'

export const emitCallStep = (
  program: Program,
  step: Extract<Step, { kind: 'call' }>,
  serveGoal: (component: string, operation: string | undefined) => number,
): void => {
  const { system, kernel } = program
  const { tasks, timers, queue } = kernel
  const { component, operation } = step.target
  const member = system.member(component)
  if (member.component.role === 'external') {
    const { latency, errors, rateLimit } = member.component
    const [endpoint] = member.endpoints
    const quota = rateLimit && endpoint && quotaOf(endpoint, rateLimit.ratePerSecond)
    const stream = system.stream(step.id)
    const work = new Work(stream, latency)
    const body = (): void => {
      const done = program.here + 1
      const next = program.here + 2
      program.emit((task) => {
        if (endpoint !== undefined) endpoint.visits += 1
        if (quota?.admit(queue.now, 0).ok === false) {
          // Turned away at once.
          tasks.code[task] = dependency
          tasks.pc[task] = done
          timers.hop(task)
          return blocked
        }
        tasks.code[task] = stream.uniform() < errors ? dependency : ok
        tasks.pc[task] = done
        work.into(timers.seconds, 0)
        timers.sleep(task)
        return blocked
      })
      program.emit((task) => (tasks.code[task] === ok ? next : kernel.fail(task, dependency)))
    }
    emitMetered(program, step.id, body, member.total)
    return
  }
  const goal = serveGoal(component, operation)
  const edge = kernel.edges.between(program.component, component)
  let turn = 0
  emitMetered(program, step.id, () => {
    const answered = program.here + 1
    const next = program.here + 2
    program.emit((task) => {
      const endpoint = member.active[turn++ % member.active.length]
      if (endpoint === undefined) return kernel.fail(task, dependency)
      tasks.pc[task] = answered
      return kernel.call(task, endpoint, goal, edge)
    })
    program.emit((task) => {
      const flags = tasks.flags[task] as number
      if ((flags & answerDegradedBit) !== 0) tasks.flags[task] = flags | degradedBit
      const answer = tasks.answer[task] as number
      return answer === ok ? next : kernel.fail(task, failureOf(answer))
    })
  })
}

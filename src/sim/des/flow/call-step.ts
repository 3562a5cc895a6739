/** `call`: an external dependency, or a service (behind a balancer or not). */
import type { Step } from '../../../topology/flow.js'
import { blocked, type Goal } from '../task.js'
import { emitMetered } from './modifiers.js'
import type { Program } from './program.js'

export const emitCallStep = (
  program: Program,
  step: Extract<Step, { kind: 'call' }>,
  serveGoal: (component: string, operation: string | undefined) => Goal,
): void => {
  const { system, kernel } = program
  const { component, operation } = step.target
  const member = system.member(component)
  if (member.component.role === 'external') {
    const { latency, errors } = member.component
    const stream = system.stream(step.id)
    emitMetered(program, step.id, () => {
      const done = program.here + 1
      const next = program.here + 2
      program.emit((task) => {
        const [endpoint] = member.endpoints
        if (endpoint !== undefined) endpoint.visits += 1
        task.code = stream.uniform() < errors ? 'dependency' : ''
        task.pc = done
        kernel.timers.sleep(task, stream.sample(latency))
        return blocked
      })
      program.emit((task) => (task.code === '' ? next : kernel.fail(task, 'dependency')))
    })
    return
  }
  const goal = serveGoal(component, operation)
  let turn = 0
  emitMetered(program, step.id, () => {
    const answered = program.here + 1
    const next = program.here + 2
    program.emit((task) => {
      const endpoint = member.endpoints[turn++ % member.endpoints.length]
      if (endpoint === undefined) return kernel.fail(task, 'dependency')
      task.pc = answered
      return kernel.call(task, endpoint, goal)
    })
    program.emit((task) => {
      if (task.answerDegraded) task.degraded = true
      return task.answer === '' ? next : kernel.fail(task, 'dependency')
    })
  })
}

/**
 * `lock`: SET NX PX at the cache; who comes second waits until it is released or its ttl is over (as a client that subscribes to
 * the release), at most `wait`. When the steps inside are done, also when they fail, the lock is released by a second visit; if the
 * cache does not answer then, the lock stays until its ttl is over. A process that dies leaves its locks behind in the same way.
 */
import type { Step } from '../../../topology/flow.js'
import { dependency, lockTimeout, ok } from '../codes.js'
import { blocked } from '../kernel.js'
import { none } from '../tasks.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import { Label, type Program, type Scope } from './program.js'
import { storeChooser } from './store-choice.js'
import { storeVisit } from './store-visits.js'

export const emitLock = (
  program: Program,
  step: Extract<Step, { kind: 'lock' }>,
  scope: Scope,
  emitFlow: EmitFlow,
): void => {
  const { system, kernel } = program
  const { tasks, frames, timers } = kernel
  const cache = step.target.component
  const room = system.state.locks
  const { locks } = room
  const { space } = system.state.lock(cache, step.key, step.id)
  const visit = storeVisit(system, cache, {
    // Who cannot persist takes no writes.
    commit: (task) => (kernel.endpointOf(task).fullDisks > 0 ? dependency : ok),
  })
  const edge = kernel.edges.between(program.component, cache)
  const data = system.dataIndex(step.key)
  const choice = storeChooser(system, step.target, data)
  const { ttlSeconds, waitSeconds, fencing } = step
  const patience = waitSeconds === undefined || waitSeconds === 0 ? undefined : timers.limitWait(waitSeconds)
  const keyOf = (task: number): number => system.keyOf(tasks.request[task] as number, data)

  const release = new Label()
  const end = new Label()
  const held = frames.register({
    // The lock is given back before the error goes on.
    failed: (task, frame) => {
      const hold = frames.handle[frame] as number
      const code = tasks.code[task] as number
      frames.pop(task)
      const giving = frames.push(task, releasing)
      frames.handle[giving] = hold
      frames.count[giving] = code
      return release.pc
    },
    dropped: (_, frame) => {
      locks.release(frames.handle[frame] as number, kernel.now)
    },
    crashed: (_, frame) => locks.abandon(frames.handle[frame] as number, kernel.now),
  })
  const abandon = (_: number, frame: number): void => locks.abandon(frames.handle[frame] as number, kernel.now)
  const releasing = frames.register({ failed: () => -2, dropped: abandon, crashed: abandon })

  emitMetered(program, step.id, () => {
    const waited = program.here + 2
    const enter = program.here + 3
    program.call(choice, visit, edge, dependency)
    const keep = (task: number, hold: number): number => {
      const frame = frames.push(task, held)
      frames.handle[frame] = hold
      return enter
    }
    program.emit((task) => {
      if (tasks.answer[task] !== ok) return kernel.fail(task, dependency)
      tasks.pc[task] = waited
      const hold = room.enter(task, space, keyOf(task), none, ttlSeconds, fencing)
      if (hold >= 0) return keep(task, hold)
      if (waitSeconds === 0) {
        room.left(task)
        tasks.room[task] = none
        return kernel.fail(task, lockTimeout)
      }
      patience?.add(task)
      return blocked
    })
    program.emit((task) => keep(task, room.taken(task)))
    emitFlow(program, step.do, fencing ? { ...scope, fence: held } : scope)
    const done = program.here + 1
    program.emit((task) => {
      const hold = frames.handle[frames.pop(task)] as number
      const giving = frames.push(task, releasing)
      frames.handle[giving] = hold
      frames.count[giving] = ok
      return done
    })
    program.place(release)
    program.call(choice, visit, edge, dependency)
    program.emit((task) => {
      const frame = frames.pop(task)
      const hold = frames.handle[frame] as number
      if (tasks.answer[task] === ok) locks.release(hold, kernel.now)
      else locks.abandon(hold, kernel.now)
      const code = frames.count[frame] as number
      return code === ok ? end.pc : kernel.fail(task, code)
    })
    program.place(end)
  })
}

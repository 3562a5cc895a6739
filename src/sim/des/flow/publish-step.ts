/**
 * `publish`: one visit of the broker, which confirms when it has the message. A full queue that rejects fails the step (`queue-full`, answered
 * 503); one that blocks makes the publisher wait, as does a partition that cannot be written. What is published belongs to the request on whose
 * behalf it is.
 */
import type { Step } from '../../../topology/flow.js'
import { dependency, failureOf, ok } from '../codes.js'
import { blocked } from '../kernel.js'
import { publishedBytes } from '../messaging/message-bytes.js'
import { none } from '../tasks.js'
import { emitMetered } from './modifiers.js'
import { type Program, transparent } from './program.js'
import { storeVisit } from './store-visits.js'

type Publish = Extract<Step, { kind: 'publish' }>

/** How long a producer waits before it tries again (Kafka's `retry.backoff.ms`). */
const retrySeconds = 0.1

export const emitPublish = (program: Program, step: Publish): void => {
  if (step.target.queue !== undefined) emitToQueue(program, step, step.target.queue)
  else if (step.target.topic !== undefined) emitToTopic(program, step, step.target.topic)
}

const emitToQueue = (program: Program, step: Publish, name: string): void => {
  const { system, kernel } = program
  const { tasks } = kernel
  const { component } = step.target
  const broker = system.messaging?.queues.get(component)
  if (broker === undefined) throw new Error(`${component} has no queues`)
  const place = broker.place(name)
  const edge = kernel.edges.between(program.component, component)
  const visit = storeVisit(system, component, {
    bytes: { in: publishedBytes(system.topology, step), out: 0 },
    // A confirm of RabbitMQ waits for its disk.
    disk: system.topology.components[component]?.engine === 'rabbitmq',
    settle: (at) => {
      const confirmed = at.here + 1
      at.emit((task) => {
        tasks.pc[task] = confirmed
        if (kernel.endpointOf(task).fullDisks > 0) return kernel.end(task, dependency)
        const code = broker.publish(place, task, step.priority)
        return code === none ? blocked : kernel.end(task, code)
      })
    },
  })
  emitMetered(program, step.id, () => {
    program.call(() => place.host, visit, edge, dependency)
    const next = program.here + 1
    program.emit((task) => {
      const answer = tasks.answer[task] as number
      return answer === ok ? next : kernel.fail(task, failureOf(answer))
    })
  })
}

const emitToTopic = (program: Program, step: Publish, name: string): void => {
  const { system, kernel } = program
  const { tasks, frames, timers } = kernel
  const { component } = step.target
  const broker = system.messaging?.topics.get(component)
  if (broker === undefined) throw new Error(`${component} has no topics`)
  const place = broker.place(name)
  const edge = kernel.edges.between(program.component, component)
  const data = system.dataIndex(step.key)
  const partitionOf = (task: number): number => frames.count[tasks.frame[task] as number] as number
  const visit = storeVisit(system, component, {
    bytes: { in: publishedBytes(system.topology, step), out: 0 },
    settle: (at) => {
      const confirmed = at.here + 1
      at.emit((task) => {
        tasks.pc[task] = confirmed
        if (kernel.endpointOf(task).fullDisks > 0) return kernel.end(task, dependency)
        return broker.publish(place, task, partitionOf(tasks.parent[task] as number)) ? kernel.end(task, ok) : blocked
      })
    },
  })
  emitMetered(program, step.id, () => {
    program.enter({ ...transparent }, (task, frame) => {
      const key = data < 0 ? -1 : system.keyOf(tasks.request[task] as number, data)
      frames.count[frame] = place.topic.partitionFor(key)
    })
    const send = program.here
    const answered = program.here + 1
    const next = program.here + 2
    program.emit((task) => {
      const leader = broker.leader(place, partitionOf(task))
      if (leader === undefined) {
        tasks.pc[task] = send
        broker.awaitLeader(task)
        return blocked
      }
      tasks.pc[task] = answered
      return kernel.call(task, leader, visit, edge)
    })
    program.emit((task) => {
      const answer = tasks.answer[task] as number
      if (answer === ok) return next
      if (answer === dependency) return kernel.fail(task, dependency)
      // The producer tries again until something around it gives up.
      tasks.pc[task] = send
      timers.seconds[0] = retrySeconds
      timers.sleep(task)
      return blocked
    })
    program.leave()
  })
}

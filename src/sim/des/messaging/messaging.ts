/** All brokers of a system and the workers that consume: what the rest of the engine tells them and asks of them. */
import type { ServiceComponent, Target } from '../../../topology/types.js'
import type { Endpoint, Gone } from '../endpoint.js'
import type { System } from '../system.js'
import { type AccountLog, MessageAccount } from './account.js'
import { QueueBroker } from './queue-broker.js'
import { TopicBroker } from './topic-broker.js'
import type { QueueTotals } from './totals.js'
import type { Worker } from './worker.js'

type Connected =
  | { readonly kind: 'queue'; readonly broker: QueueBroker; readonly worker: Worker }
  | { readonly kind: 'topic'; readonly broker: TopicBroker; readonly worker: Worker }

export class Messaging {
  readonly account: MessageAccount
  readonly queues = new Map<string, QueueBroker>()
  readonly topics = new Map<string, TopicBroker>()
  private readonly workers = new Map<string, Connected>()

  constructor(
    private readonly system: System,
    log: AccountLog,
  ) {
    const { kernel, members, state } = system
    this.account = new MessageAccount(kernel.requests, log, kernel.queue)
    const lost = (): void => {
      if (state.messages !== undefined) state.messages.lost += 1
    }
    const consumers = this.consumers()
    for (const member of members.values()) {
      const { component } = member
      if (component.role !== 'store') continue
      if (Object.keys(component.queues).length > 0) {
        const consumed = consumers.flatMap(({ from }) => (from.component === component.id ? (from.queue ?? []) : []))
        const broker = new QueueBroker(system, member, component, this.account, new Set(consumed), lost)
        this.queues.set(component.id, broker)
        for (const { name, queue } of broker.places)
          system.queueLengths.set(`${component.id}.${name}`, () => queue.length)
      }
      if (Object.keys(component.topics).length > 0) {
        const broker = new TopicBroker(system, member, component, this.account, lost)
        this.topics.set(component.id, broker)
        for (const { name, lag } of broker.places) system.queueLengths.set(`${component.id}.${name}`, () => lag.value)
      }
    }
    if (this.queues.size + this.topics.size > 0) state.messages = { lost: 0 }
  }

  /** Workers that are up begin to take messages. What they do with them may be to publish: `System` must know of this by now. */
  start(): void {
    for (const { component, from } of this.consumers()) {
      const queues = this.queues.get(from.component)
      const topics = this.topics.get(from.component)
      if (from.queue !== undefined && queues !== undefined)
        this.workers.set(component.id, {
          kind: 'queue',
          broker: queues,
          worker: queues.connect(queues.place(from.queue), component),
        })
      else if (from.topic !== undefined && topics !== undefined)
        this.workers.set(component.id, {
          kind: 'topic',
          broker: topics,
          worker: topics.connect(topics.place(from.topic), component),
        })
    }
    for (const broker of this.queues.values()) broker.start()
    for (const broker of this.topics.values()) broker.start()
  }

  /** A process of a worker or a broker is gone, or `draining`: it takes nothing more. */
  gone(endpoint: Endpoint, how: Gone | 'draining'): void {
    const { component } = endpoint.station
    const connected = this.workers.get(component)
    if (connected?.kind === 'queue' && how !== 'unheard') connected.broker.workerGone(connected.worker, endpoint, how)
    else if (connected?.kind === 'topic') connected.broker.workerGone(connected.worker, endpoint, how)
    if (how === 'draining') return
    this.queues.get(component)?.lostProcess(endpoint, how)
    this.topics.get(component)?.lostProcess(endpoint, how)
  }

  /** It is up again, or can be heard again. */
  back(endpoint: Endpoint): void {
    const { component } = endpoint.station
    const connected = this.workers.get(component)
    if (connected !== undefined) connected.broker.workerBack(connected.worker, endpoint)
    this.queues.get(component)?.moved()
    this.topics.get(component)?.backProcess(endpoint)
  }

  /** Messages that nobody can handle, in all that is consumed at a broker, or in what a worker consumes. */
  poison(component: string, count: number): void {
    const own = this.system.topology.components[component]
    const consumed = Object.values(this.system.topology.components).flatMap((each) =>
      each.role === 'service' && each.consumes?.component === component ? [each.consumes] : [],
    )
    const targets = own?.role === 'service' && own.consumes !== undefined ? [own.consumes] : consumed
    const names = new Map(targets.map((target) => [`${target.queue ?? ''}/${target.topic ?? ''}`, target]))
    for (const target of names.values()) this.poisonAt(target, count)
  }

  /** By queue or topic of the component; undefined: it is no broker. */
  totals(component: string): Readonly<Record<string, QueueTotals>> | undefined {
    return this.queues.get(component)?.totals() ?? this.topics.get(component)?.totals()
  }

  resetPeaks(): void {
    for (const broker of this.queues.values()) broker.resetPeaks()
    for (const broker of this.topics.values()) broker.resetPeaks()
  }

  private consumers(): readonly { readonly component: ServiceComponent; readonly from: Target }[] {
    return Object.values(this.system.topology.components).flatMap((component) =>
      component.role === 'service' && component.consumes !== undefined ? [{ component, from: component.consumes }] : [],
    )
  }

  private poisonAt({ component, queue, topic }: Target, count: number): void {
    const queues = this.queues.get(component)
    const topics = this.topics.get(component)
    if (queue !== undefined && queues !== undefined) queues.poison(queues.place(queue), count)
    if (topic !== undefined && topics !== undefined) topics.poison(topics.place(topic), count)
  }
}

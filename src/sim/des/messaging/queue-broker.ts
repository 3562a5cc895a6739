/**
 * A store with queues at run time: which process keeps which queue, whether it can be reached, who consumes, and what goes with the process.
 *
 * Redis: a queue lies on the primary of one shard (queue i on shard i mod masters) and moves with it. RabbitMQ on one node: there. RabbitMQ on
 * several nodes: quorum queues, kept by a majority, led by the first node from their own on that is up.
 */

import type { ServiceComponent, StoreComponent } from '../../../topology/types.js'
import { MessageBroker } from '../../broker/broker.js'
import { accepted, type MessageQueue, refused } from '../../broker/queue.js'
import { Snapshots } from '../../state/snapshots.js'
import { Agenda } from '../agenda.js'
import { dependency, ok, queueFull } from '../codes.js'
import type { Endpoint, Gone } from '../endpoint.js'
import type { Source } from '../event-queue.js'
import { isReplicated } from '../replication.js'
import type { Member, System } from '../system.js'
import { none } from '../tasks.js'
import type { MessageAccount } from './account.js'
import { messageOverheadBytes } from './message-bytes.js'
import { Publishers } from './publishers.js'
import type { QueueTotals } from './totals.js'
import { type Hand, type Inbox, poison, untracked, Worker } from './worker.js'

/** RabbitMQ's `vm_memory_high_watermark`: above it publishers are blocked. */
const rabbitWatermark = 0.4
export interface QueuePlace {
  readonly queue: MessageQueue
  readonly name: string
  /** By consumer of the queue. */
  readonly hands: { readonly worker: Worker; readonly hand: Hand }[]
  readonly workers: Worker[]
  /** Is there, at the end of its dead-letter ways, anybody who consumes? */
  readonly consumed: boolean
  reachable: boolean
  host: Endpoint
}

export class QueueBroker implements Source {
  readonly places: readonly QueuePlace[]
  private readonly broker: MessageBroker
  private readonly publishers: Publishers
  private readonly source: number
  private readonly expires: boolean
  private readonly snapshots = new Snapshots()
  private readonly agenda: Agenda
  private readonly bytesByClass: Float64Array

  constructor(
    private readonly system: System,
    private readonly member: Member,
    private readonly store: StoreComponent,
    private readonly account: MessageAccount,
    consumed: ReadonlySet<string>,
    private readonly lost: () => void,
  ) {
    const { kernel, topology } = system
    const queues = Object.values(store.queues)
    const limit = store.memoryBytes
    this.broker = new MessageBroker(
      {
        queues,
        memoryBytes: limit === undefined || store.engine !== 'rabbitmq' ? limit : limit * rabbitWatermark,
        whenFull: store.engine === 'rabbitmq' ? 'block' : 'reject',
      },
      {
        delivered: (queue, consumer, message, tag) => {
          const { worker, hand } = this.placeOf(queue).hands[consumer] as QueuePlace['hands'][number]
          worker.take(hand, message, tag, this.broker.messages.payload[message] as number)
        },
        admitted: (_, message) => {
          this.snapshots.change(kernel.now)
          this.publishers.admitted(message)
        },
        received: (queue, message) => this.received(queue, message),
        lost: (_, payload) => {
          if (payload === poison) return
          this.lost()
          if (payload >= 0) this.account.lost(payload)
        },
      },
    )
    this.publishers = new Publishers(kernel, (message, payload) => {
      const { queue } = this.places[this.broker.messages.origin[message] as number] as QueuePlace
      queue.withdraw(message, kernel.now)
      if (payload >= 0) account.withdrawn(payload)
    })
    const [some] = member.endpoints as [Endpoint]
    this.places = this.broker.queues.map((queue) => ({
      queue,
      name: queue.options.id,
      hands: [],
      workers: [],
      consumed: reaches(queue, consumed),
      reachable: true,
      host: some,
    }))
    for (const place of this.places) place.host = this.hostOf(place) ?? some
    this.expires = queues.some(({ ttlSeconds }) => ttlSeconds !== undefined)
    this.source = kernel.queue.add(this)
    this.agenda = new Agenda(kernel.queue)
    this.bytesByClass = Float64Array.from(
      Object.values(topology.requests),
      ({ bytes }) => bytes.in + messageOverheadBytes,
    )
  }

  place(name: string): QueuePlace {
    const place = this.places.find((each) => each.name === name)
    if (place === undefined) throw new Error(`no queue ${this.store.id}.${name}`)
    return place
  }

  /** A message of the flow of `task` (at the broker) is put in. Returns a code, or `none`: the task waits in line. */
  publish(place: QueuePlace, task: number, priority: number): number {
    if (!place.reachable) return dependency
    const { kernel } = this.system
    const request = kernel.tasks.request[task] as number
    const payload = place.consumed && request >= 0 ? request : untracked
    const bytes =
      request >= 0 ? (this.bytesByClass[kernel.requests.cls[request] as number] as number) : messageOverheadBytes
    if (payload >= 0) this.account.published(payload)
    const outcome = place.queue.publish(payload, priority, bytes, kernel.now)
    if (outcome >= 0) {
      this.publishers.wait(task, outcome, payload)
      return none
    }
    if (outcome === accepted) this.snapshots.change(kernel.now)
    else if (payload >= 0) this.account.withdrawn(payload)
    this.reschedule()
    return outcome === refused ? queueFull : ok
  }

  /** Messages that nobody can handle. */
  poison(place: QueuePlace, count: number): void {
    for (let i = 0; i < count; i++) place.queue.publish(poison, 0, messageOverheadBytes, this.system.kernel.now)
    this.reschedule()
  }

  /** The component takes from the queue. */
  connect(place: QueuePlace, component: ServiceComponent): Worker {
    const { messages } = this.broker
    const { kernel } = this.system
    const own = place.workers.length
    const of = (row: number): readonly [message: number, tag: number] => {
      const { item, tag } = place.workers[own] as Worker
      return [item[row] as number, tag[row] as number]
    }
    const inbox: Inbox = {
      store: this.store.id,
      isLog: false,
      endpoint: () => place.host,
      taken: (row) => {
        const [message, tag] = of(row)
        const payload = messages.payload[message] as number
        if (payload >= 0 && messages.tag[message] === tag && messages.deliveries[message] === 1)
          this.account.taken(payload, messages.enqueuedAt[message] as number)
      },
      acknowledge: (row) => {
        const acknowledged = place.queue.acknowledge(...of(row), kernel.now)
        this.reschedule()
        return acknowledged
      },
      giveBack: (row) => this.giveBack(place, ...of(row)),
      release: ({ consumer }) => {
        if (consumer === none) return
        place.queue.release(consumer, kernel.now)
        this.reschedule()
      },
    }
    const worker = new Worker(this.system, component, inbox, this.account, this.lost)
    place.workers.push(worker)
    return worker
  }

  /** A message that was worked on in vain: back in line, after a pause that doubles with each delivery. */
  private giveBack({ queue, name }: QueuePlace, message: number, tag: number): void {
    const { kernel } = this.system
    const reject = (): void => {
      queue.reject(message, tag, true, kernel.now)
      this.reschedule()
    }
    const redelivery = this.store.queues[name]?.redelivery
    if (redelivery === undefined) reject()
    else {
      const { afterSeconds, maxSeconds } = redelivery
      const deliveries = this.broker.messages.deliveries[message] as number
      this.agenda.after(Math.min(maxSeconds, afterSeconds * 2 ** Math.max(0, deliveries - 1)), reject)
    }
  }

  /** Workers take what they can from where they can. */
  start(): void {
    for (const place of this.places) this.reattach(place)
  }

  workerBack(worker: Worker, endpoint: Endpoint): void {
    for (const place of this.places)
      for (const each of place.workers)
        if (each === worker) {
          const hand = worker.handOf(endpoint)
          if (hand !== undefined) this.attach(place, worker, hand)
        }
    this.reschedule()
  }

  /** `draining`: it takes nothing more. Otherwise it is gone, and what it had comes back. */
  workerGone(worker: Worker, endpoint: Endpoint, how: Gone | 'draining'): void {
    const hand = worker.handOf(endpoint)
    const place = this.places.find(({ workers }) => workers.includes(worker))
    if (place === undefined || hand === undefined || hand.consumer === none) return
    const { consumer } = hand
    place.queue.retire(consumer)
    // What dies at the same time must not be handed what the first had.
    if (how !== 'draining') this.agenda.after(0, () => this.disconnected(place, worker, hand, consumer, how))
  }

  /** The broker sees the connection of a consumer close. */
  private disconnected(place: QueuePlace, worker: Worker, hand: Hand, consumer: number, how: Gone): void {
    if (hand.consumer !== consumer) return
    hand.consumer = none
    place.queue.detach(consumer, this.system.kernel.now)
    if (how !== 'stopped' && place.reachable) this.system.kernel.notice(hand.endpoint, this.store.id)
    // It may have been as fast.
    if (hand.endpoint.state === 'up') this.attach(place, worker, hand)
    this.reschedule()
  }

  /** A process of the store is gone; copies that take over are told of by `failedOver` and `moved`. */
  lostProcess(endpoint: Endpoint, how: Gone): void {
    if (how === 'unheard') return
    if (!isReplicated(this.store) && !this.isQuorum)
      for (const place of this.places) if (place.host === endpoint) this.forget(place, how, this.system.kernel.now)
    this.moved()
  }

  /** The primary of a shard is back without anybody having taken over. */
  primaryBack(shard: number, gone: { readonly at: number; readonly how: Gone }): void {
    if (!isReplicated(this.store) || gone.how === 'unheard') return
    for (const place of this.placesOn(shard)) this.forget(place, gone.how, gone.at)
    this.moved()
  }

  /** The store has forgotten everything, and goes on. */
  flushed(shard: number): void {
    for (const { queue } of this.placesOn(shard)) queue.wipe(this.system.kernel.now)
    this.reschedule()
  }

  /** A copy took over that had received what was written until `since`. */
  failedOver(shard: number, since: number): void {
    for (const { queue } of this.placesOn(shard)) queue.wipe(this.system.kernel.now, since)
    this.moved()
  }

  /** Queues may be elsewhere, or out of reach: consumers lose their connection, what they had in hand comes back, they connect again. */
  moved(): void {
    for (const place of this.places) {
      const host = this.hostOf(place)
      const reachable = host !== undefined
      if (host === place.host && reachable === place.reachable) continue
      if (host !== undefined) place.host = host
      place.reachable = reachable
      const attached = this.attached(place)
      for (const { hand } of attached) place.queue.retire(hand.consumer)
      for (const { hand } of attached) {
        const { consumer } = hand
        hand.consumer = none
        place.queue.detach(consumer, this.system.kernel.now)
      }
      if (reachable) this.reattach(place)
    }
    this.reschedule()
  }

  /** Messages expire. */
  fire(): void {
    this.broker.expire(this.system.kernel.now)
    this.reschedule()
  }

  totals(): Readonly<Record<string, QueueTotals>> {
    const { now } = this.system.kernel
    return Object.fromEntries(
      this.places.map(({ name, queue }) => [
        name,
        { ...queue.counters, lengthSeconds: queue.lengthIntegral(now), length: queue.length, peak: queue.peak },
      ]),
    )
  }

  resetPeaks(): void {
    for (const { queue } of this.places) queue.resetPeak()
  }

  private get isQuorum(): boolean {
    return this.store.engine === 'rabbitmq' && this.member.endpoints.length > 1
  }

  private placesOn(shard: number): readonly QueuePlace[] {
    const shards = this.member.roles.primary?.length ?? 1
    return this.places.filter(({ queue }) => queue.index % shards === shard)
  }

  private placeOf(queue: MessageQueue): QueuePlace {
    return this.places[queue.index] as QueuePlace
  }

  /** Undefined: out of reach. */
  private hostOf({ queue }: QueuePlace): Endpoint | undefined {
    const { endpoints, roles } = this.member
    if (!this.isQuorum) {
      const primaries = roles.primary ?? endpoints
      const host = primaries[queue.index % primaries.length]
      return host?.state === 'down' ? undefined : host
    }
    const up = endpoints.filter(({ state }) => state !== 'down')
    if (up.length <= endpoints.length / 2) return undefined
    return endpoints
      .map((_, i) => endpoints[(queue.index + i) % endpoints.length] as Endpoint)
      .find(({ state }) => state !== 'down')
  }

  private forget({ queue }: QueuePlace, how: Gone, at: number): void {
    const { now } = this.system.kernel
    const { persistence } = this.store
    if (persistence === 'none') queue.wipe(now)
    else if (how === 'stopped') this.snapshots.save(at)
    else if (persistence === 'rdb') {
      queue.wipe(now, this.snapshots.savedAt)
      this.snapshots.forget()
    } else if (persistence === 'aof' && how === 'machine') queue.wipe(now, Math.floor(at))
  }

  private attached({ workers }: QueuePlace): { readonly worker: Worker; readonly hand: Hand }[] {
    return workers.flatMap((worker) =>
      worker.hands.flatMap((hand) => (hand.consumer === none ? [] : [{ worker, hand }])),
    )
  }

  private reattach(place: QueuePlace): void {
    for (const worker of place.workers)
      for (const hand of worker.hands) if (hand.endpoint.state === 'up') this.attach(place, worker, hand)
  }

  private attach(place: QueuePlace, worker: Worker, hand: Hand): void {
    if (!place.reachable || hand.consumer !== none) return
    const { queue, hands } = place
    // Handing out begins within `attach`, so its number must be known before.
    const consumer = queue.nextConsumer
    hands[consumer] = { worker, hand }
    hand.consumer = consumer
    queue.attach(hand.slots, this.system.kernel.now, hand.busy)
  }

  /** A dead letter came in: where nobody will ever take it, its request has come to an end. */
  private received(queue: MessageQueue, message: number): void {
    const { messages } = this.broker
    const payload = messages.payload[message] as number
    if (payload < 0 || this.placeOf(queue).consumed) return
    messages.payload[message] = untracked
    this.account.lost(payload)
  }

  private reschedule(): void {
    if (this.expires) this.system.kernel.queue.schedule(this.source, this.broker.nextExpiry())
  }
}

const reaches = (queue: MessageQueue, consumed: ReadonlySet<string>): boolean => {
  const passed = new Set<MessageQueue>()
  for (let at: MessageQueue | undefined = queue; at !== undefined && !passed.has(at); at = at.deadLetterTo) {
    if (consumed.has(at.options.id)) return true
    passed.add(at)
  }
  return false
}

/**
 * A queue as RabbitMQ understands it (and as workers build one on Redis): bounded, with priorities, times to live, dead letters,
 * consumers that have a bounded number of messages in hand, and redelivery of what a lost consumer had. Time is handed in.
 *
 * What is modelled, after https://www.rabbitmq.com/docs (maxlength, ttl, dlx, priority, consumer-prefetch, quorum-queues):
 * - `maxLength` counts messages that wait, not those in hand. `reject` refuses the new one (reject-publish), `drop-oldest` pushes
 *   out the head of the queue (drop-head), `block` makes the publisher wait in line.
 * - Messages expire at the head of their level, on time, and never in hand; one that comes back keeps its time.
 * - Higher priorities first, first in first out within one. What comes back goes to its old place, ahead of all that is younger.
 * - Consumers with a free place are served in turn, each again when it has a place and the others had theirs.
 *
 * Invariant between calls: no consumer has a free place while a message waits. Hot path: integer handles, no allocation.
 */
import type { MessageBroker } from './broker.js'
import { MessageList, none } from './message-pool.js'

/** How a message left its queue other than by acknowledgement. */
export const fates = {
  expired: 0,
  /** Pushed out of a full queue. */
  dropped: 1,
  /** Given back for good by its consumer. */
  nacked: 2,
  /** Delivered `maxDeliveries` times in vain. */
  exhausted: 3,
  /** Lost with the memory of its broker. */
  wiped: 4,
} as const
export type Fate = (typeof fates)[keyof typeof fates]

/** Outcomes of `publish`; a number ≥ 0 is the message whose publisher has to wait. */
export const accepted = -1
export const refused = -2

export interface QueueOptions {
  readonly id: string
  /** Messages waiting; undefined: unbounded. */
  readonly maxLength: number | undefined
  readonly overflow: 'reject' | 'drop-oldest' | 'block'
  readonly ttlSeconds: number | undefined
  /** Levels, at least 1; priorities beyond count as the highest. */
  readonly priorities: number
  /** Id of another queue of the same broker. */
  readonly deadLetter: string | undefined
  /** Deliveries of one message, the first counted; undefined: no limit. */
  readonly maxDeliveries: number | undefined
}

export interface QueueHooks {
  /** `consumer` has `message` in hand from now on; what it says of it must bear this `tag`. */
  delivered(queue: MessageQueue, consumer: number, message: number, tag: number): void
  /** The publisher of this message had to wait, and is through. */
  admitted(queue: MessageQueue, message: number): void
  /** A dead letter has come into this queue. */
  received(queue: MessageQueue, message: number): void
  /** The message is gone for good, without having been acknowledged. */
  lost(queue: MessageQueue, payload: number, fate: Fate): void
}

/** Messages since the beginning. in = acked + waiting + in hand + Σ fates; Σ fates = deadLettered + lost. */
export class QueueCounters {
  /** Accepted from publishers. */
  published = 0
  /** Come from another queue as dead letters. */
  received = 0
  /** Refused because the queue was full; not part of `published`. */
  rejected = 0
  /** Publishers that had to wait. */
  blocked = 0
  delivered = 0
  /** Of those delivered: not for the first time. */
  redelivered = 0
  acked = 0
  expired = 0
  dropped = 0
  nacked = 0
  exhausted = 0
  wiped = 0
  /** Of all fates: went on to the dead-letter queue. */
  deadLettered = 0
  /** Of all fates: gone for good. */
  lost = 0
}

/** Places of a consumer in columns. */
class Consumers {
  prefetch = new Int32Array(8)
  inHand = new Int32Array(8)
  /** Neighbours among those with a free place, in the order of their turns. */
  next = new Int32Array(8)
  previous = new Int32Array(8)
  /** 1: in that order. */
  ready = new Uint8Array(8)
  readonly hands: (MessageList | undefined)[] = []
  readonly free: number[] = []
  firstReady = none
  lastReady = none
  attached = 0

  grow(): void {
    const longer = <Column extends Int32Array | Uint8Array>(column: Column, empty: Column): Column => {
      empty.set(column)
      return empty
    }
    const length = this.prefetch.length * 2
    this.prefetch = longer(this.prefetch, new Int32Array(length))
    this.inHand = longer(this.inHand, new Int32Array(length))
    this.next = longer(this.next, new Int32Array(length))
    this.previous = longer(this.previous, new Int32Array(length))
    this.ready = longer(this.ready, new Uint8Array(length))
  }

  /** At the end of the turns. */
  queueUp(consumer: number): void {
    this.ready[consumer] = 1
    this.next[consumer] = none
    this.previous[consumer] = this.lastReady
    if (this.lastReady === none) this.firstReady = consumer
    else this.next[this.lastReady] = consumer
    this.lastReady = consumer
  }

  stepOut(consumer: number): void {
    this.ready[consumer] = 0
    const next = this.next[consumer] as number
    const previous = this.previous[consumer] as number
    if (previous === none) this.firstReady = next
    else this.next[previous] = next
    if (next === none) this.lastReady = previous
    else this.previous[next] = previous
  }
}

export class MessageQueue {
  readonly counters = new QueueCounters()
  length = 0
  /** Most messages that waited since `resetPeak`. */
  peak = 0
  /** Messages in the hands of consumers. */
  inHand = 0
  /** Publishers in line. */
  waiting = 0
  /** Where its dead letters go; set by the broker. */
  deadLetterTo: MessageQueue | undefined = undefined
  private readonly maxLength: number
  private readonly ttlSeconds: number
  private readonly maxDeliveries: number
  private readonly levels: MessageList[]
  private readonly line: MessageList
  private readonly consumers = new Consumers()
  /** No level above has a message. */
  private top = 0
  private published = 0
  private area = 0
  private measuredAt = 0

  constructor(
    readonly options: QueueOptions,
    /** Among the queues of its broker. */
    readonly index: number,
    private readonly broker: MessageBroker,
    private readonly hooks: QueueHooks,
  ) {
    this.maxLength = options.maxLength ?? Number.POSITIVE_INFINITY
    this.ttlSeconds = options.ttlSeconds ?? Number.POSITIVE_INFINITY
    this.maxDeliveries = options.maxDeliveries ?? Number.POSITIVE_INFINITY
    this.levels = Array.from({ length: Math.max(1, options.priorities) }, () => new MessageList(broker.messages))
    this.line = new MessageList(broker.messages)
  }

  /** Consumers that are attached now. */
  get consumerCount(): number {
    return this.consumers.attached
  }

  /** The number that the consumer gets who is attached next. */
  get nextConsumer(): number {
    return this.consumers.free.at(-1) ?? this.consumers.hands.length
  }

  /** `accepted`, `refused`, or the message that waits in line: its publisher is told by `admitted`, or withdraws it. */
  publish(payload: number, priority: number, bytes: number, now: number): number {
    const { broker, counters, options } = this
    if (this.ttlSeconds < Number.POSITIVE_INFINITY) this.expire(now)
    const full = this.length >= this.maxLength && options.overflow !== 'drop-oldest'
    const refusing = (full && options.overflow === 'reject') || (!broker.hasRoom(bytes) && broker.whenFull === 'reject')
    if (refusing) {
      counters.rejected += 1
      return refused
    }
    const message = broker.messages.take(payload, Math.min(priority, this.levels.length - 1), bytes)
    broker.messages.origin[message] = this.index
    if (full || this.waiting > 0 || !broker.hasRoom(bytes)) {
      counters.blocked += 1
      this.waiting += 1
      broker.waiting += 1
      this.line.append(message)
      return message
    }
    this.admit(message, now)
    broker.tidy(now)
    return accepted
  }

  /** The publisher of a message in line has gone. */
  withdraw(message: number, now: number): void {
    this.line.remove(message)
    this.waiting -= 1
    this.broker.waiting -= 1
    this.broker.messages.give(message)
    this.broker.tidy(now)
  }

  /** A consumer with places for `prefetch` messages, `busy` of them taken by what this queue does not know (any more). */
  attach(prefetch: number, now: number, busy = 0): number {
    const { consumers } = this
    const consumer = consumers.free.pop() ?? consumers.hands.length
    if (consumer >= consumers.prefetch.length) consumers.grow()
    consumers.hands[consumer] = new MessageList(this.broker.messages)
    consumers.prefetch[consumer] = prefetch
    consumers.inHand[consumer] = busy
    consumers.attached += 1
    if (busy < prefetch) consumers.queueUp(consumer)
    this.settle(now)
    this.broker.tidy(now)
    return consumer
  }

  /** The consumer takes no more messages. */
  retire(consumer: number): void {
    const { consumers } = this
    consumers.prefetch[consumer] = 0
    if (consumers.ready[consumer] === 1) consumers.stepOut(consumer)
  }

  /** The consumer is gone; what it had in hand goes back to its places, and is redelivered. */
  detach(consumer: number, now: number): void {
    const { consumers } = this
    const hand = consumers.hands[consumer]
    if (hand === undefined) return
    if (consumers.ready[consumer] === 1) consumers.stepOut(consumer)
    consumers.hands[consumer] = undefined
    consumers.free.push(consumer)
    consumers.attached -= 1
    // The youngest first: each then finds its place at the head.
    while (hand.tail !== none) {
      const message = hand.tail
      hand.remove(message)
      this.giveBack(message, now)
    }
    this.settle(now)
    this.broker.tidy(now)
  }

  /** The consumer is done with the message; its place is still taken. False: the message was not its own any more. */
  acknowledge(message: number, tag: number, now: number): boolean {
    if (!this.leaveHand(message, tag)) return false
    this.counters.acked += 1
    this.broker.release(message)
    this.broker.tidy(now)
    return true
  }

  /** The consumer cannot do it: `requeue` puts it back (unless its deliveries are used up), else it is a dead letter. */
  reject(message: number, tag: number, requeue: boolean, now: number): boolean {
    if (!this.leaveHand(message, tag)) return false
    if (requeue) this.giveBack(message, now)
    else this.discard(message, fates.nacked)
    this.settle(now)
    this.broker.tidy(now)
    return true
  }

  /** A place of the consumer is free again. */
  release(consumer: number, now: number): void {
    const { consumers } = this
    const inHand = (consumers.inHand[consumer] as number) - 1
    consumers.inHand[consumer] = inHand
    if (consumers.ready[consumer] === 0 && inHand < (consumers.prefetch[consumer] as number))
      consumers.queueUp(consumer)
    this.settle(now)
    this.broker.tidy(now)
  }

  /** When the next message expires, if nothing else happens; infinite: none. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY
    if (this.ttlSeconds === Number.POSITIVE_INFINITY) return next
    const { expiresAt } = this.broker.messages
    for (let level = this.top; level >= 0; level--) {
      const { head } = this.levels[level] as MessageList
      if (head !== none && (expiresAt[head] as number) < next) next = expiresAt[head] as number
    }
    return next
  }

  /** Takes out what has expired by `now`. */
  expire(now: number): void {
    if (!this.expireHeads(now)) return
    this.settle(now)
    this.broker.tidy(now)
  }

  /** The broker has forgotten the messages that came after `since` (default: all). Publishers in line stay. */
  wipe(now: number, since = Number.NEGATIVE_INFINITY): void {
    const { messages } = this.broker
    for (const level of this.levels)
      for (let message = level.head; message !== none; ) {
        const next = messages.next[message] as number
        if ((messages.enqueuedAt[message] as number) > since) {
          this.takeOut(level, message, now)
          this.lose(message, fates.wiped)
        }
        message = next
      }
    for (const hand of this.consumers.hands)
      for (let message = hand?.head ?? none; message !== none; ) {
        const next = messages.next[message] as number
        if ((messages.enqueuedAt[message] as number) > since) {
          hand?.remove(message)
          this.inHand -= 1
          this.lose(message, fates.wiped)
        }
        message = next
      }
  }

  /** ∫ length dt since time 0. */
  lengthIntegral(now: number): number {
    return this.area + this.length * (now - this.measuredAt)
  }

  resetPeak(): void {
    this.peak = this.length
  }

  /** When the oldest message that waits was enqueued; undefined: none waits. */
  oldestEnqueuedAt(): number | undefined {
    let oldest: number | undefined
    for (const { head } of this.levels) {
      if (head === none) continue
      const at = this.broker.messages.enqueuedAt[head] as number
      if (oldest === undefined || at < oldest) oldest = at
    }
    return oldest
  }

  /** A dead letter of another queue. False: there is no room for it (dead letters never wait). */
  receive(message: number, now: number): boolean {
    const { messages } = this.broker
    if (this.ttlSeconds < Number.POSITIVE_INFINITY) this.expireHeads(now)
    if (this.length >= this.maxLength && this.options.overflow !== 'drop-oldest') {
      this.counters.rejected += 1
      return false
    }
    this.counters.received += 1
    messages.deliveries[message] = 0
    messages.priority[message] = Math.min(messages.priority[message] as number, this.levels.length - 1)
    this.hooks.received(this, message)
    this.enqueue(message, now)
    return true
  }

  /** Hands out what waits and lets in who waits, as far as there is room; no other queue is touched. */
  settle(now: number): void {
    for (;;) {
      if (this.length > 0 && this.consumers.firstReady !== none) this.deliver(now)
      else if (this.waiting > 0 && this.length < this.maxLength && this.roomForFirst()) {
        const message = this.line.head
        this.line.remove(message)
        this.waiting -= 1
        this.broker.waiting -= 1
        this.hooks.admitted(this, message)
        this.admit(message, now)
      } else return
    }
  }

  private roomForFirst(): boolean {
    return this.broker.hasRoom(this.broker.messages.bytes[this.line.head] as number)
  }

  private admit(message: number, now: number): void {
    this.counters.published += 1
    this.broker.occupy(message)
    this.enqueue(message, now)
  }

  private enqueue(message: number, now: number): void {
    const { messages } = this.broker
    messages.enqueuedAt[message] = now
    messages.expiresAt[message] = now + this.ttlSeconds
    messages.sequence[message] = this.published++
    const level = messages.priority[message] as number
    ;(this.levels[level] as MessageList).append(message)
    if (level > this.top) this.top = level
    this.setLength(this.length + 1, now)
    // Whoever has a place takes it before anything is pushed out.
    if (this.consumers.firstReady !== none) this.deliver(now)
    while (this.length > this.maxLength) {
      const head = this.head()
      this.takeOut(this.levels[this.top] as MessageList, head, now)
      this.discard(head, fates.dropped)
    }
  }

  /** The message that is next; only when there is one. */
  private head(): number {
    while ((this.levels[this.top] as MessageList).head === none) this.top -= 1
    return (this.levels[this.top] as MessageList).head
  }

  private deliver(now: number): void {
    if (this.ttlSeconds < Number.POSITIVE_INFINITY && this.expireHeads(now) && this.length === 0) return
    const { consumers, counters } = this
    const { messages } = this.broker
    const message = this.head()
    const consumer = consumers.firstReady
    this.takeOut(this.levels[this.top] as MessageList, message, now)
    consumers.stepOut(consumer)
    const inHand = (consumers.inHand[consumer] as number) + 1
    consumers.inHand[consumer] = inHand
    if (inHand < (consumers.prefetch[consumer] as number)) consumers.queueUp(consumer)
    ;(consumers.hands[consumer] as MessageList).append(message)
    const deliveries = (messages.deliveries[message] as number) + 1
    messages.deliveries[message] = deliveries
    messages.consumer[message] = consumer
    const tag = ((messages.tag[message] as number) + 1) | 0
    messages.tag[message] = tag
    this.inHand += 1
    counters.delivered += 1
    if (deliveries > 1) counters.redelivered += 1
    this.hooks.delivered(this, consumer, message, tag)
  }

  /** False: the message is not in that hand any more. */
  private leaveHand(message: number, tag: number): boolean {
    const { messages } = this.broker
    const consumer = messages.consumer[message] as number
    if (messages.tag[message] !== tag || consumer === none) return false
    ;(this.consumers.hands[consumer] as MessageList).remove(message)
    messages.consumer[message] = none
    this.inHand -= 1
    return true
  }

  /** Back to its place, out of a hand that it has left (or whose consumer is gone). */
  private giveBack(message: number, now: number): void {
    const { messages } = this.broker
    if (messages.consumer[message] !== none) {
      messages.consumer[message] = none
      this.inHand -= 1
    }
    messages.tag[message] = ((messages.tag[message] as number) + 1) | 0
    if ((messages.deliveries[message] as number) >= this.maxDeliveries) {
      this.discard(message, fates.exhausted)
      return
    }
    const level = messages.priority[message] as number
    ;(this.levels[level] as MessageList).insert(message)
    if (level > this.top) this.top = level
    this.setLength(this.length + 1, now)
  }

  private expireHeads(now: number): boolean {
    let any = false
    const { messages } = this.broker
    for (let level = this.top; level >= 0; level--) {
      const list = this.levels[level] as MessageList
      for (let { head } = list; head !== none && (messages.expiresAt[head] as number) <= now; head = list.head) {
        this.takeOut(list, head, now)
        this.discard(head, fates.expired)
        any = true
      }
    }
    return any
  }

  private takeOut(level: MessageList, message: number, now: number): void {
    level.remove(message)
    this.setLength(this.length - 1, now)
  }

  /** Out of this queue: to the dead-letter queue, or gone. The broker moves it when this queue is in order again. */
  private discard(message: number, fate: Fate): void {
    if (this.deadLetterTo === undefined) this.lose(message, fate)
    else this.broker.bury(this, message, fate)
  }

  /** Gone for good. */
  lose(message: number, fate: Fate): void {
    const payload = this.broker.messages.payload[message] as number
    this.count(fate)
    this.counters.lost += 1
    this.broker.release(message)
    this.hooks.lost(this, payload, fate)
  }

  /** Its dead-letter queue has taken it. */
  passedOn(fate: Fate): void {
    this.count(fate)
    this.counters.deadLettered += 1
  }

  private count(fate: Fate): void {
    const { counters } = this
    if (fate === fates.expired) counters.expired += 1
    else if (fate === fates.dropped) counters.dropped += 1
    else if (fate === fates.nacked) counters.nacked += 1
    else if (fate === fates.exhausted) counters.exhausted += 1
    else counters.wiped += 1
  }

  private setLength(length: number, now: number): void {
    this.area += this.length * (now - this.measuredAt)
    this.measuredAt = now
    this.length = length
    if (length > this.peak) this.peak = length
  }
}

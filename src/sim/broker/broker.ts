/**
 * The queues of one broker: their messages, the memory that they share, and the ways of dead letters between them.
 * Dead letters move when the queue that they left is in order again, so that circles of full queues neither recurse nor hang.
 */
import { MessagePool } from './message-pool.js'
import { type Fate, fates, MessageQueue, type QueueHooks, type QueueOptions } from './queue.js'

export interface BrokerOptions {
  readonly queues: readonly QueueOptions[]
  /** For messages; undefined: as much as they need. */
  readonly memoryBytes: number | undefined
  /** What publishers see when memory is used up: RabbitMQ blocks them, Redis (noeviction) refuses. */
  readonly whenFull: 'block' | 'reject'
}

export class MessageBroker {
  readonly messages = new MessagePool()
  readonly queues: readonly MessageQueue[]
  readonly whenFull: 'block' | 'reject'
  /** Of all messages accepted and not gone. */
  usedBytes = 0
  private readonly limitBytes: number
  /** By queue: how many different ones a message can pass that begins there. */
  private readonly reach: readonly number[]
  private readonly graves: { readonly from: MessageQueue; readonly message: number; readonly fate: Fate }[] = []
  /** Publishers in line at all queues. */
  waiting = 0
  private settling = false

  constructor(options: BrokerOptions, hooks: QueueHooks) {
    this.whenFull = options.whenFull
    this.limitBytes = options.memoryBytes ?? Number.POSITIVE_INFINITY
    this.queues = options.queues.map((queue, index) => new MessageQueue(queue, index, this, hooks))
    for (const queue of this.queues)
      queue.deadLetterTo = this.queues.find(({ options: { id } }) => id === queue.options.deadLetter)
    this.reach = this.queues.map((queue) => {
      const passed = new Set<MessageQueue>()
      for (let at: MessageQueue | undefined = queue; at !== undefined && !passed.has(at); at = at.deadLetterTo)
        passed.add(at)
      return passed.size
    })
  }

  queue(id: string): MessageQueue {
    const queue = this.queues.find(({ options }) => options.id === id)
    if (queue === undefined) throw new Error(`no queue ${id}`)
    return queue
  }

  /** One message larger than all memory is let in when there is no other: it would wait for ever. */
  hasRoom(bytes: number): boolean {
    return this.usedBytes + bytes <= this.limitBytes || this.usedBytes === 0
  }

  occupy(message: number): void {
    this.usedBytes += this.messages.bytes[message] as number
  }

  /** The message exists no more. */
  release(message: number): void {
    this.usedBytes -= this.messages.bytes[message] as number
    this.messages.give(message)
  }

  /** A message of `from` is a dead letter. */
  bury(from: MessageQueue, message: number, fate: Fate): void {
    this.graves.push({ from, message, fate })
  }

  /** Moves dead letters, and lets in who waits for memory that others used: until nothing more can. */
  tidy(now: number): void {
    if (this.settling || (this.graves.length === 0 && this.waiting === 0)) return
    this.settling = true
    do {
      for (const { from, message, fate } of this.graves.splice(0)) this.moveOn(from, message, fate, now)
      for (const queue of this.queues) queue.settle(now)
    } while (this.graves.length > 0)
    this.settling = false
  }

  /** When the next message of any queue expires. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY
    for (const queue of this.queues) next = Math.min(next, queue.nextExpiry())
    return next
  }

  expire(now: number): void {
    for (const queue of this.queues) queue.expire(now)
  }

  /**
   * As RabbitMQ: a message that has come back to a queue where it was, without any consumer having rejected it on the way, is
   * dropped; a rejection begins the way anew.
   */
  private moveOn(from: MessageQueue, message: number, fate: Fate, now: number): void {
    const { messages } = this
    const to = from.deadLetterTo
    const hops = (messages.hops[message] as number) + 1
    messages.hops[message] = hops
    const circle = fate !== fates.nacked && hops >= (this.reach[messages.origin[message] as number] as number)
    if (to === undefined || circle) {
      from.lose(message, fate)
      return
    }
    if (fate === fates.nacked) {
      messages.origin[message] = to.index
      messages.hops[message] = 0
    }
    if (to.receive(message, now)) from.passedOn(fate)
    else from.lose(message, fate)
  }
}

/**
 * Messages as integer handles into growing columns (hot path: nothing is allocated per message). A message is in exactly one
 * doubly linked list at a time: a level of a queue, a consumer's hand, or the line of publishers that wait.
 */

/** No message, no consumer, the end of a list. */
export const none = -1

export class MessagePool {
  /** What the message stands for: its owner's own handle. */
  payload = new Int32Array(0)
  priority = new Uint8Array(0)
  bytes = new Float64Array(0)
  /** When it entered the queue that it is in. */
  enqueuedAt = new Float64Array(0)
  /** When it expires there; infinite: never. */
  expiresAt = new Float64Array(0)
  /** Its place in its queue: what was published first has the smaller number, also when it comes back. */
  sequence = new Float64Array(0)
  /** How often it was handed to a consumer of the queue that it is in. */
  deliveries = new Int32Array(0)
  /** Who has it in hand, or `none`. */
  consumer = new Int32Array(0)
  /** Changes with every delivery and when the message is gone: who answers with an older one is not heard. */
  tag = new Int32Array(0)
  /** The queue from which its automatic way through dead-letter queues began, and its length since. */
  origin = new Int32Array(0)
  hops = new Int32Array(0)
  next = new Int32Array(0)
  previous = new Int32Array(0)
  private firstFree = none
  /** Messages in existence. */
  size = 0

  take(payload: number, priority: number, bytes: number): number {
    if (this.firstFree === none) this.grow()
    const message = this.firstFree
    this.firstFree = this.next[message] as number
    this.payload[message] = payload
    this.priority[message] = priority
    this.bytes[message] = bytes
    this.deliveries[message] = 0
    this.consumer[message] = none
    this.hops[message] = 0
    this.size += 1
    return message
  }

  give(message: number): void {
    this.tag[message] = ((this.tag[message] as number) + 1) | 0
    this.consumer[message] = none
    this.next[message] = this.firstFree
    this.firstFree = message
    this.size -= 1
  }

  private grow(): void {
    const before = this.payload.length
    const length = Math.max(16, before * 2)
    const longer = <Column extends Int32Array | Float64Array | Uint8Array>(column: Column, empty: Column): Column => {
      empty.set(column)
      return empty
    }
    this.payload = longer(this.payload, new Int32Array(length))
    this.priority = longer(this.priority, new Uint8Array(length))
    this.bytes = longer(this.bytes, new Float64Array(length))
    this.enqueuedAt = longer(this.enqueuedAt, new Float64Array(length))
    this.expiresAt = longer(this.expiresAt, new Float64Array(length))
    this.sequence = longer(this.sequence, new Float64Array(length))
    this.deliveries = longer(this.deliveries, new Int32Array(length))
    this.consumer = longer(this.consumer, new Int32Array(length))
    this.tag = longer(this.tag, new Int32Array(length))
    this.origin = longer(this.origin, new Int32Array(length))
    this.hops = longer(this.hops, new Int32Array(length))
    this.next = longer(this.next, new Int32Array(length))
    this.previous = longer(this.previous, new Int32Array(length))
    for (let message = length - 1; message >= before; message--) {
      this.next[message] = this.firstFree
      this.firstFree = message
    }
  }
}

/** A list of messages through the pool's links. */
export class MessageList {
  head = none
  tail = none

  constructor(private readonly pool: MessagePool) {}

  append(message: number): void {
    const { pool, tail } = this
    pool.next[message] = none
    pool.previous[message] = tail
    if (tail === none) this.head = message
    else pool.next[tail] = message
    this.tail = message
  }

  /** Where its sequence belongs, sought from the head: what comes back is older than nearly all that waits. */
  insert(message: number): void {
    const { pool } = this
    const sequence = pool.sequence[message] as number
    let after = this.head
    while (after !== none && (pool.sequence[after] as number) < sequence) after = pool.next[after] as number
    if (after === none) {
      this.append(message)
      return
    }
    const before = pool.previous[after] as number
    pool.next[message] = after
    pool.previous[message] = before
    pool.previous[after] = message
    if (before === none) this.head = message
    else pool.next[before] = message
  }

  remove(message: number): void {
    const { pool } = this
    const next = pool.next[message] as number
    const previous = pool.previous[message] as number
    if (previous === none) this.head = next
    else pool.next[previous] = next
    if (next === none) this.tail = previous
    else pool.previous[next] = previous
  }
}

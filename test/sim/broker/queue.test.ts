import { describe, expect, it } from 'vitest'
import { MessageBroker } from '../../../src/sim/broker/broker.js'
import { accepted, fates, type MessageQueue, type QueueOptions, refused } from '../../../src/sim/broker/queue.js'

const plain: Omit<QueueOptions, 'id'> = {
  maxLength: undefined,
  overflow: 'reject',
  ttlSeconds: undefined,
  priorities: 1,
  deadLetter: undefined,
  maxDeliveries: undefined,
}

interface Delivery {
  readonly consumer: number
  readonly message: number
  readonly tag: number
  readonly payload: number
}

const broker = (
  queues: readonly Partial<QueueOptions>[],
  memory: { memoryBytes?: number; whenFull?: 'block' | 'reject' } = {},
) => {
  const deliveries: Delivery[] = []
  const admitted: number[] = []
  const lost: { readonly queue: string; readonly payload: number; readonly fate: number }[] = []
  const made = new MessageBroker(
    {
      queues: queues.map((queue, index) => ({ ...plain, id: `q${index}`, ...queue })),
      memoryBytes: memory.memoryBytes,
      whenFull: memory.whenFull ?? 'block',
    },
    {
      delivered: (queue, consumer, message, tag) => {
        const payload = made.messages.payload[message] ?? -1
        deliveries.push({ consumer, message, tag, payload: payload + queue.index * 1000 })
      },
      admitted: (_, message) => admitted.push(made.messages.payload[message] ?? -1),
      received: () => undefined,
      lost: (queue, payload, fate) => lost.push({ queue: queue.options.id, payload, fate }),
    },
  )
  const payloads = (): number[] => deliveries.map(({ payload }) => payload)
  const q = (index: number): MessageQueue => made.queue(`q${index}`)
  const last = (): Delivery => deliveries.at(-1) as Delivery
  return { made, q, deliveries, payloads, admitted, lost, last }
}

/** Publishes payloads from `from` on. */
const fill = (queue: MessageQueue, count: number, from = 0, now = 0): void => {
  for (let i = 0; i < count; i++) queue.publish(from + i, 0, 1, now)
}

const conserved = (queue: MessageQueue): void => {
  const { counters: c } = queue
  const fated = c.expired + c.dropped + c.nacked + c.exhausted + c.wiped
  expect(c.published + c.received).toBe(c.acked + queue.length + queue.inHand + fated)
  expect(fated).toBe(c.deadLettered + c.lost)
}

describe('a queue', () => {
  it('hands out first in, first out, as many as a consumer has places for', () => {
    const { q, payloads, deliveries } = broker([{}])
    fill(q(0), 5)
    const worker = q(0).attach(2, 1)
    expect(payloads()).toEqual([0, 1])
    const [first] = deliveries as [Delivery]
    q(0).acknowledge(first.message, first.tag, 2)
    expect(payloads()).toEqual([0, 1])
    q(0).release(worker, 2)
    expect(payloads()).toEqual([0, 1, 2])
    expect(q(0)).toMatchObject({ length: 2, inHand: 2, peak: 5 })
    conserved(q(0))
  })

  it('serves consumers in turn, whatever their places', () => {
    const { q, deliveries } = broker([{}])
    const [a, b, c] = [q(0).attach(3, 0), q(0).attach(1, 0), q(0).attach(2, 0)]
    fill(q(0), 7)
    expect(deliveries.map(({ consumer }) => consumer)).toEqual([a, b, c, a, c, a])
    expect(q(0).length).toBe(1)
  })

  it('refuses what exceeds its length, which counts messages that wait only', () => {
    const { q } = broker([{ maxLength: 3 }])
    q(0).attach(2, 0)
    const outcomes = Array.from({ length: 7 }, (_, i) => q(0).publish(i, 0, 1, 0))
    expect(outcomes).toEqual([...Array<number>(5).fill(accepted), refused, refused])
    expect(q(0).counters).toMatchObject({ published: 5, rejected: 2, delivered: 2 })
    conserved(q(0))
  })

  it('pushes out its head when it is full and drops the oldest', () => {
    const { q, lost, payloads } = broker([{ maxLength: 3, overflow: 'drop-oldest' }])
    fill(q(0), 5)
    expect(lost.map(({ payload }) => payload)).toEqual([0, 1])
    q(0).attach(9, 1)
    expect(payloads()).toEqual([2, 3, 4])
    expect(q(0).counters).toMatchObject({ published: 5, dropped: 2, lost: 2 })
    conserved(q(0))
  })

  it('makes publishers wait in line when it blocks, and lets them in one by one', () => {
    const { q, admitted, payloads, last } = broker([{ maxLength: 2, overflow: 'block' }])
    fill(q(0), 5)
    expect(q(0)).toMatchObject({ length: 2, waiting: 3 })
    const worker = q(0).attach(1, 1)
    expect(admitted).toEqual([2])
    q(0).acknowledge(last().message, last().tag, 2)
    q(0).release(worker, 2)
    expect(admitted).toEqual([2, 3])
    expect(payloads()).toEqual([0, 1])
    expect(q(0).counters).toMatchObject({ published: 4, blocked: 3 })
  })

  it('forgets a publisher that has gone, and keeps the order of the others', () => {
    const { q, admitted } = broker([{ maxLength: 1, overflow: 'block' }])
    q(0).publish(0, 0, 1, 0)
    const waits = [1, 2, 3].map((payload) => q(0).publish(payload, 0, 1, 0))
    q(0).withdraw(waits[1] ?? -1, 0)
    q(0).attach(10, 1)
    expect(admitted).toEqual([1, 3])
    expect(q(0).counters.published).toBe(3)
  })

  it('delivers higher priorities first, and those beyond the levels with the highest', () => {
    const { q, payloads } = broker([{ priorities: 3 }])
    for (const [payload, priority] of [
      [0, 0],
      [1, 2],
      [2, 1],
      [3, 9],
      [4, 0],
      [5, 2],
    ] as const)
      q(0).publish(payload, priority, 1, 0)
    q(0).attach(6, 0)
    expect(payloads()).toEqual([1, 3, 5, 2, 0, 4])
  })

  it('expires at the moment that it tells, at the head of every level, and never in hand', () => {
    const { q, lost } = broker([{ ttlSeconds: 10, priorities: 2 }])
    const worker = q(0).attach(1, 0)
    q(0).publish(0, 0, 1, 0) // in hand
    q(0).publish(1, 0, 1, 1)
    q(0).publish(2, 1, 1, 4)
    expect(q(0).nextExpiry()).toBe(11)
    q(0).expire(10.999)
    expect(lost).toEqual([])
    q(0).expire(11)
    expect(lost).toEqual([{ queue: 'q0', payload: 1, fate: fates.expired }])
    expect(q(0).nextExpiry()).toBe(14)
    q(0).expire(20)
    expect(q(0).nextExpiry()).toBe(Number.POSITIVE_INFINITY)
    // What comes back after its time is not delivered again.
    q(0).detach(worker, 21)
    q(0).expire(21)
    expect(lost.map(({ payload }) => payload)).toEqual([1, 2, 0])
    conserved(q(0))
  })

  it('never hands out what has expired, also when nobody looked at the clock in between', () => {
    const { q, payloads } = broker([{ ttlSeconds: 1 }])
    fill(q(0), 3, 0, 0)
    fill(q(0), 2, 10, 0.5)
    q(0).attach(5, 1.2)
    expect(payloads()).toEqual([10, 11])
    expect(q(0).counters.expired).toBe(3)
  })

  it('redelivers what a lost consumer had, in order and ahead of the rest', () => {
    const { q, payloads } = broker([{}])
    const dying = q(0).attach(3, 0)
    fill(q(0), 6)
    q(0).detach(dying, 5)
    expect(q(0).length).toBe(6)
    q(0).attach(6, 6)
    expect(payloads()).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5])
    expect(q(0).counters).toMatchObject({ delivered: 9, redelivered: 3, acked: 0 })
    conserved(q(0))
  })

  it('does not hear an acknowledgement of an earlier delivery', () => {
    const { q, last } = broker([{}])
    const dying = q(0).attach(1, 0)
    fill(q(0), 1)
    const stale = last()
    q(0).detach(dying, 1)
    q(0).attach(1, 1)
    expect(q(0).acknowledge(stale.message, stale.tag, 2)).toBe(false)
    expect(q(0).acknowledge(last().message, last().tag, 2)).toBe(true)
    expect(q(0).acknowledge(last().message, last().tag, 2)).toBe(false)
    expect(q(0).counters.acked).toBe(1)
  })

  it('delivers at most maxDeliveries times, then makes it a dead letter', () => {
    const { q, deliveries } = broker([{ maxDeliveries: 3, deadLetter: 'q1' }, {}])
    fill(q(0), 1)
    const worker = q(0).attach(1, 0)
    for (let i = 1; i <= 3; i++) {
      const { message, tag } = deliveries[i - 1] as Delivery
      q(0).reject(message, tag, true, i)
      q(0).release(worker, i)
    }
    expect(deliveries).toHaveLength(3)
    expect(q(0).counters).toMatchObject({ delivered: 3, redelivered: 2, exhausted: 1, deadLettered: 1, lost: 0 })
    expect(q(1)).toMatchObject({ length: 1 })
    expect(q(1).counters).toMatchObject({ received: 1, published: 0 })
  })

  it('counts a consumer’s place as taken from delivery until it is released, also of messages that it knows no more', () => {
    const { q, payloads } = broker([{}])
    fill(q(0), 3)
    const back = q(0).attach(2, 0, 2)
    expect(payloads()).toEqual([])
    q(0).release(back, 1)
    expect(payloads()).toEqual([0])
  })

  it('measures how long it is over time', () => {
    const { q, last } = broker([{}])
    fill(q(0), 4, 0, 1) // 4 from 1 to 3
    const worker = q(0).attach(1, 3) // 3 from 3 to 5
    expect(q(0).lengthIntegral(5)).toBe(4 * 2 + 3 * 2)
    expect(q(0).oldestEnqueuedAt()).toBe(1)
    q(0).resetPeak()
    expect(q(0).peak).toBe(3)
    q(0).acknowledge(last().message, last().tag, 5)
    q(0).release(worker, 5)
    expect(q(0).length).toBe(2)
  })
})

describe('dead letters', () => {
  it('carry payload and priority on, and are enqueued anew', () => {
    const { q, made, payloads } = broker([
      { ttlSeconds: 5, deadLetter: 'q1', priorities: 4 },
      { ttlSeconds: 7, priorities: 2 },
    ])
    q(0).publish(1, 0, 1, 0)
    q(0).publish(2, 3, 1, 0)
    made.expire(5)
    expect(q(1).length).toBe(2)
    expect(q(1).nextExpiry()).toBe(12)
    q(1).attach(2, 6)
    expect(payloads()).toEqual([1002, 1001])
    conserved(q(0))
    conserved(q(1))
  })

  it('are lost where the dead-letter queue is full', () => {
    const { q, lost } = broker([{ maxLength: 1, overflow: 'drop-oldest', deadLetter: 'q1' }, { maxLength: 2 }])
    fill(q(0), 5)
    expect(q(0).counters).toMatchObject({ dropped: 4, deadLettered: 2, lost: 2 })
    expect(q(1).counters).toMatchObject({ received: 2, rejected: 2 })
    expect(lost.map(({ payload }) => payload)).toEqual([2, 3])
  })

  it('end when they come back to where they were without having been rejected by a consumer', () => {
    const { q, made, lost } = broker([
      { ttlSeconds: 1, deadLetter: 'q1' },
      { ttlSeconds: 1, deadLetter: 'q2' },
      { ttlSeconds: 1, deadLetter: 'q1' },
    ])
    fill(q(0), 1)
    for (let now = 1; now <= 10; now++) made.expire(now)
    // q0 → q1 → q2 → and not to q1 again.
    expect(lost).toEqual([{ queue: 'q2', payload: 0, fate: fates.expired }])
    expect(made.messages.size).toBe(0)
  })

  it('go round as long as a consumer rejects them', () => {
    const { q, deliveries } = broker([{ deadLetter: 'q1' }, { ttlSeconds: 1, deadLetter: 'q0' }])
    const worker = q(0).attach(1, 0)
    fill(q(0), 1)
    for (let round = 1; round <= 5; round++) {
      const { message, tag } = deliveries.at(-1) as Delivery
      q(0).reject(message, tag, false, round * 2)
      q(0).release(worker, round * 2)
      q(1).expire(round * 2 + 1)
    }
    expect(deliveries).toHaveLength(6)
    expect(q(0).counters).toMatchObject({ nacked: 5, deadLettered: 5, lost: 0 })
  })

  it('do not hang between two full queues that push out into each other', () => {
    const { q, made } = broker([
      { maxLength: 50, overflow: 'drop-oldest', deadLetter: 'q1' },
      { maxLength: 50, overflow: 'drop-oldest', deadLetter: 'q0' },
    ])
    fill(q(0), 10_000)
    expect(q(0).length).toBe(50)
    expect(q(1).length).toBe(50)
    expect(made.messages.size).toBe(100)
    conserved(q(0))
    conserved(q(1))
  })
})

describe('the memory of a broker', () => {
  it('blocks the publishers of all its queues until messages are gone', () => {
    const { q, admitted, last } = broker([{}, {}], { memoryBytes: 100 })
    q(0).publish(0, 0, 60, 0)
    q(0).publish(1, 0, 40, 0)
    q(1).publish(2, 0, 30, 0)
    expect(q(1).waiting).toBe(1)
    q(0).attach(1, 1)
    expect(admitted).toEqual([]) // in hand is in memory
    q(0).acknowledge(last().message, last().tag, 2)
    expect(admitted).toEqual([2])
  })

  it('refuses where the broker does so, and lets a message larger than all of it through alone', () => {
    const { q, made } = broker([{}], { memoryBytes: 10, whenFull: 'reject' })
    expect(q(0).publish(0, 0, 50, 0)).toBe(accepted)
    expect(q(0).publish(1, 0, 1, 0)).toBe(refused)
    q(0).wipe(1)
    expect(made.usedBytes).toBe(0)
    expect(q(0).publish(2, 0, 1, 1)).toBe(accepted)
  })

  it('is gone with what waits and what is in hand when the broker forgets', () => {
    const { q, lost, last } = broker([{}])
    const worker = q(0).attach(2, 0)
    fill(q(0), 5)
    q(0).wipe(1)
    expect(lost.filter(({ fate }) => fate === fates.wiped)).toHaveLength(5)
    expect(q(0).acknowledge(last().message, last().tag, 2)).toBe(false)
    q(0).release(worker, 2)
    fill(q(0), 1, 9, 3)
    expect(last().payload).toBe(9)
    conserved(q(0))
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageBroker } from '../../../src/sim/broker/broker.js'
import { clusterDefaults, KafkaCluster } from '../../../src/sim/broker/cluster.js'
import { groupDefaults } from '../../../src/sim/broker/group.js'
import { accepted, type MessageQueue, refused } from '../../../src/sim/broker/queue.js'
import { Topic, written } from '../../../src/sim/broker/topic.js'

type Action =
  | { readonly do: 'publish'; readonly priority: number }
  | { readonly do: 'finish' | 'requeue' | 'reject'; readonly which: number }
  | { readonly do: 'attach'; readonly prefetch: number }
  | { readonly do: 'detach' | 'withdraw'; readonly which: number }
  | { readonly do: 'pass'; readonly seconds: number }

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('publish' as const), priority: fc.nat(4) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('requeue', 'reject'), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('attach' as const), prefetch: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('detach', 'withdraw'), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 5 }) }) },
)

const options = fc.record({
  maxLength: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const, 'block' as const),
  ttlSeconds: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  priorities: fc.integer({ min: 1, max: 4 }),
  maxDeliveries: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  deadLetter: fc.constantFrom(undefined, 'q1', 'q0'),
})
const deadOptions = fc.record({
  maxLength: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const),
  deadLetter: fc.constantFrom(undefined, 'q0'),
})

interface Held {
  readonly consumer: number
  readonly message: number
  readonly tag: number
  readonly payload: number
}

const play = (
  main: Omit<ConstructorParameters<typeof MessageBroker>[0]['queues'][number], 'id'>,
  dead: Pick<ConstructorParameters<typeof MessageBroker>[0]['queues'][number], 'maxLength' | 'overflow' | 'deadLetter'>,
  actions: readonly Action[],
  memoryBytes: number | undefined,
) => {
  const held: Held[] = []
  const order: { readonly payload: number; readonly priority: number; readonly redelivered: boolean }[] = []
  const ended = new Map<number, string>()
  const end = (payload: number, how: string): void => {
    expect(ended.has(payload)).toBe(false)
    ended.set(payload, how)
  }
  const inLine = new Map<number, number>()
  const broker = new MessageBroker(
    {
      queues: [
        { id: 'q0', ...main },
        { id: 'q1', ...dead, ttlSeconds: undefined, priorities: 2, maxDeliveries: undefined },
      ],
      memoryBytes,
      whenFull: 'block',
    },
    {
      delivered: (queue, consumer, message, tag) => {
        expect(queue.index).toBe(0)
        const { payload, priority, deliveries, expiresAt } = broker.messages
        expect(expiresAt[message]).toBeGreaterThan(now)
        held.push({ consumer, message, tag, payload: payload[message] as number })
        const level = priority[message] as number
        expect(level).toBe(highest(queue, level))
        order.push({
          payload: payload[message] as number,
          priority: level,
          redelivered: (deliveries[message] as number) > 1,
        })
      },
      admitted: (_, message) => inLine.delete(broker.messages.payload[message] as number),
      received: () => undefined,
      lost: (_, payload, fate) => end(payload, `fate ${fate}`),
    },
  )
  const queue = broker.queue('q0')
  // The head of the queue tells its oldest message; none of a higher level may be left behind.
  const highest = (of: MessageQueue, level: number): number => {
    const levels = Reflect.get(of, 'levels') as { head: number }[]
    for (let i = levels.length - 1; i > level; i--) if ((levels[i]?.head ?? -1) >= 0) return i
    return level
  }
  const consumers: number[] = []
  let now = 0
  let published = 0
  let turnedAway = 0
  for (const step of actions) {
    if (step.do === 'publish') {
      const payload = published++
      const outcome = queue.publish(payload, step.priority, 1, now)
      if (outcome === refused) {
        turnedAway += 1
        end(payload, 'refused')
      } else if (outcome !== accepted) inLine.set(payload, outcome)
    } else if (step.do === 'attach') consumers.push(queue.attach(step.prefetch, now))
    else if (step.do === 'pass') {
      now += step.seconds
      broker.expire(now)
    } else if (step.do === 'withdraw') {
      const [payload, message] = [...inLine][step.which % Math.max(1, inLine.size)] ?? []
      if (payload === undefined || message === undefined) continue
      inLine.delete(payload)
      end(payload, 'withdrawn')
      queue.withdraw(message, now)
    } else if (step.do === 'detach') {
      const [consumer] = consumers.splice(step.which % Math.max(1, consumers.length), 1)
      if (consumer === undefined) continue
      for (let i = held.length - 1; i >= 0; i--) if (held[i]?.consumer === consumer) held.splice(i, 1)
      queue.detach(consumer, now)
    } else {
      const [mine] = held.splice(step.which % Math.max(1, held.length), 1)
      if (mine === undefined) continue
      if (step.do === 'finish') {
        end(mine.payload, 'acked')
        expect(queue.acknowledge(mine.message, mine.tag, now)).toBe(true)
      } else expect(queue.reject(mine.message, mine.tag, step.do === 'requeue', now)).toBe(true)
      queue.release(mine.consumer, now)
    }
    for (const { counters: c, length, inHand } of broker.queues) {
      const fated = c.expired + c.dropped + c.nacked + c.exhausted + c.wiped
      expect(c.published + c.received).toBe(c.acked + length + inHand + fated)
      expect(fated).toBe(c.deadLettered + c.lost)
    }
    expect(queue.inHand).toBe(held.length)
    expect(queue.waiting).toBe(inLine.size)
    if (memoryBytes !== undefined) expect(broker.usedBytes).toBeLessThanOrEqual(memoryBytes)
    const inside = broker.queues.reduce((sum, { length, inHand }) => sum + length + inHand, 0)
    expect(broker.messages.size).toBe(inside + inLine.size)
    expect(broker.usedBytes).toBe(inside)
    // Every message ever published is somewhere, exactly once.
    expect(ended.size + broker.messages.size).toBe(published)
  }
  return { broker, queue, order, ended, turnedAway }
}

describe('whatever publishers, consumers and the clock do', () => {
  const actions = fc.array(action, { maxLength: 80 })

  it('no message appears or disappears, priorities are never inverted, and nothing expired is handed out', () => {
    fc.assert(
      fc.property(options, deadOptions, actions, fc.option(fc.constant(8), { nil: undefined }), (a, b, c, d) => {
        const { broker, turnedAway } = play(a, b, c, d)
        const refusals = broker.queue('q0').counters.rejected
        expect(refusals).toBeGreaterThanOrEqual(turnedAway)
      }),
      { numRuns: 400, seed: 1 },
    )
  })

  it('messages of one priority that come for the first time come in the order in which they were published', () => {
    fc.assert(
      fc.property(options, deadOptions, actions, (a, b, c) => {
        // A message that was a dead letter has been published anew.
        const { order } = play({ ...a, deadLetter: undefined }, { ...b, deadLetter: undefined }, c, undefined)
        const last = new Map<number, number>()
        for (const { payload, priority, redelivered } of order) {
          if (redelivered) continue
          expect(payload).toBeGreaterThan(last.get(priority) ?? -1)
          last.set(priority, payload)
        }
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('an unbounded queue loses nothing: all that is accepted is acknowledged in the end, at least once delivered', () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const unbounded = {
          maxLength: undefined,
          overflow: 'reject' as const,
          ttlSeconds: undefined,
          priorities: 3,
          maxDeliveries: undefined,
          deadLetter: undefined,
        }
        const survivable = steps.filter((step) => step.do !== 'reject')
        const { ended, queue } = play(unbounded, { ...unbounded }, survivable, undefined)
        const fated = [...ended.values()].filter((how) => how.startsWith('fate'))
        expect(fated).toEqual([])
        expect(queue.counters.published).toBe(ended.size + queue.length + queue.inHand)
        expect(queue.counters.lost).toBe(0)
      }),
      { numRuns: 200, seed: 3 },
    )
  })
})

describe('whatever happens to the members of a group and to brokers', () => {
  type Move =
    | { readonly do: 'publish'; readonly key: number }
    | { readonly do: 'done' | 'failed' | 'die' | 'leave' | 'lose' | 'restore'; readonly which: number }
    | { readonly do: 'join' }
    | { readonly do: 'pass'; readonly seconds: number }
  const move: fc.Arbitrary<Move> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('publish' as const), key: fc.integer({ min: -1, max: 20 }) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('done' as const, 'failed' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('die' as const, 'leave' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'restore' as const), which: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 8 }) }) },
  )

  it('every message is delivered at least once, partitions in order, and committed once', () => {
    fc.assert(
      fc.property(
        fc.array(move, { maxLength: 120 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('range' as const, 'round-robin' as const),
        (moves, partitions, replicationFactor, assignment) => {
          const seen: number[][] = Array.from({ length: partitions }, () => [])
          const holding = new Map<number, number>()
          let accepted = 0
          const cluster = new KafkaCluster(
            { ...clusterDefaults, brokers: 3, controllers: 3, replicationFactor },
            { changed: (now) => topic.reconsider(now), missed: () => undefined },
          )
          const topic: Topic = new Topic({ id: 't', partitions, retentionSeconds: undefined }, cluster, 0, {
            delivered: (_, member, partition, payload) => {
              expect(holding.has(member)).toBe(false)
              expect([...holding.values()]).not.toContain(partition)
              holding.set(member, partition)
              seen[partition]?.push(payload)
            },
            admitted: () => accepted++,
            expired: () => expect.unreachable(),
            missed: () => undefined,
            timesChanged: () => undefined,
          })
          const group = topic.addGroup({ id: 'g', acknowledge: 'after-work', ...groupDefaults, assignment })
          let now = 0
          let published = 0
          let members = 2
          group.start(members, 0)
          const advanceTo = (until: number): void => {
            for (let at = Math.min(cluster.nextAt(), topic.nextAt()); at <= until; ) {
              now = Math.max(now, at)
              cluster.advance(now)
              topic.advance(now)
              const next = Math.min(cluster.nextAt(), topic.nextAt())
              if (next <= at) throw new Error('time stands still')
              at = next
            }
            now = until
          }
          for (const step of moves) {
            if (step.do === 'publish') {
              if (topic.publish(published++, topic.partitionFor(step.key), now) === written) accepted += 1
            } else if (step.do === 'join') {
              group.join(now)
              members += 1
            } else if (step.do === 'pass') advanceTo(now + step.seconds)
            else if (step.do === 'lose') cluster.lose(step.which, step.which === 0, now)
            else if (step.do === 'restore') cluster.restore(step.which, now)
            else {
              const member = step.which % members
              const held = holding.delete(member)
              if (step.do === 'die') group.die(member, now)
              else if (step.do === 'leave') group.leave(member, now)
              else if (held) group[step.do](member, now)
            }
            expect(topic.published).toBe(accepted)
            expect(group.acked + group.totalLag()).toBe(accepted)
            expect(group.inHand).toBe(holding.size)
          }
          // In the end everything is back, and all of it is worked off.
          for (const broker of [0, 1, 2]) cluster.restore(broker, now)
          group.join(now)
          for (let guard = 0; group.totalLag() > 0; guard++) {
            if (guard > 2000) throw new Error(`${group.totalLag()} messages are stuck`)
            const [member] = holding.keys()
            if (member === undefined) advanceTo(now + 1)
            else {
              holding.delete(member)
              group.done(member, now)
            }
          }
          expect(topic.waiting).toBe(0)
          expect(group.acked).toBe(published)
          expect([...new Set(seen.flat())].sort((x, y) => x - y)).toEqual(
            Array.from({ length: published }, (_, i) => i),
          )
          for (const payloads of seen) {
            const firstTimes = payloads.filter((payload, i) => payloads.indexOf(payload) === i)
            expect(firstTimes).toEqual([...firstTimes].sort((x, y) => x - y))
          }
        },
      ),
      { numRuns: 300, seed: 4 },
    )
  })
})

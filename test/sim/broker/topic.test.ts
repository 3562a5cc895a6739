import { describe, expect, it } from 'vitest'
import { type ClusterOptions, clusterDefaults, KafkaCluster } from '../../../src/sim/broker/cluster.js'
import { type ConsumerGroup, type GroupOptions, groupDefaults } from '../../../src/sim/broker/group.js'
import { murmur2, partitionOfKey } from '../../../src/sim/broker/key-hash.js'
import { Topic, type TopicOptions, written } from '../../../src/sim/broker/topic.js'

interface Delivery {
  readonly member: number
  readonly partition: number
  readonly payload: number
  readonly redelivered: boolean
}

const kafka = (topic: Partial<TopicOptions> = {}, cluster: Partial<ClusterOptions> = {}) => {
  const deliveries: Delivery[] = []
  const admitted: number[] = []
  const expired: number[] = []
  const missed: number[] = []
  const brokers = cluster.brokers ?? 1
  const made = new KafkaCluster(
    { brokers, controllers: brokers, replicationFactor: 1, ...clusterDefaults, ...cluster },
    { changed: (now) => log.reconsider(now), missed: (broker) => missed.push(broker) },
  )
  const log: Topic = new Topic({ id: 't', partitions: 6, retentionSeconds: undefined, ...topic }, made, 0, {
    delivered: (_, member, partition, payload, redelivered) =>
      deliveries.push({ member, partition, payload, redelivered }),
    admitted: (_, __, payload) => admitted.push(payload),
    expired: (_, payload) => expired.push(payload),
    missed: () => undefined,
    timesChanged: () => undefined,
  })
  const group = (options: Partial<GroupOptions> = {}): ConsumerGroup =>
    log.addGroup({ id: 'g', acknowledge: 'after-work', ...groupDefaults, ...options })
  /** Publishes payloads from..from + count − 1 without a key: round robin. */
  const fill = (count: number, now = 0, from = 0): void => {
    for (let i = 0; i < count; i++) log.publish(from + i, log.partitionFor(-1), now)
  }
  return { cluster: made, log, group, fill, deliveries, admitted, expired, missed }
}

const payloads = (deliveries: readonly Delivery[]): number[] => deliveries.map(({ payload }) => payload)

describe('the partition of a key', () => {
  it('is Kafka’s: murmur2 as in its own tests', () => {
    // org.apache.kafka.common.utils.UtilsTest.testMurmur2
    const cases: Readonly<Record<string, number>> = {
      '21': -973932308,
      foobar: -790332482,
      'a-little-bit-long-string': -985981536,
      'a-little-bit-longer-string': -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      abc: 479470107,
    }
    for (const [text, hash] of Object.entries(cases)) {
      const bytes = new TextEncoder().encode(text)
      expect(murmur2(bytes, bytes.length)).toBe(hash)
    }
    expect(partitionOfKey(21, 6)).toBe((-973932308 & 0x7fffffff) % 6)
  })

  it('spreads keys evenly, and never changes', () => {
    const counts = new Array<number>(6).fill(0)
    for (let key = 0; key < 60_000; key++) counts[partitionOfKey(key, 6)] = (counts[partitionOfKey(key, 6)] ?? 0) + 1
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
    expect(partitionOfKey(0, 1)).toBe(0)
  })
})

describe('a consumer group', () => {
  it('deals partitions out in ranges, and members beyond the partitions idle', () => {
    const { group } = kafka({ partitions: 7 })
    const three = group()
    three.start(3, 0)
    expect([0, 1, 2, 3, 4, 5, 6].map((p) => three.ownerOf(p))).toEqual([0, 0, 0, 1, 1, 2, 2])
    const turns = group({ assignment: 'round-robin' })
    turns.start(3, 0)
    expect([0, 1, 2, 3, 4, 5, 6].map((p) => turns.ownerOf(p))).toEqual([0, 1, 2, 0, 1, 2, 0])
    const many = group()
    many.start(12, 0)
    expect(many.working).toBe(7)
  })

  it('works on a partition in order, one message at a time, partitions of one member in turn', () => {
    const { log, group, deliveries } = kafka({ partitions: 2 })
    const workers = group()
    workers.start(1, 0)
    for (const [payload, partition] of [
      [10, 0],
      [11, 0],
      [12, 0],
      [20, 1],
      [21, 1],
    ] as const)
      log.publish(payload, partition, 0)
    for (let i = 0; i < 4; i++) workers.done(0, i)
    expect(payloads(deliveries)).toEqual([10, 20, 11, 21, 12])
    expect(workers.totalLag()).toBe(1)
  })

  it('is every component’s own: each group gets every message', () => {
    const { log, group, fill, deliveries } = kafka({ partitions: 1 })
    const [a, b] = [group(), group()]
    a.start(1, 0)
    b.start(1, 0)
    fill(1)
    expect(payloads(deliveries)).toEqual([0, 0])
    a.done(0, 1)
    expect([a.totalLag(), b.totalLag(), log.logs[0]?.start]).toEqual([0, 1, 0])
    b.done(0, 2)
    // Nobody needs it any more.
    expect(log.logs[0]?.start).toBe(1)
  })

  it('hands out again what a member had not committed, once its session has ended', () => {
    const { group, fill, deliveries } = kafka({ partitions: 2 })
    const workers = group()
    workers.start(2, 0)
    fill(4)
    workers.die(0, 5)
    workers.done(1, 6) // goes on meanwhile
    expect(workers.nextAt()).toBe(15)
    workers.advance(14.9)
    expect(payloads(deliveries)).toEqual([0, 1, 3])
    workers.advance(15)
    // The other one still works, then has to come back.
    workers.done(1, 16)
    expect(workers.nextAt()).toBe(18)
    workers.advance(18)
    expect(deliveries.at(-1)).toEqual({ member: 1, partition: 0, payload: 0, redelivered: true })
    workers.done(1, 19)
    workers.done(1, 20)
    expect(workers).toMatchObject({ acked: 4, delivered: 5, redelivered: 1 })
    expect(workers.totalLag()).toBe(0)
  })

  it('stands still when a member comes back before it was missed: the old one is waited for', () => {
    const { group, fill, deliveries } = kafka({ partitions: 2 })
    const workers = group()
    workers.start(2, 0)
    workers.die(0, 1)
    workers.join(3)
    fill(2, 4)
    workers.advance(6)
    expect(deliveries).toEqual([])
    expect(workers.nextAt()).toBe(11)
    workers.advance(11)
    expect(deliveries.map(({ member }) => member)).toEqual([1, 2])
  })

  it('commits before work when told so: what a dead member had is not handed out again', () => {
    const { group, fill, deliveries } = kafka({ partitions: 1 })
    const workers = group({ acknowledge: 'before-work' })
    workers.start(2, 0)
    fill(2)
    workers.die(0, 1)
    workers.advance(11)
    workers.advance(14)
    expect(payloads(deliveries)).toEqual([0, 1])
    expect(workers.redelivered).toBe(0)
  })

  it('tries a message again that failed, before any other of its partition', () => {
    const { log, group, deliveries } = kafka({ partitions: 2 })
    const workers = group()
    workers.start(1, 0)
    for (const [payload, partition] of [
      [10, 0],
      [11, 0],
      [20, 1],
    ] as const)
      log.publish(payload, partition, 0)
    workers.failed(0, 1)
    workers.done(0, 2)
    expect(payloads(deliveries)).toEqual([10, 20, 10])
  })

  it('loses what retention takes', () => {
    const { group, fill, expired, log } = kafka({ partitions: 1, retentionSeconds: 10 })
    const workers = group()
    workers.start(1, 0)
    fill(3, 0) // one in hand
    fill(1, 12, 3)
    expect(expired).toEqual([1, 2])
    expect(workers.expired).toBe(2)
    workers.done(0, 13)
    workers.done(0, 14)
    expect(workers.acked).toBe(2)
    expect(log.published).toBe(4)
  })
})

describe('a cluster', () => {
  const three: Partial<ClusterOptions> = { brokers: 3, replicationFactor: 3, minInSync: 2 }

  it('elects new leaders when the session of a lost broker ends, and makes publishers wait until then', () => {
    const { cluster, log, admitted, missed } = kafka({ partitions: 3 }, three)
    expect([0, 1, 2].map((p) => log.leaderOf(p))).toEqual([0, 1, 2])
    cluster.lose(0, false, 100)
    const tickets = [0, 1, 2].map((p) => log.publish(p, p, 101))
    expect(tickets).toEqual([0, 1, 2]) // those that it follows wait for its copy, too
    expect(cluster.nextAt()).toBeCloseTo(109.1, 9)
    cluster.advance(109.1)
    expect(missed).toEqual([0])
    expect(admitted).toEqual([0, 1, 2])
    expect([0, 1, 2].map((p) => log.leaderOf(p))).toEqual([1, 1, 2])
    cluster.restore(0, 200)
    expect([0, 1, 2].map((p) => log.leaderOf(p))).toEqual([1, 1, 2])
  })

  it('hands over at once when a broker shuts down in order', () => {
    const { cluster, log } = kafka({ partitions: 3 }, three)
    cluster.lose(1, true, 5)
    expect(log.leaderOf(1)).toBe(2)
    expect(log.publish(7, 1, 5)).toBe(written)
  })

  it('is read but not written with too few replicas in sync', () => {
    const { cluster, log, group, deliveries } = kafka({ partitions: 1 }, { ...three, brokers: 3, controllers: 1 })
    const workers = group()
    workers.start(1, 0)
    log.publish(1, 0, 0)
    log.publish(2, 0, 0)
    cluster.lose(1, true, 1)
    cluster.lose(2, true, 1)
    expect(log.publish(3, 0, 2)).toBeGreaterThanOrEqual(0)
    workers.done(0, 3)
    expect(payloads(deliveries)).toEqual([1, 2])
  })

  it('of two controllers survives the loss of none: partitions of the lost one stay without a leader', () => {
    const { cluster, log, admitted } = kafka({ partitions: 2 }, { brokers: 2, replicationFactor: 2 })
    cluster.lose(0, false, 10)
    expect(cluster.quorum).toBe(false)
    expect(cluster.nextAt()).toBe(Number.POSITIVE_INFINITY)
    expect(log.publish(1, 0, 11)).toBeGreaterThanOrEqual(0)
    expect(log.publish(2, 1, 11)).toBeGreaterThanOrEqual(0) // waits for the copy on the lost one
    cluster.advance(1000)
    expect(admitted).toEqual([])
    cluster.restore(0, 1001)
    expect(admitted).toEqual([1, 2])
  })

  it('without replicas loses no message, but its partitions until the broker is back', () => {
    const { cluster, log, group, deliveries, admitted } = kafka({ partitions: 3 }, { brokers: 3, replicationFactor: 1 })
    const workers = group()
    workers.start(1, 0)
    log.publish(1, 0, 0)
    log.publish(2, 0, 0)
    cluster.lose(0, false, 1)
    workers.done(0, 2)
    cluster.advance(11)
    expect(payloads(deliveries)).toEqual([1])
    expect(log.partitionFor(-1)).not.toBe(0)
    log.publish(3, 0, 12)
    cluster.restore(0, 20)
    expect(admitted).toEqual([3])
    expect(payloads(deliveries)).toEqual([1, 2])
  })
})

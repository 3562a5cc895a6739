/**
 * A topic of a Kafka cluster: partitions, what is published to them, and the groups that read them. Time is handed in.
 *
 * - A key always goes to the same partition (Kafka's hash). Without a key partitions take turns: a record that is sent at once is a
 *   batch of its own, and Kafka's sticky partitioner changes the partition with the batch; those without a leader are left out.
 * - A publisher whose partition cannot be written waits in line until it can (a producer retries until `delivery.timeout.ms`).
 * - What every group has committed is forgotten; retention takes what is older, read or not.
 */
import type { KafkaCluster } from './cluster.js'
import { ConsumerGroup, type GroupHooks, type GroupOptions } from './group.js'
import { partitionOfKey } from './key-hash.js'
import { PartitionLog } from './partition-log.js'

export interface TopicOptions {
  readonly id: string
  readonly partitions: number
  readonly retentionSeconds: number | undefined
}

export interface TopicHooks {
  delivered: GroupHooks['delivered']
  /** The publisher with this ticket had to wait, and is through. */
  admitted(topic: Topic, ticket: number, payload: number): void
  /** Retention took the message before the group had it. */
  expired: GroupHooks['expired']
  missed: GroupHooks['missed']
  /** `nextAt` may have changed. */
  timesChanged(): void
}

/** Outcome of `publish`; a number ≥ 0 is the ticket of a publisher that has to wait. */
export const written = -1

export class Topic {
  /** Messages written. */
  published = 0
  /** Publishers that had to wait. */
  blocked = 0
  readonly groups: ConsumerGroup[] = []
  readonly logs: readonly PartitionLog[]
  /** The partitions' numbers in the cluster. */
  private readonly placed: readonly number[]
  private readonly retentionSeconds: number
  private readonly line = new Map<number, { readonly payload: number; readonly partition: number }>()
  private tickets = 0
  private turn = 0

  constructor(
    readonly options: TopicOptions,
    private readonly cluster: KafkaCluster,
    /** Among the topics of its cluster: their leaders begin with different brokers. */
    index: number,
    private readonly hooks: TopicHooks,
  ) {
    this.logs = Array.from({ length: options.partitions }, () => new PartitionLog())
    this.placed = this.logs.map((_, partition) => cluster.place((index + partition) % cluster.options.brokers))
    this.retentionSeconds = options.retentionSeconds ?? Number.POSITIVE_INFINITY
  }

  /** Publishers in line. */
  get waiting(): number {
    return this.line.size
  }

  /** Joined before anything is published: it reads from the beginning. */
  addGroup(options: GroupOptions): ConsumerGroup {
    const group = new ConsumerGroup(
      options,
      this.logs,
      {
        delivered: this.hooks.delivered,
        expired: this.hooks.expired,
        missed: this.hooks.missed,
        committed: (partition) => this.trim(partition),
        timesChanged: this.hooks.timesChanged,
      },
      (partition) => this.cluster.readable(this.placed[partition] as number),
    )
    this.groups.push(group)
    return group
  }

  /** Where a message goes. `key` −1: it has none. */
  partitionFor(key: number): number {
    const { partitions } = this.options
    if (key >= 0) return partitionOfKey(key, partitions)
    for (let tries = 0; tries < partitions; tries++) {
      const partition = this.turn
      this.turn = this.turn + 1 < partitions ? this.turn + 1 : 0
      if (this.cluster.leader(this.placed[partition] as number) >= 0) return partition
    }
    return this.turn
  }

  /** The broker that leads the partition now; −1: none. */
  leaderOf(partition: number): number {
    return this.cluster.leader(this.placed[partition] as number)
  }

  /** `written`, or a ticket: its publisher is told by `admitted`, or withdraws it. */
  publish(payload: number, partition: number, now: number): number {
    if (this.cluster.writable(this.placed[partition] as number)) {
      this.append(payload, partition, now)
      return written
    }
    const ticket = this.tickets++
    this.line.set(ticket, { payload, partition })
    this.blocked += 1
    return ticket
  }

  withdraw(ticket: number): void {
    this.line.delete(ticket)
  }

  /** The cluster has changed: who waited may be served. */
  reconsider(now: number): void {
    for (const [ticket, { payload, partition }] of this.line) {
      if (!this.cluster.writable(this.placed[partition] as number)) continue
      this.line.delete(ticket)
      this.append(payload, partition, now)
      this.hooks.admitted(this, ticket, payload)
    }
    for (const group of this.groups)
      for (let partition = 0; partition < this.logs.length; partition++) group.offer(partition)
  }

  /** When something happens by itself; infinite: nothing. (Retention is looked at when something is published.) */
  nextAt(): number {
    let next = Number.POSITIVE_INFINITY
    for (const group of this.groups) next = Math.min(next, group.nextAt())
    return next
  }

  advance(now: number): void {
    for (const group of this.groups) group.advance(now)
  }

  /** Takes what is older than the retention out of a partition. */
  retain(partition: number, now: number): void {
    const log = this.logs[partition] as PartitionLog
    const oldest = now - this.retentionSeconds
    const before = log.start
    while (log.start < log.end && log.time(log.start) <= oldest) log.start += 1
    if (log.start > before) for (const group of this.groups) group.cut(partition)
  }

  private append(payload: number, partition: number, now: number): void {
    this.published += 1
    if (this.retentionSeconds < Number.POSITIVE_INFINITY) this.retain(partition, now)
    const log = this.logs[partition] as PartitionLog
    log.append(payload, now)
    if (this.groups.length === 0) {
      log.start = log.end
      return
    }
    for (const group of this.groups) group.offer(partition)
  }

  /** Forgets what all groups have committed. */
  private trim(partition: number): void {
    const log = this.logs[partition] as PartitionLog
    let to = log.end
    for (const group of this.groups) to = Math.min(to, group.committedOffset(partition))
    if (to > log.start) log.start = to
  }
}

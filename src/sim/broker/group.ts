/**
 * A consumer group on one topic: which member works on which partition, how far each partition is, and what happens when members
 * come and go. A member works on one message at a time, in the order of each of its partitions, which take turns. Time is handed in.
 *
 * - Partitions are dealt out anew whenever members come or go (eager protocol): from then on nothing is handed out until the members
 *   have come back, `rebalanceSeconds` later, and have finished what they had in hand.
 * - A member that dies is missed only when its session ends; until then its partitions stand still, and no rebalance can end.
 * - Delivery begins again at the committed offset: what was in hand and not committed is handed out again.
 *
 * Hot path: integer handles, no allocation per message.
 */
import type { PartitionLog } from './partition-log.js'

export interface GroupOptions {
  readonly id: string
  readonly assignment: 'range' | 'round-robin'
  /** Commit before or after the work. */
  readonly acknowledge: 'before-work' | 'after-work'
  /** Until a member that died is missed. */
  readonly sessionSeconds: number
  /** Until members that live have joined again: they learn of it with their next heartbeat. */
  readonly rebalanceSeconds: number
}

/** Kafka's `heartbeat.interval.ms`, and the session timeout that clients of its protocol commonly keep. */
export const groupDefaults = { assignment: 'range', sessionSeconds: 10, rebalanceSeconds: 3 } as const

export interface GroupHooks {
  /** `member` has the message in hand from now on, until `done` or `failed`. */
  delivered(group: ConsumerGroup, member: number, partition: number, payload: number, redelivered: boolean): void
  /** Retention took the message before the group had worked on it. */
  expired(group: ConsumerGroup, payload: number): void
  /** The end of a member that died or fell silent has been noticed. */
  missed(group: ConsumerGroup, member: number): void
  /** The group has committed beyond this offset of the partition. */
  committed(partition: number): void
  /** `nextAt` may have changed. */
  timesChanged(): void
}

interface Member {
  /** `silent`: it says nothing and keeps what it has; `leaving`: it goes when what it has in hand is done. */
  state: 'alive' | 'leaving' | 'silent' | 'dead' | 'gone'
  /** Silent or dead: when it is missed. */
  missedAt: number
  /** The partition of the message in hand, or −1. */
  partition: number
  offset: number
  /** Partitions with something to do, in the order of their turns. */
  readonly turns: number[]
}

export class ConsumerGroup {
  delivered = 0
  redelivered = 0
  acked = 0
  /** Handed to nobody: retention took them first. */
  expired = 0
  rebalances = 0
  private readonly members: Member[] = []
  private readonly owner: Int32Array
  private readonly position: Float64Array
  private readonly committed: Float64Array
  /** The furthest offset that was ever handed out: what comes before it is redelivered. */
  private readonly reached: Float64Array
  /** 1: in its owner's turns, or in its hand. */
  private readonly listed: Uint8Array
  /** A rebalance is under way until then, at least. */
  private settlesAt = Number.NEGATIVE_INFINITY
  private rebalancing = false

  constructor(
    readonly options: GroupOptions,
    private readonly logs: readonly PartitionLog[],
    private readonly hooks: GroupHooks,
    private readonly readable: (partition: number) => boolean,
  ) {
    const partitions = logs.length
    this.owner = new Int32Array(partitions).fill(-1)
    this.position = Float64Array.from(logs, (log) => log.end)
    this.committed = Float64Array.from(this.position)
    this.reached = Float64Array.from(this.position)
    this.listed = new Uint8Array(partitions)
  }

  /** A new member, which gets its partitions when the others have come together, too. The first ones need not wait for any. */
  join(now: number): number {
    this.members.push({ state: 'alive', missedAt: Infinity, partition: -1, offset: 0, turns: [] })
    this.rebalance(
      now,
      this.members.some(({ state }, i) => state !== 'gone' && i < this.members.length - 1),
    )
    return this.members.length - 1
  }

  /** Several at once, at the beginning: no one waits. */
  start(count: number, now: number): readonly number[] {
    for (let i = 0; i < count; i++)
      this.members.push({ state: 'alive', missedAt: Infinity, partition: -1, offset: 0, turns: [] })
    this.rebalance(now, false)
    return this.members.map((_, i) => i)
  }

  /** The member says goodbye; what it has in hand is not finished. */
  leave(member: number, now: number): void {
    this.drop(member)
    this.rebalance(now, true)
  }

  /** The member is gone without a word. */
  die(member: number, now: number): void {
    const dead = this.members[member]
    if (dead === undefined || dead.state === 'gone' || dead.state === 'dead') return
    this.putBack(dead)
    // Nothing has been heard of it since it fell silent.
    if (dead.state !== 'silent') dead.missedAt = now + this.options.sessionSeconds
    dead.state = 'dead'
    dead.turns.length = 0
    this.hooks.timesChanged()
  }

  /** The member takes nothing new, and leaves when it is done with what it has in hand. */
  retire(member: number, now: number): void {
    const leaving = this.members[member]
    if (leaving?.state !== 'alive') return
    if (leaving.partition < 0) this.leave(member, now)
    else leaving.state = 'leaving'
  }

  /** Nothing is heard of the member, which keeps what it has. */
  fallSilent(member: number, now: number): void {
    const silent = this.members[member]
    if (silent?.state !== 'alive') return
    silent.state = 'silent'
    silent.missedAt = now + this.options.sessionSeconds
    this.hooks.timesChanged()
  }

  /** A silent member is heard of again. False: it has been missed, and is none of the group any more. */
  isHeardOf(member: number, now: number): boolean {
    const heard = this.members[member]
    if (heard === undefined || heard.state === 'gone' || heard.state === 'dead') return false
    if (heard.state === 'silent') heard.state = 'alive'
    heard.missedAt = Number.POSITIVE_INFINITY
    this.goOn(member, now)
    return true
  }

  /** When the message in the member's hand was published. */
  publishedAt(member: number): number {
    const { partition, offset } = this.members[member] as Member
    return partition < 0 ? Number.NaN : (this.logs[partition] as PartitionLog).time(offset)
  }

  /** The work on the message in hand is done. */
  done(member: number, now: number): void {
    const worker = this.members[member]
    if (worker === undefined || worker.partition < 0) return
    const { partition, offset } = worker
    worker.partition = -1
    this.listed[partition] = 0
    if (this.options.acknowledge === 'after-work') {
      this.acked += 1
      this.commit(partition, offset + 1)
    }
    this.list(partition)
    this.afterWork(member, now)
  }

  /** The work on the message in hand failed: it is handed out again, and nothing behind it before. */
  failed(member: number, now: number): void {
    const worker = this.members[member]
    if (worker === undefined || worker.partition < 0) return
    this.putBack(worker)
    this.afterWork(member, now)
  }

  /** Something has been published to the partition, or it can be read again. */
  offer(partition: number): void {
    this.list(partition)
    const owner = this.owner[partition] as number
    if (owner >= 0) this.work(owner)
  }

  /** Retention has cut the partition: what was not handed out is lost to the group. */
  cut(partition: number): void {
    const log = this.logs[partition] as PartitionLog
    const { start } = log
    for (let offset = this.position[partition] as number; offset < start; offset++) this.expire(log.payload(offset))
    if ((this.position[partition] as number) < start) this.position[partition] = start
    if ((this.committed[partition] as number) < start) this.committed[partition] = start
  }

  private expire(payload: number): void {
    this.expired += 1
    this.hooks.expired(this, payload)
  }

  committedOffset(partition: number): number {
    return this.committed[partition] as number
  }

  /** Messages of the partition that are published and not committed. */
  lag(partition: number): number {
    return (this.logs[partition] as PartitionLog).end - (this.committed[partition] as number)
  }

  totalLag(): number {
    let sum = 0
    for (let partition = 0; partition < this.logs.length; partition++) sum += this.lag(partition)
    return sum
  }

  /** Messages in hand. */
  get inHand(): number {
    return this.members.filter(({ partition }) => partition >= 0).length
  }

  /** Members that have a partition. */
  get working(): number {
    return new Set(this.owner.filter((owner) => owner >= 0)).size
  }

  ownerOf(partition: number): number {
    return this.owner[partition] as number
  }

  /** When something happens by itself; infinite: nothing. */
  nextAt(): number {
    let next = this.rebalancing && !this.heldUp() ? this.settlesAt : Number.POSITIVE_INFINITY
    for (const { missedAt } of this.members) if (missedAt < next) next = missedAt
    return next
  }

  advance(now: number): void {
    let missed = false
    for (const [i, { missedAt }] of this.members.entries())
      if (missedAt <= now) {
        this.drop(i)
        this.hooks.missed(this, i)
        missed = true
      }
    if (missed && !this.rebalancing) this.rebalance(now, true)
    this.finishRebalance(now)
  }

  private rebalance(now: number, takesTime: boolean): void {
    this.rebalancing = true
    this.rebalances += 1
    this.settlesAt = takesTime ? now + this.options.rebalanceSeconds : now
    this.finishRebalance(now)
    this.hooks.timesChanged()
  }

  /** A member is waited for: it works on a message, or it is dead and nobody knows. */
  private heldUp(): boolean {
    return this.members.some(
      ({ state, partition }) => state === 'dead' || state === 'silent' || (state !== 'gone' && partition >= 0),
    )
  }

  private finishRebalance(now: number): void {
    if (!this.rebalancing || now < this.settlesAt || this.heldUp()) return
    this.rebalancing = false
    const alive = this.members.flatMap(({ state }, i) => (state === 'alive' ? [i] : []))
    for (const { turns } of this.members) turns.length = 0
    this.listed.fill(0)
    for (let partition = 0; partition < this.owner.length; partition++) {
      this.owner[partition] = alive[this.dealTo(partition, alive.length)] ?? -1
      this.position[partition] = this.committed[partition] as number
      this.list(partition)
    }
    for (const member of alive) this.work(member)
  }

  /** Index of the member among `members` that gets the partition. */
  private dealTo(partition: number, members: number): number {
    if (members === 0) return -1
    if (this.options.assignment === 'round-robin') return partition % members
    // The first ones get one more each when it does not come out even.
    const each = Math.floor(this.owner.length / members)
    const more = this.owner.length % members
    const ofMore = more * (each + 1)
    return partition < ofMore ? Math.floor(partition / (each + 1)) : more + Math.floor((partition - ofMore) / each)
  }

  private afterWork(member: number, now: number): void {
    if (this.members[member]?.state === 'leaving') this.leave(member, now)
    else this.goOn(member, now)
  }

  private goOn(member: number, now: number): void {
    if (!this.rebalancing) {
      this.work(member)
      return
    }
    this.finishRebalance(now)
    this.hooks.timesChanged()
  }

  /** The partition takes its turn if there is anything to do in it. */
  private list(partition: number): void {
    const owner = this.owner[partition] as number
    if (owner < 0 || this.listed[partition] === 1) return
    if ((this.position[partition] as number) >= (this.logs[partition] as PartitionLog).end) return
    const worker = this.members[owner] as Member
    if (worker.state !== 'alive') return
    this.listed[partition] = 1
    worker.turns.push(partition)
  }

  /** The member, if it is idle, takes the first message of the partition whose turn it is. */
  private work(member: number): void {
    const worker = this.members[member] as Member
    if (this.rebalancing || worker.state !== 'alive' || worker.partition >= 0) return
    for (let left = worker.turns.length; left > 0; left--) {
      const partition = worker.turns.shift() as number
      const log = this.logs[partition] as PartitionLog
      const offset = this.position[partition] as number
      if (offset >= log.end || !this.readable(partition)) {
        this.listed[partition] = 0
        continue
      }
      worker.partition = partition
      worker.offset = offset
      this.position[partition] = offset + 1
      this.delivered += 1
      const again = offset < (this.reached[partition] as number)
      if (again) this.redelivered += 1
      else this.reached[partition] = offset + 1
      const payload = log.payload(offset)
      if (this.options.acknowledge === 'before-work') {
        this.acked += 1
        this.commit(partition, offset + 1)
      }
      this.hooks.delivered(this, member, partition, payload, again)
      return
    }
  }

  private commit(partition: number, offset: number): void {
    if (offset <= (this.committed[partition] as number)) return
    this.committed[partition] = offset
    this.hooks.committed(partition)
  }

  /** What the member has in hand is as if it had not been handed out, unless it is committed. */
  private putBack(worker: Member): void {
    const { partition, offset } = worker
    if (partition < 0) return
    worker.partition = -1
    // Retention took it while it was in hand.
    if (this.options.acknowledge === 'after-work' && (this.committed[partition] as number) > offset)
      this.expire((this.logs[partition] as PartitionLog).payload(offset))
    this.position[partition] = this.committed[partition] as number
    this.listed[partition] = 0
    this.list(partition)
  }

  private drop(member: number): void {
    const gone = this.members[member]
    if (gone === undefined || gone.state === 'gone') return
    this.putBack(gone)
    gone.state = 'gone'
    gone.missedAt = Number.POSITIVE_INFINITY
    gone.turns.length = 0
    for (let partition = 0; partition < this.owner.length; partition++)
      if (this.owner[partition] === member) {
        this.owner[partition] = -1
        this.listed[partition] = 0
      }
  }
}

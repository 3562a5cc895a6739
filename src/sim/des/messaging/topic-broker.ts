/** A store with topics at run time: the cluster of its processes, topics, and the groups of workers that read them. */
import { mostControllers } from '../../../catalog/kafka/model.js'
import type { ServiceComponent, StoreComponent } from '../../../topology/types.js'
import { clusterDefaults, KafkaCluster } from '../../broker/cluster.js'
import { type ConsumerGroup, groupDefaults } from '../../broker/group.js'
import { Topic, written } from '../../broker/topic.js'
import { IntRing } from '../columns.js'
import type { Endpoint, Gone } from '../endpoint.js'
import type { Source } from '../event-queue.js'
import { Gauge } from '../gauge.js'
import type { Room } from '../room.js'
import type { Member, System } from '../system.js'
import { none } from '../tasks.js'
import type { MessageAccount } from './account.js'
import { Publishers } from './publishers.js'
import type { QueueTotals } from './totals.js'
import { type Hand, type Inbox, poison, untracked, Worker } from './worker.js'

interface Reader {
  readonly group: ConsumerGroup
  readonly worker: Worker
  /** By member: where it is, the row of the task that has its message, when that was published. */
  readonly hands: Hand[]
  readonly rows: number[]
  readonly publishedAt: number[]
}

export interface TopicPlace {
  readonly topic: Topic
  readonly name: string
  readonly readers: Reader[]
  /** Lag of the group that is furthest behind. */
  readonly lag: Gauge
  readonly publishers: Publishers
}

export class TopicBroker implements Source, Room {
  readonly places: readonly TopicPlace[]
  private readonly cluster: KafkaCluster
  private readonly source: number
  /** Publishers that wait for a leader. */
  private readonly room: number
  private readonly leaderless = new IntRing()

  constructor(
    private readonly system: System,
    private readonly member: Member,
    private readonly store: StoreComponent,
    private readonly account: MessageAccount,
    private readonly lost: () => void,
  ) {
    const { kernel } = system
    const brokers = member.endpoints.length
    this.source = kernel.queue.add(this)
    this.room = kernel.addRoom(this)
    this.cluster = new KafkaCluster(
      {
        ...clusterDefaults,
        brokers,
        controllers: Math.min(brokers, mostControllers),
        replicationFactor: store.replicationFactor ?? 1,
      },
      {
        changed: () => this.changed(),
        missed: (broker) => kernel.notice(member.endpoints[broker] as Endpoint, `controllers of ${store.id}`),
      },
    )
    this.places = Object.values(store.topics).map((options, index) => {
      const place: TopicPlace = {
        name: options.id,
        readers: [],
        lag: new Gauge(kernel.queue),
        publishers: new Publishers(kernel, (ticket, payload) => {
          place.topic.withdraw(ticket)
          this.dismiss(place, payload)
        }),
        topic: new Topic(options, this.cluster, index, {
          delivered: (group, member, partition, payload, redelivered) => {
            const reader = place.readers.find((each) => each.group === group) as Reader
            reader.publishedAt[member] = redelivered ? Number.NaN : group.publishedAt(member)
            reader.rows[member] = reader.worker.take(reader.hands[member] as Hand, member, partition, payload)
          },
          admitted: (_, ticket) => {
            this.measure(place)
            place.publishers.admitted(ticket)
          },
          expired: (_, payload) => {
            if (payload === poison) return
            this.lost()
            if (payload >= 0) this.account.lost(payload)
          },
          missed: (group, lostMember) => {
            const hand = place.readers.find((each) => each.group === group)?.hands[lostMember]
            if (hand !== undefined) kernel.notice(hand.endpoint, store.id)
          },
          timesChanged: () => this.reschedule(),
        }),
      }
      return place
    })
  }

  place(name: string): TopicPlace {
    const place = this.places.find((each) => each.name === name)
    if (place === undefined) throw new Error(`no topic ${this.store.id}.${name}`)
    return place
  }

  /** The process that leads the partition; undefined: nobody does that could be reached. */
  leader({ topic }: TopicPlace, partition: number): Endpoint | undefined {
    const endpoint = this.member.endpoints[topic.leaderOf(partition)]
    return endpoint?.state === 'up' ? endpoint : undefined
  }

  /** The task goes on at its `pc` when leaders may have changed. */
  awaitLeader(task: number): void {
    const { tasks } = this.system.kernel
    tasks.room[task] = this.room
    this.leaderless.push(task, tasks.epoch[task] as number)
  }

  /** A message of the flow of `task` (at the leader) is put in. False: the task waits until its partition can be written. */
  publish(place: TopicPlace, task: number, partition: number): boolean {
    const { kernel } = this.system
    const request = kernel.tasks.request[task] as number
    const payload = place.readers.length > 0 && request >= 0 ? request : untracked
    if (payload >= 0) for (const _ of place.readers) this.account.published(payload)
    const outcome = place.topic.publish(payload, partition, kernel.now)
    this.measure(place)
    if (outcome === written) return true
    place.publishers.wait(task, outcome, payload)
    return false
  }

  /** Messages that nobody can handle. */
  poison(place: TopicPlace, count: number): void {
    for (let i = 0; i < count; i++) place.topic.publish(poison, place.topic.partitionFor(-1), this.system.kernel.now)
    this.measure(place)
  }

  /** The component is a group of its own, each of its slots a member. */
  connect(place: TopicPlace, component: ServiceComponent): Worker {
    const { kernel } = this.system
    const group = place.topic.addGroup({ id: component.id, acknowledge: component.acknowledge, ...groupDefaults })
    const own = place.readers.length
    const memberOf = (row: number): number => (place.readers[own] as Reader).worker.item[row] as number
    /** Does the task still have what its member has in hand? */
    const current = (row: number): boolean => (place.readers[own] as Reader).rows[memberOf(row)] === row
    const early = component.acknowledge === 'before-work'
    const done = (row: number): void => {
      group.done(memberOf(row), kernel.now)
      this.measure(place)
    }
    const inbox: Inbox = {
      store: this.store.id,
      isLog: true,
      endpoint: (row) => {
        const { worker } = place.readers[own] as Reader
        return this.leader(place, worker.tag[row] as number) ?? (this.member.endpoints[0] as Endpoint)
      },
      taken: (row) => {
        const { worker, publishedAt } = place.readers[own] as Reader
        const request = worker.requestOf(row)
        const since = publishedAt[memberOf(row)] as number
        // Not a number: it had been handed out before.
        if (request >= 0 && since >= 0 && current(row)) this.account.taken(request, since)
      },
      acknowledge: (row) => {
        if (!current(row)) return false
        // What is committed before the work was committed when it was handed out; its member is busy all the same.
        if (!early) done(row)
        return true
      },
      giveBack: (row) => {
        if (current(row)) group.failed(memberOf(row), kernel.now)
      },
      release: (_, row) => {
        if (early && current(row)) done(row)
      },
    }
    const made = new Worker(this.system, component, inbox, this.account, this.lost)
    place.readers.push({ group, worker: made, hands: [], rows: [], publishedAt: [] })
    return made
  }

  start(): void {
    for (const { readers } of this.places)
      for (const reader of readers) {
        const up = reader.worker.hands.filter(({ endpoint }) => endpoint.state === 'up')
        const members = reader.group.start(
          up.reduce((sum, { slots }) => sum + slots, 0),
          this.system.kernel.now,
        )
        let next = 0
        for (const hand of up) {
          hand.members = members.slice(next, next + hand.slots)
          for (const member of hand.members) reader.hands[member] = hand
          next += hand.slots
        }
      }
  }

  workerBack(worker: Worker, endpoint: Endpoint): void {
    const { now } = this.system.kernel
    const found = this.readerOf(worker, endpoint)
    if (found === undefined) return
    const { reader, hand } = found
    hand.members = Array.from({ length: hand.slots }, (_, i) => {
      const known = hand.members[i]
      // It was only out of reach.
      if (known !== undefined && reader.group.isHeardOf(known, now)) return known
      const member = reader.group.join(now)
      reader.hands[member] = hand
      return member
    })
  }

  /** `unheard`: it says nothing; `draining`: it takes nothing more. */
  workerGone(worker: Worker, endpoint: Endpoint, how: Gone | 'draining'): void {
    const { now } = this.system.kernel
    const found = this.readerOf(worker, endpoint)
    if (found === undefined) return
    const { reader, hand } = found
    for (const member of hand.members)
      if (how === 'draining') reader.group.retire(member, now)
      else if (how === 'unheard') reader.group.fallSilent(member, now)
      else if (how === 'stopped') reader.group.leave(member, now)
      else reader.group.die(member, now)
    if (how !== 'unheard' && how !== 'draining') hand.members = []
  }

  lostProcess(endpoint: Endpoint, how: Gone): void {
    this.cluster.lose(this.member.endpoints.indexOf(endpoint), how === 'stopped', this.system.kernel.now)
    this.reschedule()
  }

  backProcess(endpoint: Endpoint): void {
    this.cluster.restore(this.member.endpoints.indexOf(endpoint), this.system.kernel.now)
    this.reschedule()
  }

  fire(): void {
    const { now } = this.system.kernel
    this.cluster.advance(now)
    for (const place of this.places) {
      place.topic.advance(now)
      this.measure(place)
    }
    this.reschedule()
  }

  totals(): Readonly<Record<string, QueueTotals>> {
    return Object.fromEntries(
      this.places.map(({ name, topic, readers, lag }) => {
        const sum = (count: (group: ConsumerGroup) => number): number =>
          readers.reduce((total, { group }) => total + count(group), 0)
        const expired = sum((group) => group.expired)
        return [
          name,
          {
            lengthSeconds: lag.integral(),
            length: lag.value,
            peak: lag.max,
            published: topic.published,
            rejected: 0,
            blocked: topic.blocked,
            delivered: sum((group) => group.delivered),
            redelivered: sum((group) => group.redelivered),
            acked: sum((group) => group.acked),
            expired,
            dropped: 0,
            nacked: 0,
            exhausted: 0,
            wiped: 0,
            received: 0,
            deadLettered: 0,
            lost: expired,
          },
        ]
      }),
    )
  }

  resetPeaks(): void {
    for (const { lag } of this.places) lag.resetMax()
  }

  left(): void {
    // Its entry in the line is stale from now on.
  }

  gaveUp(): number {
    return none
  }

  release(): void {
    // Nothing is held here.
  }

  private readerOf(worker: Worker, endpoint: Endpoint) {
    for (const { readers } of this.places)
      for (const reader of readers)
        if (reader.worker === worker) {
          const hand = worker.handOf(endpoint)
          return hand === undefined ? undefined : { reader, hand }
        }
    return undefined
  }

  private dismiss({ readers }: TopicPlace, payload: number): void {
    if (payload >= 0) for (const _ of readers) this.account.withdrawn(payload)
  }

  /** Leaders have changed. */
  private changed(): void {
    const { kernel } = this.system
    for (const { topic } of this.places) topic.reconsider(kernel.now)
    for (let left = this.leaderless.size; left > 0; left--) {
      const task = this.leaderless.shift()
      if (kernel.tasks.epoch[task] !== this.leaderless.stamp) continue
      kernel.tasks.room[task] = none
      kernel.wake(task)
    }
  }

  private measure({ topic, readers, lag }: TopicPlace): void {
    let most = 0
    for (const { group } of readers) most = Math.max(most, topic.published - group.acked - group.expired)
    if (most !== lag.value) lag.set(most)
  }

  private reschedule(): void {
    let next = this.cluster.nextAt()
    for (const { topic } of this.places) next = Math.min(next, topic.nextAt())
    this.system.kernel.queue.schedule(this.source, next)
  }
}

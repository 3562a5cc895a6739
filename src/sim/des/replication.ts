/**
 * The members of a replicated store at run time: who is primary, who follows, and what a failover costs. The failover itself is a pure state
 * machine (`../../policy/failover.ts`); this tells it who goes and comes, keeps the store's routes as it says, and settles what was lost.
 */
import { failoverOf } from '../../catalog/models.js'
import { Failover, type FailoverChange, nobody } from '../../policy/failover.js'
import type { RunEvent } from '../../result/run-event.js'
import { shardMembers } from '../../topology/instances.js'
import type { StoreComponent } from '../../topology/types.js'
import type { Agenda } from './agenda.js'
import { Endpoint, type Gone } from './endpoint.js'
import type { Member, System } from './system.js'

export class Replication {
  private readonly failover: Failover
  private readonly shards: readonly (readonly number[])[]
  private readonly endpoints: readonly Endpoint[]
  /** Where calls go while nobody may take them: it refuses. */
  private readonly nobody: Endpoint
  /** The primary of each shard, or who was it last. */
  private readonly last: number[]
  /** By member that is gone: since when, and how it went. */
  private readonly gone = new Map<number, { readonly at: number; readonly how: Gone }>()
  /** Until it was promoted over: when the primary of the shard was last heard of. */
  private readonly goneAt: number[]
  private promoted = false
  private due = Number.POSITIVE_INFINITY

  constructor(
    private readonly system: System,
    private readonly member: Member,
    private readonly store: StoreComponent,
    private readonly agenda: Agenda,
    private readonly emit: (event: RunEvent) => void,
  ) {
    this.endpoints = member.endpoints
    this.shards = shardMembers(store, this.endpoints.length)
    this.last = this.shards.map(([first = 0]) => first)
    this.goneAt = this.shards.map(() => 0)
    const [some] = this.endpoints as [Endpoint]
    this.nobody = new Endpoint(some.station, `${store.id}/nobody`, 0, undefined, some.total)
    this.nobody.state = 'down'
    // That nobody is primary has been noticed where the primary was missed.
    this.nobody.noticedBy = store.id
    system.kernel.addEndpoint(this.nobody)
    const { election, detectSeconds, promoteSeconds } = failoverOf(store)
    this.failover = new Failover({ shards: this.shards, election, detectSeconds, promoteSeconds }, (change, now) =>
      this.changed(change, now),
    )
    this.route()
  }

  /** Does a copy of this shard follow its primary at present? */
  hasCopy(shard: number): boolean {
    return this.failover.copies(shard).length > 0
  }

  lost(endpoint: Endpoint, how: Gone): void {
    const member = this.endpoints.indexOf(endpoint)
    const { now } = this.system.kernel
    // Who could not be heard before has given nothing on since then.
    const at = this.gone.get(member)?.at ?? now
    this.gone.set(member, { at, how })
    const shard = this.last.indexOf(member)
    if (shard >= 0) {
      this.goneAt[shard] = how === 'stopped' ? Number.POSITIVE_INFINITY : at
      if (how !== 'unheard') this.system.state.primaryGone(this.store.id, shard)
    }
    this.failover.lose(member, now)
    this.settle()
  }

  back(endpoint: Endpoint): void {
    const member = this.endpoints.indexOf(endpoint)
    const gone = this.gone.get(member)
    this.gone.delete(member)
    this.failover.regain(member, this.system.kernel.now)
    const shard = this.last.indexOf(member)
    if (shard >= 0 && gone !== undefined) {
      this.system.state.primaryBack(this.store.id, shard, gone)
      this.system.messaging?.queues.get(this.store.id)?.primaryBack(shard, gone)
      if (gone.how !== 'unheard' && this.store.persistence === 'none') this.member.contents[shard]?.flush()
    }
    this.settle()
  }

  private settle(): void {
    this.route()
    this.system.messaging?.queues.get(this.store.id)?.moved()
    const { nextAt } = this.failover
    if (nextAt === this.due) return
    this.due = nextAt
    if (nextAt === Number.POSITIVE_INFINITY) return
    const { kernel } = this.system
    this.agenda.after(nextAt - kernel.now, () => {
      if (this.due !== nextAt) return
      this.due = Number.POSITIVE_INFINITY
      this.failover.advance(kernel.now)
      this.settle()
    })
  }

  private changed({ kind, shard, member }: FailoverChange, now: number): void {
    const instance = this.endpoints[member]?.instance ?? this.store.id
    const tell = (message: string): void => this.emit({ type: 'note', at: now, message })
    const endpoint = this.endpoints[member]
    if (kind === 'missed' && endpoint !== undefined) this.system.kernel.notice(endpoint, `failover of ${this.store.id}`)
    else if (kind === 'promoted') {
      if (member !== this.last[shard]) {
        this.promoted = true
        const goneAt = this.goneAt[shard] ?? now
        this.system.state.failedOver(this.store.id, shard, goneAt)
        // The queues' consumers connect to the new primary when the routes lead there.
        this.system.messaging?.queues
          .get(this.store.id)
          ?.failedOver(shard, goneAt - (this.store.replication?.lagSeconds ?? 0))
      }
      tell(`${instance} is primary of ${this.store.id} now; it was ${this.endpoints[this.last[shard] ?? 0]?.instance}`)
      this.last[shard] = member
    } else if (kind === 'headless')
      tell(`nobody can be promoted to primary of ${this.store.id} in place of ${instance}`)
    else if (kind === 'stepped-down') tell(`${instance} is no longer primary: it sees no majority of ${this.store.id}`)
  }

  /** Puts the members where calls look for them. */
  private route(): void {
    const { roles, replicasOf } = this.member
    const primaries = this.shards.map((_, shard): Endpoint => {
      const primary = this.failover.primary(shard)
      if (primary !== nobody) return this.endpoints[primary] as Endpoint
      const former = this.endpoints[this.last[shard] as number] as Endpoint
      return former.state === 'down' ? former : this.nobody
    })
    const copies = this.shards.map((_, shard) =>
      this.failover.copies(shard).map((copy) => this.endpoints[copy] as Endpoint),
    )
    // The last copy may have been promoted: then the primary answers its reads as well.
    for (const [shard, own] of copies.entries())
      if (own.length === 0) own.push(this.promoted ? (primaries[shard] as Endpoint) : this.nobody)
    replace(roles.primary, primaries)
    replace(roles.master, primaries)
    replace(roles.replica, copies.flat())
    replicasOf.splice(0, replicasOf.length, ...copies)
  }
}

const replace = (list: Endpoint[] | undefined, by: readonly Endpoint[]): void => {
  list?.splice(0, list.length, ...by)
}

/** Is there anything to replicate, or a cluster whose members depend on each other? */
export const isReplicated = (store: StoreComponent): boolean =>
  store.engine !== 'kafka' &&
  store.engine !== 'rabbitmq' &&
  (store.replicasPerMaster + store.readReplicas > 0 || (store.mode === 'cluster' && store.masters > 1))

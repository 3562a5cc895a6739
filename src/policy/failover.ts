/**
 * Who of a replicated store is primary, when. Pure: told who goes and comes, and asked at the times that it names (`nextAt`).
 *
 * A primary that is gone is missed after `detectSeconds`; then a copy that is up is promoted, which takes `promoteSeconds`. If
 * the primary is back before it is missed it goes on as primary, later it follows whoever was promoted. Who may promote:
 *
 * - `none`: nobody. The store refuses writes until its primary is back.
 * - `supervised`: somebody who is not part of the store and always there (Patroni, Orchestrator, sentinels, a cloud).
 * - `masters`: Redis Cluster. More than half of all masters, the lost one included, must be up to vote: of two masters neither
 *   can replace the other. While a lost master is not replaced, the whole cluster refuses (`cluster-require-full-coverage`).
 * - `members`: MongoDB. More than half of the members must be up; a primary that sees fewer steps down.
 */
/**
 * Who may promote a copy to primary. `none`: nobody. `supervised`: somebody beside the store who is always there (Patroni, sentinels, a
 * cloud). `masters`: more than half of all masters, which must be up (Redis Cluster). `members`: more than half of the members (MongoDB).
 */
export type Election = 'none' | 'supervised' | 'masters' | 'members'

export interface FailoverOptions {
  /** Members of each shard, first its primary. A member is a small integer, of one shard only. */
  readonly shards: readonly (readonly number[])[]
  readonly election: Election
  readonly detectSeconds: number
  readonly promoteSeconds: number
}

export type FailoverChange =
  /** The primary is missed: a promotion begins, or nobody can be promoted (`headless`). */
  | { readonly kind: 'missed' | 'headless' | 'stepped-down'; readonly shard: number; readonly member: number }
  | { readonly kind: 'promoted' | 'returned'; readonly shard: number; readonly member: number }

interface Shard {
  readonly members: readonly number[]
  status: 'serving' | 'lost' | 'promoting' | 'headless'
  /** Of `serving` and `lost`: the primary; of `headless` without a step-down: who would still be it on its return. */
  primary: number
  candidate: number
  dueAt: number
}

export const nobody = -1
const never = Number.POSITIVE_INFINITY

export class Failover {
  private readonly shards: readonly Shard[]
  private readonly shardOf = new Map<number, number>()
  private readonly down = new Set<number>()

  constructor(
    private readonly options: FailoverOptions,
    private readonly changed: (change: FailoverChange, now: number) => void = () => undefined,
  ) {
    this.shards = options.shards.map((members) => ({
      members,
      status: 'serving',
      primary: members[0] ?? nobody,
      candidate: nobody,
      dueAt: never,
    }))
    for (const [shard, members] of options.shards.entries())
      for (const member of members) this.shardOf.set(member, shard)
  }

  /** When something happens next if nobody goes or comes before; infinite: nothing does. */
  get nextAt(): number {
    return Math.min(never, ...this.shards.map((shard) => shard.dueAt))
  }

  /** Who takes the writes of the shard; `nobody`: they are refused. */
  primary(shard: number): number {
    const state = this.at(shard)
    return state.status === 'serving' && !this.refuses ? state.primary : nobody
  }

  /** The members of the shard that are up and only follow. Empty while the whole store refuses. */
  copies(shard: number): readonly number[] {
    if (this.refuses) return []
    const { members, status, primary } = this.at(shard)
    return members.filter((member) => !this.down.has(member) && (status !== 'serving' || member !== primary))
  }

  /** The whole store refuses, also shards that are well. */
  get refuses(): boolean {
    return (
      this.options.election === 'masters' &&
      this.shards.some(({ status }) => status === 'promoting' || status === 'headless')
    )
  }

  /** The member is gone, or out of everybody's reach. */
  lose(member: number, now: number): void {
    this.advance(now)
    const shard = this.shardOf.get(member)
    if (shard === undefined || this.down.has(member)) return
    this.down.add(member)
    const state = this.at(shard)
    if (state.status === 'serving' && state.primary === member) {
      state.status = this.options.election === 'none' ? 'headless' : 'lost'
      state.dueAt = this.options.election === 'none' ? never : now + this.options.detectSeconds
    } else if (state.status === 'promoting' && state.candidate === member) this.elect(shard, now)
    else if (state.status === 'serving' && !this.hasMajority(state)) state.dueAt = now + this.options.detectSeconds
    this.advance(now)
  }

  /** The member is there (again). */
  regain(member: number, now: number): void {
    this.advance(now)
    const shard = this.shardOf.get(member)
    if (shard === undefined || !this.down.delete(member)) return
    const state = this.at(shard)
    if (state.primary === member && (state.status === 'lost' || (state.status === 'headless' && this.mayReturn))) {
      state.status = 'serving'
      state.dueAt = never
      this.changed({ kind: 'returned', shard, member }, now)
    }
    if (state.status === 'serving' && this.hasMajority(state)) state.dueAt = never
    // Whoever waited for a candidate or for votes may have them now.
    for (const [other, { status }] of this.shards.entries())
      if (status === 'headless' && this.options.election !== 'none') this.elect(other, now)
    this.advance(now)
  }

  /**
   * Another copy was promoted than the first that was up, since it had received more of the lost primary's log. Which one has is known
   * only once the promotion is due; a model whose copies are all alike never calls this.
   */
  promotedInstead(member: number, now: number): void {
    const shard = this.shardOf.get(member)
    if (shard === undefined) return
    const state = this.at(shard)
    state.status = 'serving'
    state.primary = member
    state.dueAt = never
    // It may have gone meanwhile: then it is a primary that is lost.
    if (this.down.delete(member)) this.lose(member, now)
  }

  /** Does what was due until `now`. */
  advance(now: number): void {
    for (let due = this.nextAt; due <= now && due < never; due = this.nextAt)
      for (const [shard, state] of this.shards.entries()) if (state.dueAt <= due) this.fall(shard, state, due)
  }

  private fall(shard: number, state: Shard, now: number): void {
    state.dueAt = never
    if (state.status === 'lost') {
      this.changed({ kind: 'missed', shard, member: state.primary }, now)
      this.elect(shard, now)
    } else if (state.status === 'promoting') {
      state.status = 'serving'
      state.primary = state.candidate
      this.changed({ kind: 'promoted', shard, member: state.primary }, now)
      if (!this.hasMajority(state)) state.dueAt = now + this.options.detectSeconds
    } else if (state.status === 'serving') {
      this.changed({ kind: 'stepped-down', shard, member: state.primary }, now)
      this.elect(shard, now)
    }
  }

  /** A copy that is up is promoted, if it has the votes. */
  private elect(shard: number, now: number): void {
    const state = this.at(shard)
    const before = state.status
    const candidate = state.members.find((member) => !this.down.has(member))
    if (candidate === undefined || !this.hasVotes(state)) {
      state.status = 'headless'
      state.dueAt = never
      if (before !== 'headless') this.changed({ kind: 'headless', shard, member: state.primary }, now)
      return
    }
    state.status = 'promoting'
    state.candidate = candidate
    state.dueAt = now + this.options.promoteSeconds
  }

  private hasVotes(state: Shard): boolean {
    switch (this.options.election) {
      case 'none':
        return false
      case 'supervised':
        return true
      case 'members':
        return this.hasMajority(state)
      case 'masters': {
        const voters = this.shards.filter(({ status }) => status === 'serving').length
        return 2 * voters > this.shards.length
      }
    }
  }

  /** Only where members vote; elsewhere a primary needs nobody. */
  private hasMajority({ members }: Shard): boolean {
    if (this.options.election !== 'members') return true
    return 2 * members.filter((member) => !this.down.has(member)).length > members.length
  }

  /** A primary that was not replaced is one again when it is back; where members vote it must be elected. */
  private get mayReturn(): boolean {
    return this.options.election !== 'members'
  }

  private at(shard: number): Shard {
    return this.shards[shard] as Shard
  }
}

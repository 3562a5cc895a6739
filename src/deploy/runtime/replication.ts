/**
 * Supervises a store that has copies: keeps the primary's waiting to the copies that follow, and puts a copy in the place of a
 * lost primary. When is decided by the policy that the simulator decides by (src/policy/failover.ts), which by what the copies have
 * received; clients ask the servers themselves who is what.
 */
import { failoverOf } from '../../catalog/models.js'
import type { LiveContext, Members, ReplicationFacet } from '../../contract/engine.js'
import { Failover, type FailoverChange } from '../../policy/failover.js'
import type { InstanceState } from '../../result/run-event.js'
import type { ComponentId, StoreComponent } from '../../topology/types.js'
import type { Instance } from './instance.js'
import type { EventHub } from './system.js'
import { until } from './time.js'

interface Supervised {
  readonly instance: Instance
  readonly context: LiveContext
}

/** A copy that does not follow the new primary after this long is made anew. */
const followSeconds = 10

const now = (): number => performance.now() / 1000

export class Replication {
  readonly #failover: Failover
  #list: readonly Supervised[] = []
  #timer: NodeJS.Timeout | undefined
  #supervising = false
  /** From the moment that the primary is missed until somebody else is it. */
  #promotion: Promise<void> = Promise.resolve()
  #promoted: () => void = () => undefined
  /** The primary that is about to be replaced. */
  #missed: Supervised | undefined
  #fenced: Promise<void> = Promise.resolve()

  constructor(
    private readonly store: StoreComponent,
    private readonly facet: ReplicationFacet,
    private readonly hub: EventHub,
    /** Read by the contexts of the members. */
    private readonly roles: Map<ComponentId, Members>,
  ) {
    this.members = { primary: 0, following: [] }
    const { election, detectSeconds, promoteSeconds } = failoverOf(store)
    const shards = [Array.from({ length: store.replicas }, (_, index) => index)]
    this.#failover = new Failover({ shards, election, detectSeconds, promoteSeconds }, (change) =>
      this.#changed(change),
    )
  }

  private get members(): Members {
    return this.roles.get(this.store.id) ?? { primary: 0, following: [] }
  }

  private set members(members: Members) {
    this.roles.set(this.store.id, members)
  }

  /** All of them are up. */
  async begin(list: readonly Supervised[]): Promise<void> {
    this.#list = list
    this.#supervising = true
    await this.#follow(this.#up())
  }

  /** No promotion from here on. */
  end(): void {
    this.#supervising = false
    clearTimeout(this.#timer)
    this.#promoted()
  }

  /** A member starts only when it is decided as what. */
  settled(): Promise<void> {
    return this.#promotion
  }

  changed(index: number, state: InstanceState): void {
    if (!this.#supervising || state === 'starting') return
    if (state === 'ready') this.#failover.regain(index, now())
    else this.#failover.lose(index, now())
    this.#keepTime()
    this.#follow(this.#up()).catch((error: unknown) => this.#tell(error))
  }

  #member(index: number): Supervised | undefined {
    return this.#list[index]
  }

  /** Copies that are ready: their probe sees that they follow. */
  #up(): readonly number[] {
    return this.#list.flatMap(({ instance }) =>
      instance.state === 'ready' && instance.index !== this.members.primary ? [instance.index] : [],
    )
  }

  /** A commit of the primary waits for these alone. */
  async #follow(following: readonly number[]): Promise<void> {
    const before = this.members
    if (before.following.join() === following.join()) return
    this.members = { ...before, following }
    const waits = this.store.replication !== undefined && this.store.replication.mode !== 'async'
    if (waits) await this.#member(before.primary)?.instance.reconfigure(this.facet.reloadSignal)
  }

  /** After whatever the policy was told. */
  #keepTime(): void {
    this.#fence()
    clearTimeout(this.#timer)
    const { nextAt } = this.#failover
    if (nextAt === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(
      () => {
        this.#failover.advance(now())
        this.#keepTime()
      },
      Math.max(0, nextAt - now()) * 1000,
    )
  }

  /** A missed primary may hang, or come up at this moment: it would take writes that nobody keeps. */
  #fence(): void {
    const missed = this.#missed
    if (missed === undefined) return
    this.#missed = undefined
    const fenced = missed.instance.fence()
    this.#fenced = fenced.then(() => undefined)
    fenced
      .then((wasUp) => (wasUp ? this.#promotion.then(() => missed.instance.bringBack()) : undefined))
      .catch((error: unknown) => this.#tell(error))
  }

  #changed({ kind, member }: FailoverChange): void {
    const name = `${this.store.id}/${member}`
    if (kind === 'missed') {
      this.hub.emit({ type: 'detected', instance: name, by: `failover of ${this.store.id}` })
      this.#missed = this.#member(member)
      this.#promotion = new Promise((resolve) => {
        this.#promoted = resolve
      })
    } else if (kind === 'headless') {
      this.#missed = undefined
      this.#promoted()
      this.#note(`nobody can be promoted to primary of ${this.store.id} in place of ${name}`)
    } else if (kind === 'promoted')
      this.#promote(member)
        .catch((error: unknown) => this.#tell(error))
        .finally(() => this.#promoted())
  }

  async #promote(elected: number): Promise<void> {
    const former = this.#member(this.members.primary)
    if (former === undefined || former.instance.index === elected) return
    this.#fence()
    await this.#fenced
    const index = await this.#mostAdvanced(elected)
    const successor = this.#member(index)
    if (successor === undefined) return
    if (index !== elected) this.#failover.promotedInstead(index, now())
    await this.facet.promote(successor.context)
    former.instance.makeAnew()
    this.members = { primary: index, following: [] }
    this.#note(`${successor.instance.id} is primary of ${this.store.id} now; it was ${former.instance.id}`)
    this.#promoted()
    await successor.instance.reconfigure(this.facet.reloadSignal)
    await Promise.all(this.#up().map((copy) => this.#repoint(copy)))
    await this.#follow(this.#up())
  }

  /** Of the copies that are up: what a commit has waited for must not be lost. Equals go by the policy's election. */
  async #mostAdvanced(elected: number): Promise<number> {
    const copies = [elected, ...this.#up().filter((index) => index !== elected)]
    const received = await Promise.all(
      copies.map(async (index) => {
        const member = this.#member(index)
        return member === undefined ? -1 : this.facet.received(member.context).catch(() => -1)
      }),
    )
    return copies[received.indexOf(Math.max(...received))] ?? elected
  }

  /** A copy that had received more than the new primary cannot follow it. */
  async #repoint(index: number): Promise<void> {
    const member = this.#member(index)
    if (member === undefined) return
    await member.instance.reconfigure(this.facet.reloadSignal)
    const follows = (): Promise<boolean> => this.facet.follows(member.context).catch(() => false)
    if (await until(async () => !this.#supervising || (await follows()), followSeconds, 0.2)) return
    this.#note(`${member.instance.id} does not follow the new primary; it is made anew`)
    member.instance.makeAnew()
    await member.instance.stop()
    await member.instance.bringBack()
  }

  #tell(error: unknown): void {
    if (this.#supervising) this.#note(`${this.store.id}: ${error instanceof Error ? error.message : String(error)}`)
  }

  #note(message: string): void {
    this.hub.emit({ type: 'note', message })
  }
}

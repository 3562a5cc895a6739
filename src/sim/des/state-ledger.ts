/** The state that requests contend for, and the account of what went wrong with it. */
import { type Step, type StepId, walk } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { ComponentId, DataId, Topology } from '../../topology/types.js'
import { Counters } from '../state/counters.js'
import { DirtyWrites } from '../state/dirty-writes.js'
import { Durability } from '../state/durability.js'
import { Effects } from '../state/effects.js'
import { keyIn } from '../state/key-index.js'
import { timesPerPass } from '../state/passes.js'
import { RecentWrites } from '../state/recent-writes.js'
import { shardOf } from '../state/shards.js'
import { Transactions } from '../state/transactions.js'
import { lockTimeout } from './codes.js'
import type { Gone } from './endpoint.js'
import type { Kernel } from './kernel.js'
import { LockRoom } from './lock-room.js'

/** A counter in one store, with the locks of its rows. */
export interface CounterPlace {
  /** Among all of them. */
  readonly index: number
  readonly name: string
  readonly store: ComponentId
  /** Index of its data set. */
  readonly data: number
  readonly counter: number
  readonly rows: number
}

export interface LockPlace {
  readonly name: string
  readonly cache: ComponentId
  /** The data set that it is about, or its own step. */
  readonly data: string
  readonly space: number
}

/**
 * What a change is about, as a number: the index of its counter's place, or (negative) an ordinary write of a data set's value; data −1: of nothing
 * that has a key.
 */
export const ordinaryWrite = (data: number): number => -2 - data

/** What one store has acknowledged. */
export interface StoreAccount {
  readonly store: ComponentId
  readonly shards: readonly Durability[]
  /** The data set whose keys divide it; −1: each by its own. */
  readonly shardedBy: number
  /** Where copies lag. */
  readonly recent: RecentWrites | undefined
  readonly lagSeconds: number
}

export class SharedState {
  /** In caches. */
  readonly locks: LockRoom
  /** Of rows in databases. */
  readonly rows: LockRoom
  readonly counters = new Counters()
  readonly effects = new Effects()
  readonly transactions = new Transactions()
  /** Undo lists that were done, that failed for good, and that were never begun because their process died. */
  readonly sagas = { failed: 0, undone: 0, stranded: 0 }
  /** Acknowledged writes that are gone, by store. */
  readonly lost = new Map<ComponentId, number>()
  /** Reads from copies that missed a write which had been acknowledged. */
  staleReads = 0
  /** Of brokers, accepted messages that are gone; undefined: there are none. */
  messages: { lost: number } | undefined = undefined
  /** What could be violated at all. */
  readonly has: Readonly<Record<'counters' | 'locks' | 'sagas' | 'changes' | 'laggingCopies', boolean>>
  readonly counterPlaces: CounterPlace[] = []
  readonly lockPlaces: LockPlace[] = []
  private readonly times: ReadonlyMap<StepId, number>
  private readonly steps = new Map<StepId, number>()
  private readonly dirty: { readonly cache: ComponentId; readonly shards: readonly DirtyWrites[] }[] = []
  private readonly accounts = new Map<ComponentId, StoreAccount>()
  /** By request class: 1, a repetition is recognised. */
  private repeatable = new Uint8Array(0)

  constructor(
    private readonly kernel: Kernel,
    private readonly topology: Topology,
    private readonly keyOf: (request: number, data: number) => number,
  ) {
    this.locks = new LockRoom(kernel, lockTimeout)
    this.rows = new LockRoom(kernel, lockTimeout)
    this.times = timesPerPass(topology)
    const steps = flowsOf(topology).flatMap((flow) => [...walk(flow)])
    this.has = {
      counters: steps.some(({ kind }) => kind === 'reserve' || kind === 'release'),
      locks: steps.some(({ kind }) => kind === 'lock'),
      sagas: steps.some(({ kind }) => kind === 'saga'),
      changes: steps.some(hasEffect),
      laggingCopies: steps.some(
        (step) =>
          step.kind === 'query' &&
          step.target.role === 'replica' &&
          this.account(step.target.component).recent !== undefined,
      ),
    }
  }

  /** In the order of their numbers. */
  classes(classes: readonly { readonly idempotent: boolean }[]): void {
    this.repeatable = Uint8Array.from(classes, ({ idempotent }) => (idempotent ? 1 : 0))
  }

  lock(cache: ComponentId, data: DataId | undefined, step: StepId): LockPlace {
    // Without a key the step is one lock of its own.
    const name = `${cache}/${data ?? step}`
    const known = this.lockPlaces.find((place) => place.name === name)
    if (known !== undefined) return known
    const place = { name, cache, data: data ?? step, space: this.locks.locks.space() }
    this.lockPlaces.push(place)
    return place
  }

  counter(store: ComponentId, data: DataId, counter: string): CounterPlace {
    const known = this.counterPlaces.find((place) => place.store === store && place.name === `${data}.${counter}`)
    if (known !== undefined) return known
    const place = {
      index: this.counterPlaces.length,
      name: `${data}.${counter}`,
      store,
      data: Object.keys(this.topology.data).indexOf(data),
      counter: this.counters.counter(this.topology.data[data]?.counters[counter] ?? 0),
      rows: this.rows.locks.space(),
    }
    this.counterPlaces.push(place)
    return place
  }

  /** The number of a step that changes something. */
  effectOf(step: StepId): number {
    let number = this.steps.get(step)
    if (number === undefined) {
      this.kernel.requests.onFree ??= (request) => this.effects.ended(request)
      number = this.effects.register(this.times.get(step) ?? 1)
      this.steps.set(step, number)
    }
    return number
  }

  /** Has the step already happened for this request, which a store recognises when it is repeated? */
  recognises(request: number, effect: number): boolean {
    if (request < 0) return false
    const { cls } = this.kernel.requests
    return this.repeatable[cls[request] as number] === 1 && this.effects.recognises(request, effect)
  }

  account(store: ComponentId): StoreAccount {
    let account = this.accounts.get(store)
    if (account === undefined) {
      account = makeAccount(store, this.topology)
      this.accounts.set(store, account)
    }
    return account
  }

  /** A statement's change is final. */
  commit(account: StoreAccount, request: number, effect: number, what: number, key: number, amount: number): void {
    if (request >= 0) this.effects.happened(request, effect)
    this.keep(account, request, what, key, amount)
  }

  /** A store has a change that was acknowledged before. */
  keep(account: StoreAccount, request: number, what: number, key: number, amount: number): void {
    const place = this.counterPlaces[what]
    if (place !== undefined) this.counters.confirm(place.counter, key, amount)
    const { shards, shardedBy, recent } = account
    const { now } = this.kernel.queue
    const shard = shardedBy < 0 ? key : this.keyOf(request, shardedBy)
    shards[shardOf(shard, shards.length)]?.commit(now, what, key, amount)
    if (recent === undefined) return
    const data = place?.data ?? -2 - what
    if (data >= 0) recent.write(keyIn(data, key), now)
  }

  /** A copy was asked for the value of this key. */
  readFromCopy(account: StoreAccount, data: number, key: number): void {
    if (account.recent?.isRecent(keyIn(data, key), this.kernel.now) === true) this.staleReads += 1
  }

  /** What masters of a write-back cache have acknowledged and no store has yet. */
  dirtyWrites(cache: ComponentId): readonly DirtyWrites[] {
    const made = this.account(cache).shards.map(() => new DirtyWrites())
    this.dirty.push({ cache, shards: made })
    return made
  }

  /** Acknowledged writes are gone with a cache. */
  lose(store: ComponentId, count: number): void {
    if (count > 0) this.lost.set(store, (this.lost.get(store) ?? 0) + count)
  }

  private loseDirty(cache: ComponentId, shard: number, after: (writes: DirtyWrites) => number): void {
    for (const { cache: of, shards } of this.dirty) {
      const writes = shards[shard]
      if (of === cache && writes !== undefined) this.lose(cache, writes.loseAfter(after(writes)))
    }
  }

  /** A copy has taken over a shard from the primary that was last heard of at `goneAt`. */
  failedOver(store: ComponentId, shard: number, goneAt: number): void {
    const account = this.account(store)
    const of = account.shards.length
    this.lose(store, account.shards[shard]?.failOver(goneAt, this.revert) ?? 0)
    this.loseDirty(store, shard, () => (account.recent === undefined ? goneAt : goneAt - account.lagSeconds))
    for (const place of this.lockPlaces)
      if (place.cache === store)
        this.locks.storeGone(
          place.space,
          (key, heldSince) => shardOf(key, of) === shard && heldSince > goneAt - account.lagSeconds,
          false,
        )
  }

  /** The primary of a shard is gone: who waits for a lock there loses its connection. */
  primaryGone(store: ComponentId, shard: number): void {
    const of = this.account(store).shards.length
    for (const place of this.lockPlaces)
      if (place.cache === store) this.locks.storeGone(place.space, (key) => shardOf(key, of) === shard, true)
    // Nobody else has them, and the process will not remember them.
    const component = this.topology.components[store]
    const copied = component?.role === 'store' && component.replicasPerMaster + component.readReplicas > 0
    if (!copied && !this.persists(store)) this.loseDirty(store, shard, () => Number.NEGATIVE_INFINITY)
  }

  /** It is back, still primary, with what it has kept. */
  primaryBack(store: ComponentId, shard: number, gone: { readonly at: number; readonly how: Gone }): void {
    const { shards } = this.account(store)
    const durability = shards[shard]
    if (durability === undefined || gone.how === 'unheard') return
    if (gone.how === 'stopped' && this.persists(store)) {
      durability.saveAll(gone.at)
      return
    }
    this.lose(store, durability.crash(gone.at, gone.how === 'machine', this.revert))
    this.loseDirty(store, shard, (writes) => this.keptUntil(store, gone, writes))
    if (this.persists(store)) return
    const concerns = (key: number): boolean => shardOf(key, shards.length) === shard
    for (const place of this.lockPlaces) if (place.cache === store) this.locks.storeGone(place.space, concerns, false)
    for (const place of this.counterPlaces) if (place.store === store) this.counters.forget(place.counter, concerns)
  }

  /** Up to when a process that comes back remembers what it had acknowledged. */
  private keptUntil(
    store: ComponentId,
    gone: { readonly at: number; readonly how: Gone },
    { savedAt }: DirtyWrites,
  ): number {
    const component = this.topology.components[store]
    const persistence = component?.role === 'store' ? component.persistence : 'none'
    if (persistence === 'none') return Number.NEGATIVE_INFINITY
    if (persistence === 'rdb') return savedAt
    return persistence === 'aof' && gone.how === 'machine' ? Math.floor(gone.at) : gone.at
  }

  /** The store has forgotten all that it held, and goes on: who waits for a lock enters. */
  flushed(store: ComponentId, shard: number): void {
    const { shards } = this.account(store)
    const { now } = this.kernel
    this.lose(store, shards[shard]?.flush(now) ?? 0)
    this.loseDirty(store, shard, () => Number.NEGATIVE_INFINITY)
    const concerns = (key: number): boolean => shardOf(key, shards.length) === shard
    for (const place of this.lockPlaces) if (place.cache === store) this.locks.locks.lose(place.space, concerns, now)
    for (const place of this.counterPlaces) if (place.store === store) this.counters.forget(place.counter, concerns)
  }

  private persists(store: ComponentId): boolean {
    const component = this.topology.components[store]
    return component?.role === 'store' && component.persistence !== 'none'
  }

  private readonly revert = (what: number, key: number, amount: number): void => {
    const place = this.counterPlaces[what]
    if (place !== undefined) this.counters.revert(place.counter, key, amount)
  }

  /** What a finished entry of a saga did is undone. */
  undone(request: number, steps: readonly number[]): void {
    if (request >= 0) for (const step of steps) this.effects.undone(request, step)
  }

  /** The transaction of this owner ends: its changes become final, or never were; its rows are free. */
  endTransaction(account: StoreAccount, owner: number, request: number, commits: boolean): void {
    this.transactions.end(owner, (what, key, amount, effect) => {
      const place = this.counterPlaces[what]
      // Without an amount it is a row that was locked.
      if (amount !== 0 || place === undefined) {
        if (commits) this.commit(account, request, effect, what, key, amount)
        else if (place !== undefined) this.counters.revert(place.counter, key, amount)
      }
      if (place === undefined) return
      const hold = this.rows.locks.holdOf(place.rows, key, owner)
      if (hold >= 0) this.rows.locks.release(hold, this.kernel.now)
    })
  }
}

const makeAccount = (store: ComponentId, topology: Topology): StoreAccount => {
  const component = topology.components[store]
  if (component?.role !== 'store')
    return { store, shards: [new Durability('disk', undefined)], shardedBy: -1, recent: undefined, lagSeconds: 0 }
  const { masters, replicasPerMaster, readReplicas, replication, persistence } = component
  const copies = replicasPerMaster + readReplicas > 0
  const lagSeconds = replication?.lagSeconds ?? 0
  const mode = replication?.mode ?? 'async'
  const loses = copies && mode === 'async' ? lagSeconds : undefined
  return {
    store,
    shards: Array.from({ length: Math.max(1, masters) }, () => new Durability(persistence, loses)),
    shardedBy: component.shards === undefined ? -1 : Object.keys(topology.data).indexOf(component.shards.key),
    recent: copies && mode !== 'sync' && lagSeconds > 0 ? new RecentWrites(lagSeconds) : undefined,
    lagSeconds,
  }
}

/** Steps that change something in a store. */
export const hasEffect = (step: Step): boolean =>
  step.kind === 'write' || step.kind === 'reserve' || step.kind === 'release'

/** The state that requests contend for, and the account of what went wrong with it. */
import { type Step, type StepId, walk } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { ComponentId, DataId, Topology } from '../../topology/types.js'
import { Counters } from '../state/counters.js'
import { Effects } from '../state/effects.js'
import { timesPerPass } from '../state/passes.js'
import { Transactions } from '../state/transactions.js'
import { lockTimeout } from './codes.js'
import type { Kernel } from './kernel.js'
import { LockRoom } from './lock-room.js'

/** A counter in one store, with the locks of its rows. */
export interface CounterPlace {
  /** Among all of them. */
  readonly index: number
  readonly name: string
  readonly store: ComponentId
  readonly counter: number
  readonly rows: number
}

export interface LockPlace {
  readonly name: string
  readonly cache: ComponentId
  readonly space: number
}

/** Of an ordinary write, which changes no counter. */
export const noCounter = -1

export class SharedState {
  /** In caches. */
  readonly locks: LockRoom
  /** Of rows in databases. */
  readonly rows: LockRoom
  readonly counters = new Counters()
  readonly effects = new Effects()
  readonly transactions = new Transactions()
  /** Undo lists that were done, that failed for good, and that were never begun because their process died. */
  readonly sagas = { exist: false, failed: 0, undone: 0, stranded: 0 }
  /** Acknowledged writes that are gone, by store. */
  readonly lost = new Map<ComponentId, number>()
  /** Of brokers, accepted messages that are gone; undefined: there are none. */
  messages: { lost: number } | undefined = undefined
  /** Is there a step that changes something? */
  readonly changes: boolean
  readonly counterPlaces: CounterPlace[] = []
  readonly lockPlaces: LockPlace[] = []
  private readonly times: ReadonlyMap<StepId, number>
  private readonly steps = new Map<StepId, number>()
  /** By request class: 1, a repetition is recognised. */
  private repeatable = new Uint8Array(0)

  constructor(
    private readonly kernel: Kernel,
    private readonly topology: Topology,
  ) {
    this.locks = new LockRoom(kernel, lockTimeout)
    this.rows = new LockRoom(kernel, lockTimeout)
    this.times = timesPerPass(topology)
    this.changes = flowsOf(topology).some((flow) => [...walk(flow)].some(hasEffect))
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
    const place = { name, cache, space: this.locks.locks.space() }
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

  /** A statement's change is final. */
  commit(request: number, effect: number, place: CounterPlace | undefined, key: number, amount: number): void {
    if (request >= 0) this.effects.happened(request, effect)
    if (place !== undefined) this.counters.confirm(place.counter, key, amount)
  }

  /**
   * The process of a store that keeps these keys is gone: who waits for a lock in it finds the connection reset. What it does not
   * persist, locks and counters, it has forgotten; who holds a lock does not know.
   */
  storeGone(store: ComponentId, concerns: (key: number) => boolean, persists: boolean): void {
    for (const place of this.lockPlaces)
      if (place.cache === store) this.locks.storeGone(place.space, concerns, persists)
    if (persists) return
    for (const place of this.counterPlaces) if (place.store === store) this.counters.forget(place.counter, concerns)
  }

  /** What a finished entry of a saga did is undone. */
  undone(request: number, steps: readonly number[]): void {
    if (request >= 0) for (const step of steps) this.effects.undone(request, step)
  }

  /** The transaction of this owner ends: its changes become final, or never were; its rows are free. */
  endTransaction(owner: number, request: number, commits: boolean): void {
    this.transactions.end(owner, (index, key, amount, effect) => {
      const place = this.counterPlaces[index]
      // Without an amount it is a row that was locked.
      if (amount !== 0 || place === undefined) {
        if (commits) this.commit(request, effect, place, key, amount)
        else if (place !== undefined) this.counters.revert(place.counter, key, amount)
      }
      if (place === undefined) return
      const hold = this.rows.locks.holdOf(place.rows, key, owner)
      if (hold >= 0) this.rows.locks.release(hold, this.kernel.now)
    })
  }
}

/** Steps that change something in a store. */
export const hasEffect = (step: Step): boolean =>
  step.kind === 'write' || step.kind === 'reserve' || step.kind === 'release'

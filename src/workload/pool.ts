/**
 * A pool of connections with exact semantics: waiters are served first come, first served; `acquireTimeout` covers the
 * whole wait, opening included; a waiter that is cancelled leaves the queue at once. A failed opening fails the waiter
 * at the head, so that a dead store is reported without delay.
 */
import type { Cancellation } from './cancellation.js'
import type { Clock } from './clock.js'

export interface PoolOptions<C> {
  readonly size: number
  /** Undefined: waits as long as it takes. */
  readonly acquireTimeoutSeconds: number | undefined
  /** `lost` is to be called when an open connection breaks. */
  readonly open: (lost: () => void) => Promise<C>
  readonly close: (connection: C) => void
  /** Index of the idle connection to take; default: the last, so that few connections stay warm. */
  readonly pick?: (idle: readonly C[]) => number
  readonly clock: Clock
}

export class AcquireTimeout extends Error {
  override readonly name = 'AcquireTimeout'
}

interface Waiter<C> {
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
}

export class ConnectionPool<C> {
  readonly #options: PoolOptions<C>
  readonly #idle: C[] = []
  readonly #open = new Set<C>()
  readonly #waiters = new Set<Waiter<C>>()
  /** In the hands of steps, to be closed when they come back. */
  readonly #retired = new Set<C>()
  #opening = 0
  #timeouts = 0
  #closed = false

  constructor(options: PoolOptions<C>) {
    this.#options = options
  }

  get size(): number {
    return this.#options.size
  }
  /** Connections in the hands of steps. */
  get inUse(): number {
    return this.#open.size - this.#idle.length
  }
  get waiting(): number {
    return this.#waiters.size
  }
  /** Waits that acquireTimeout ended, since the start. */
  get timeouts(): number {
    return this.#timeouts
  }
  /** Connections that are open. */
  get openCount(): number {
    return this.#open.size
  }

  /** Rejects with AcquireTimeout, the reason of a cancellation, or what opening a connection failed with. */
  acquire(cancel: Cancellation): Promise<C> {
    const idle = this.#takeIdle()
    if (idle !== undefined) return Promise.resolve(idle)
    return new Promise((resolve, reject) => {
      let stop: () => void = () => {}
      let forget: () => void = () => {}
      const leave = (): void => {
        this.#waiters.delete(waiter)
        stop()
        forget()
      }
      const waiter: Waiter<C> = {
        resolve: (connection) => {
          leave()
          resolve(connection)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      this.#waiters.add(waiter)
      const { acquireTimeoutSeconds: seconds, clock } = this.#options
      if (seconds !== undefined)
        stop = clock.after(Math.ceil(seconds * 1000), () => {
          this.#timeouts++
          waiter.reject(new AcquireTimeout(`no connection came free within ${seconds} s`))
        })
      forget = cancel.onCancel(() => waiter.reject(cancel.reason))
      this.#grow()
    })
  }

  release(connection: C): void {
    if (this.#retired.has(connection)) this.discard(connection)
    if (!this.#open.has(connection)) return
    const waiter = this.#nextWaiter()
    if (waiter !== undefined) waiter.resolve(connection)
    else this.#idle.push(connection)
  }

  /** Takes a connection out for good: it broke, or nobody knows what state it is in. */
  discard(connection: C): void {
    if (!this.#open.delete(connection)) return
    this.#retired.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#options.close(connection)
    this.#grow()
  }

  /** Opens connections until the pool is full; the first failure ends it. */
  async warm(): Promise<void> {
    while (!this.#closed && this.#open.size + this.#opening < this.#options.size) await this.#openOne(undefined)
  }

  /**
   * Opens one connection beyond its size, and closes the one that `worse` names in exchange as soon as nobody uses it; if
   * it names none, the new one. False: nothing changed. Rejects with what opening it failed with.
   */
  async replace(worse: (fresh: C) => C | undefined): Promise<boolean> {
    let fresh: C | undefined
    fresh = await this.#options.open(() => {
      if (fresh !== undefined) this.discard(fresh)
    })
    const old = this.#closed ? undefined : worse(fresh)
    if (old === undefined || old === fresh || !this.#open.has(old)) {
      this.#options.close(fresh)
      return false
    }
    this.#open.add(fresh)
    if (this.#idle.includes(old)) this.discard(old)
    else this.#retired.add(old)
    this.release(fresh)
    return true
  }

  close(): void {
    this.#closed = true
    for (const waiter of [...this.#waiters]) waiter.reject(new Error('the pool is closed'))
    for (const connection of [...this.#open]) this.discard(connection)
  }

  #takeIdle(): C | undefined {
    const { pick } = this.#options
    return pick === undefined || this.#idle.length < 2 ? this.#idle.pop() : this.#idle.splice(pick(this.#idle), 1)[0]
  }

  #nextWaiter(): Waiter<C> | undefined {
    for (const waiter of this.#waiters) return waiter
    return undefined
  }

  /** Opens a connection for each waiter that none is being opened for yet, as far as the size allows. */
  #grow(): void {
    while (!this.#closed && this.#opening < this.#waiters.size && this.#open.size + this.#opening < this.#options.size)
      this.#openOne(() => this.#nextWaiter()).catch(() => {})
  }

  /** `blame` names the waiter that a failure is told to; without one it is thrown. */
  async #openOne(blame: (() => Waiter<C> | undefined) | undefined): Promise<void> {
    this.#opening++
    let made: C | undefined
    try {
      const connection = await this.#options.open(() => {
        if (made !== undefined) this.discard(made)
      })
      this.#opening--
      made = connection
      this.#open.add(connection)
      if (this.#closed) this.discard(connection)
      else this.release(connection)
    } catch (error) {
      this.#opening--
      blame?.()?.reject(error)
      this.#grow()
      throw error
    }
  }
}

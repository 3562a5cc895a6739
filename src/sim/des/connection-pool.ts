/** A pool of connections of one process: first come, first served, the wait bounded by the acquire timeout. */
import type { Endpoint } from './endpoint.js'
import { Gauge } from './gauge.js'
import { Ring } from './ring.js'
import type { Room, Task } from './task.js'

export class ConnectionPool implements Room {
  inUse = 0
  /** Connections that have been opened; they are kept. */
  private open = 0
  private incarnation = -1
  private closed = false
  timeouts = 0
  readonly inUseGauge: Gauge
  readonly waitingGauge: Gauge
  private waiting = 0
  private readonly tasks = new Ring<Task>()
  private readonly epochs = new Ring<number>()

  constructor(
    readonly size: number,
    /** The store, when it is one process: its connections are limited. */
    private readonly store: Endpoint | undefined,
    private readonly clock: { readonly now: number },
    private readonly wake: (task: Task) => void,
    /** The pool of the process before it was started anew: what was counted goes on. */
    previous: ConnectionPool | undefined,
  ) {
    this.inUseGauge = previous?.inUseGauge ?? new Gauge()
    this.waitingGauge = previous?.waitingGauge ?? new Gauge()
    this.timeouts = previous?.timeouts ?? 0
  }

  /** True: the task has a connection. False: it waits in line. */
  acquire(task: Task): boolean {
    if (this.inUse < this.size) {
      this.inUse += 1
      this.inUseGauge.set(this.inUse, this.clock.now)
      task.granted = this
      return true
    }
    this.setWaiting(this.waiting + 1)
    this.tasks.push(task)
    this.epochs.push(task.epoch)
    task.room = this
    return false
  }

  /** Opens a connection if those in use are more than were ever open. False: the store takes no more. */
  connect(): boolean {
    const { store } = this
    if (store === undefined) return true
    if (store.incarnation !== this.incarnation) {
      this.incarnation = store.incarnation
      this.open = 0
    }
    if (this.inUse <= this.open) return true
    if (store.connections >= store.maxConnections) return false
    store.connections += 1
    this.open += 1
    return true
  }

  release(): void {
    if (this.closed) return
    while (this.tasks.size > 0) {
      const task = this.tasks.shift()
      const epoch = this.epochs.shift()
      if (task.epoch !== epoch) continue
      this.setWaiting(this.waiting - 1)
      task.room = undefined
      task.granted = this
      this.wake(task)
      return
    }
    this.inUse -= 1
    this.inUseGauge.set(this.inUse, this.clock.now)
  }

  left(): void {
    if (this.closed) return
    this.setWaiting(this.waiting - 1)
  }

  gaveUp(): void {
    this.timeouts += 1
  }

  /** Its process is gone. */
  close(): void {
    this.closed = true
    this.inUseGauge.set(0, this.clock.now)
    this.waitingGauge.set(0, this.clock.now)
    if (this.store !== undefined && this.store.incarnation === this.incarnation) this.store.connections -= this.open
  }

  private setWaiting(waiting: number): void {
    this.waiting = waiting
    this.waitingGauge.set(waiting, this.clock.now)
  }
}

/** A pool of connections of one process: first come, first served, the wait bounded by the acquire timeout (hot path). */
import { poolTimeout } from './codes.js'
import { IntRing, type Line } from './columns.js'
import type { Endpoint } from './endpoint.js'
import { Gauge } from './gauge.js'
import type { Kernel } from './kernel.js'
import type { Room } from './room.js'

// Its members become literals (docs/adr/0017): V8 reads a constant of a module from memory each time.
const enum Fixed {
  none = -1,
}

export class ConnectionPool implements Room {
  /** In `kernel.rooms`. */
  readonly id: number
  inUse = 0
  /** Connections that have been opened; they are kept. */
  private open = 0
  private server: Endpoint | undefined = undefined
  private incarnation = -1
  private closed = false
  timeouts = 0
  readonly inUseGauge: Gauge
  readonly waitingGauge: Gauge

  constructor(
    private readonly kernel: Kernel,
    readonly size: number,
    /** The store, when it is one process: its connections are limited. */
    private readonly store: () => Endpoint | undefined,
    /** The pool of the process before it was started anew: what was counted goes on. */
    previous: ConnectionPool | undefined,
    /** Who waits. */
    private readonly line: Line = new IntRing(),
  ) {
    this.id = kernel.addRoom(this)
    this.inUseGauge = previous?.inUseGauge ?? new Gauge(kernel.queue)
    this.waitingGauge = previous?.waitingGauge ?? new Gauge(kernel.queue)
    this.timeouts = previous?.timeouts ?? 0
  }

  /** True: the task has a connection. False: it waits in line. */
  acquire(task: number): boolean {
    const { tasks } = this.kernel
    if (this.inUse < this.size) {
      this.inUse += 1
      this.inUseGauge.add()
      tasks.granted[task] = this.id
      return true
    }
    this.waitingGauge.add()
    this.line.push(task, tasks.epoch[task] as number)
    tasks.room[task] = this.id
    return false
  }

  /** Opens a connection if those in use are more than were ever open. False: the store takes no more. */
  connect(): boolean {
    const store = this.store()
    if (store === undefined) return true
    if (store !== this.server || store.incarnation !== this.incarnation) {
      this.disconnect()
      this.server = store
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
    const { tasks } = this.kernel
    while (this.line.size > 0) {
      const task = this.line.shift()
      if (tasks.epoch[task] !== this.line.stamp) continue
      this.waitingGauge.subtract()
      tasks.room[task] = Fixed.none
      tasks.granted[task] = this.id
      this.kernel.wake(task)
      return
    }
    this.inUse -= 1
    this.inUseGauge.subtract()
  }

  left(): void {
    if (!this.closed) this.waitingGauge.subtract()
  }

  gaveUp(): number {
    this.timeouts += 1
    return poolTimeout
  }

  /** Its process is gone. */
  close(): void {
    this.closed = true
    this.inUseGauge.set(0)
    this.waitingGauge.set(0)
    this.disconnect()
  }

  /** Unless the store is gone, and its connections with it. */
  private disconnect(): void {
    const { server } = this
    if (server !== undefined && server.incarnation === this.incarnation) server.connections -= this.open
    this.server = undefined
  }
}

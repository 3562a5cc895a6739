/** Where tasks wait for locks: of a cache, or of the rows of a database (hot path). */
import { Locks } from '../state/locks.js'
import { dependency } from './codes.js'
import { grownInts, initialRows } from './columns.js'
import type { Kernel } from './kernel.js'
import { Lane } from './lane.js'
import type { Room } from './room.js'
import { none } from './tasks.js'

export class LockRoom implements Room {
  readonly locks: Locks
  private readonly id: number
  /** By the row of a task: the hold that it was granted while it waited. */
  private holds = new Int32Array(initialRows)
  private readonly lanes = new Map<number, Lane>()

  constructor(
    private readonly kernel: Kernel,
    /** What a task fails with that waited as long as it may. */
    private readonly gaveUpCode: number,
  ) {
    this.id = kernel.addRoom(this)
    this.locks = new Locks({
      granted: (row, hold) => this.grant(row, hold),
      held: (row, ttlSeconds) => this.laneOf(ttlSeconds).add(row),
    })
  }

  /** The hold; −1: the task waits in line, and goes on at its `pc` with `taken`. */
  enter(task: number, space: number, key: number, owner: number, ttlSeconds: number, fenced: boolean): number {
    const { now } = this.kernel.queue
    const hold = this.locks.acquire(space, key, owner, ttlSeconds, fenced, now)
    if (hold >= 0) return hold
    this.locks.wait(space, key, this.kernel.tasks.row(task), owner, ttlSeconds, fenced, now)
    this.kernel.tasks.room[task] = this.id
    return hold
  }

  /** What the task was granted is its own to release from now on. */
  taken(task: number): number {
    this.kernel.tasks.granted[task] = none
    return this.holds[this.kernel.tasks.row(task)] as number
  }

  left(task: number): void {
    this.locks.leave(this.kernel.tasks.row(task))
  }

  gaveUp(): number {
    return this.gaveUpCode
  }

  /** It was granted the lock and is gone before it knew. */
  release(task: number): void {
    this.locks.release(this.holds[this.kernel.tasks.row(task)] as number, this.kernel.now)
  }

  /** The store of these locks is gone: who waits loses its connection; the locks themselves are gone where it does not persist. */
  storeGone(space: number, concerns: (key: number, heldSince: number) => boolean, persists: boolean): void {
    const { kernel } = this
    const woken: number[] = []
    if (persists)
      this.locks.dismiss(
        space,
        (key) => concerns(key, 0),
        (row) => woken.push(row),
      )
    else this.locks.forget(space, concerns, (row) => woken.push(row))
    for (const row of woken) {
      const task = kernel.tasks.ofRow(row)
      kernel.interrupt(task)
      kernel.goOn(kernel.fail(task, dependency))
    }
  }

  private grant(row: number, hold: number): void {
    const { tasks } = this.kernel
    if (row >= this.holds.length) this.holds = grownInts(this.holds, Math.max(2 * this.holds.length, row + 1))
    this.holds[row] = hold
    const task = tasks.ofRow(row)
    tasks.room[task] = none
    tasks.granted[task] = this.id
    this.kernel.wake(task)
  }

  private laneOf(ttlSeconds: number): Lane {
    let lane = this.lanes.get(ttlSeconds)
    if (lane === undefined) {
      const { queue } = this.kernel
      lane = new Lane(queue, ttlSeconds, this.locks, (row) => this.locks.due(row, queue.now))
      this.lanes.set(ttlSeconds, lane)
    }
    return lane
  }
}

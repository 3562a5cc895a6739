/**
 * Everything that a task may wait for by the clock alone (hot path). Delays of a fixed length share a lane each; what they are
 * for may be over when they are due, which the stamp tells: the epoch of a wait, or the serial of a frame.
 */
import { Delays } from './delays.js'
import type { EventQueue } from './event-queue.js'
import { Lane, type LaneClient } from './lane.js'
import type { Frame, Task } from './task.js'

/** How long a caller takes to learn that nobody listens, or that it was turned away: a round trip on one machine. */
const refusalSeconds = 100e-6

export interface TimerHooks {
  /** What the task waited for has come. */
  readonly wake: (task: Task) => void
  /** The time of the frame with this serial is over. */
  readonly expire: (task: Task, serial: number) => void
  /** The task has waited for a connection as long as it may. */
  readonly giveUp: (task: Task) => void
}

const staleWait = (task: Task, epoch: number): boolean => task.epoch !== epoch

export class Timers {
  private readonly waits: Delays<Task>
  private readonly hops: Lane<Task>
  private readonly limits = new Map<number, Lane<Task>>()
  private readonly acquires = new Map<number, Lane<Task>>()

  constructor(
    private readonly queue: EventQueue,
    private readonly hooks: TimerHooks,
  ) {
    const waiters: LaneClient<Task> = { stale: staleWait, due: hooks.wake }
    this.waits = new Delays(queue, waiters)
    this.hops = new Lane(queue, refusalSeconds, waiters)
  }

  /** The task goes on `seconds` from now. */
  sleep(task: Task, seconds: number): void {
    this.waits.add(task, task.epoch, seconds)
  }

  /** The task goes on as soon as a refusal can have reached it. */
  hop(task: Task): void {
    this.hops.add(task, task.epoch)
  }

  /** When `seconds` have passed and the frame is still on the stack, it expires. */
  limit(task: Task, frame: Frame, seconds: number): void {
    let lane = this.limits.get(seconds)
    if (lane === undefined) {
      lane = new Lane(this.queue, seconds, {
        stale: (late, serial) => late.frameIndex(serial) < 0,
        due: this.hooks.expire,
      })
      this.limits.set(seconds, lane)
    }
    lane.add(task, frame.serial)
  }

  /** The task waits for a connection: `seconds` from now it gives up. */
  limitAcquire(task: Task, seconds: number): void {
    let lane = this.acquires.get(seconds)
    if (lane === undefined) {
      lane = new Lane(this.queue, seconds, { stale: staleWait, due: this.hooks.giveUp })
      this.acquires.set(seconds, lane)
    }
    lane.add(task, task.epoch)
  }
}

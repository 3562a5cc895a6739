/**
 * Everything that a task may wait for by the clock alone (hot path). Delays of a fixed length share a lane each; what they are
 * for may be over when they are due, which the epoch of the wait or of the frame tells.
 */
import { Delays } from './delays.js'
import type { EventQueue } from './event-queue.js'
import type { Frames } from './frames.js'
import { Lane, type Stamped } from './lane.js'
import { sourceKinds } from './loop.js'
import type { Tasks } from './tasks.js'

/** How long a caller takes to learn that nobody listens, or that it was turned away: a round trip on one machine. */
const refusalSeconds = 100e-6

export interface TimerHooks {
  /** What the task waited for has come. */
  readonly wake: (task: number) => void
  /** The time of the frame is over. */
  readonly expire: (frame: number) => void
  /** The task has waited in its room as long as it may. */
  readonly giveUp: (task: number) => void
}

export class Timers {
  private readonly waits: Delays
  private readonly hops: Lane
  private readonly limits = new Map<number, Lane>()
  private readonly patience = new Map<number, Lane>()
  /** How long the next `sleep` takes, in seconds: a cell, so that no number is boxed on its way. */
  readonly seconds: Float64Array

  constructor(
    private readonly queue: EventQueue,
    private readonly tasks: Tasks,
    private readonly frames: Frames,
    private readonly hooks: TimerHooks,
  ) {
    this.waits = new Delays(queue, tasks, hooks.wake, sourceKinds.delays)
    this.seconds = this.waits.seconds
    this.hops = new Lane(queue, refusalSeconds, tasks, hooks.wake)
  }

  /** The task goes on `seconds[0]` from now. */
  sleep(task: number): void {
    this.waits.add(task)
  }

  /** The task goes on as soon as a refusal can have reached it. */
  hop(task: number): void {
    this.hops.add(task)
  }

  /** `add(frame)` to this lane: when `seconds` have passed and the frame is still on the stack, it expires. */
  limit(seconds: number): Lane {
    return laneOf(this.limits, seconds, () => new Lane(this.queue, seconds, this.frames, this.hooks.expire))
  }

  /** A lane of its own for whatever else waits for `seconds`. */
  lane(seconds: number, owner: Stamped, due: (item: number) => void): Lane {
    return new Lane(this.queue, seconds, owner, due)
  }

  /** `add(task)` to this lane: a task that still waits in its room after `seconds` gives up. */
  limitWait(seconds: number): Lane {
    return laneOf(this.patience, seconds, () => new Lane(this.queue, seconds, this.tasks, this.hooks.giveUp))
  }
}

const laneOf = (lanes: Map<number, Lane>, seconds: number, make: () => Lane): Lane => {
  let lane = lanes.get(seconds)
  if (lane === undefined) {
    lane = make()
    lanes.set(seconds, lane)
  }
  return lane
}

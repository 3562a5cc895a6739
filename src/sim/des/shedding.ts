/**
 * Who gives way at a process that has as many calls in hand as it takes: the newest of those with the lowest priority, in favour
 * of one with a higher one. A call is known by the frame around its flow, which ends with it.
 */
import { IntStack } from './columns.js'
import type { Frames } from './frames.js'
import type { Priorities } from './priorities.js'

interface Level {
  readonly frames: IntStack
  readonly epochs: IntStack
}

export class Shedding {
  private readonly levels: readonly Level[]

  constructor(
    private readonly frames: Frames,
    private readonly priorities: Priorities,
  ) {
    this.levels = Array.from({ length: priorities.levels }, () => ({ frames: new IntStack(), epochs: new IntStack() }))
  }

  /** A call is taken in hand. */
  arrived(task: number, frame: number, callsInHand: number): void {
    const level = this.levels[this.priorities.levelOf(task)] as Level
    // Those that were answered in the meantime are dropped before they are as many again.
    if (level.frames.size > 2 * callsInHand + 64) this.compact(level)
    level.frames.push(frame)
    level.epochs.push(this.frames.epoch[frame] as number)
  }

  /** The call that makes room for `caller`'s; −1: none is less important. */
  victim(caller: number): number {
    const own = this.priorities.levelOf(caller)
    for (let i = this.levels.length - 1; i > own; i--) {
      const { frames, epochs } = this.levels[i] as Level
      while (frames.size > 0) {
        const frame = frames.pop()
        if (this.frames.epoch[frame] === epochs.pop()) return this.frames.task[frame] as number
      }
    }
    return -1
  }

  private compact({ frames, epochs }: Level): void {
    const kept: number[] = []
    while (frames.size > 0) {
      const frame = frames.pop()
      const epoch = epochs.pop()
      if (this.frames.epoch[frame] === epoch) kept.push(frame)
    }
    for (const frame of kept.reverse()) {
      frames.push(frame)
      epochs.push(this.frames.epoch[frame] as number)
    }
  }
}

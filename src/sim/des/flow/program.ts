/** The compiler's workbench: closures are appended one after the other, jumps are patched when their target is known. */
import type { DataId } from '../../../topology/types.js'
import type { Kernel } from '../kernel.js'
import type { System } from '../system.js'
import { type Frame, type FrameCode, type Op, propagate, type Task } from '../task.js'

export class Label {
  pc = -1
}

/** Where in the flow a step stands. */
export interface Scope {
  /** The key of the lookup around it. */
  readonly key: DataId | undefined
  readonly insideLookup: boolean
  /** Pools of which a transaction around it holds a connection. */
  readonly heldPools: readonly string[]
}

export class Program {
  readonly ops: Op[] = []
  readonly kernel: Kernel

  constructor(
    readonly system: System,
    /** The service whose processes run this. */
    readonly component: string,
  ) {
    this.kernel = system.kernel
  }

  get here(): number {
    return this.ops.length
  }

  emit(op: Op): void {
    this.ops.push(op)
  }

  place(label: Label): void {
    label.pc = this.here
  }

  jump(label: Label): void {
    this.emit(() => label.pc)
  }

  /** Puts a frame with this code on the stack; `begin` fills it in. */
  enter(code: FrameCode, begin?: (task: Task, frame: Frame) => void): void {
    const next = this.here + 1
    const { queue } = this.kernel
    if (begin === undefined)
      this.emit((task) => {
        task.push(code, queue.now)
        return next
      })
    else
      this.emit((task) => {
        begin(task, task.push(code, queue.now))
        return next
      })
  }

  /** Takes the newest frame off again. */
  leave(finish?: (task: Task, frame: Frame) => void): void {
    const next = this.here + 1
    if (finish === undefined)
      this.emit((task) => {
        task.depth -= 1
        return next
      })
    else
      this.emit((task) => {
        const frame = task.top
        task.depth -= 1
        finish(task, frame)
        return next
      })
  }
}

/** Takes the frame off and lets the error through. */
export const letThrough = (task: Task): number => {
  task.depth -= 1
  return propagate
}

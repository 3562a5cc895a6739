/**
 * The compiler's workbench: closures are appended to the kernel's one list of operations, jumps are resolved when their target
 * is known. A program is contiguous: only one is open at a time (see `System.later`).
 */
import type { DataId } from '../../../topology/types.js'
import { ok } from '../codes.js'
import { Endpoint } from '../endpoint.js'
import { type FrameCode, propagate } from '../frames.js'
import type { Kernel, Op } from '../kernel.js'
import type { Lane } from '../lane.js'
import { opCodes } from '../loop.js'
import { type CallSite, type Choice, type Finish, numbered, Shards } from '../operands.js'
import type { System } from '../system.js'
import type { Work } from '../work.js'

/** Of calls that need no task. */
type LightChoice = Pick<CallSite, 'byRequest' | 'some'>

const noLight: LightChoice = { byRequest: undefined, some: undefined }

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
  /** By such a pool, the code of the transaction's frame. */
  readonly transactions?: ReadonlyMap<string, number>
  /** The code of the frame of a lock around it whose token its writes carry. */
  readonly fence?: number
}

export class Program {
  readonly kernel: Kernel
  /** Where it begins. */
  readonly start: number
  /** What its process has to do when an answer comes in that it waited for. */
  turn: Work | undefined = undefined
  /** To be done in the same go as the CPU of the first step. */
  onTop: Work | undefined = undefined

  constructor(
    readonly system: System,
    /** The component whose processes run this. */
    readonly component: string,
  ) {
    this.kernel = system.kernel
    this.start = this.kernel.ops.length
  }

  get here(): number {
    return this.kernel.ops.length
  }

  /** `code` (of `opCodes`) is what the loop does in the closure's place, with its arguments. */
  emit(op: Op, code: number = opCodes.closure, a = 0, b = 0): void {
    this.kernel.emit(op, code, a, b)
  }

  /** The task is over: success. */
  end(): void {
    const { kernel } = this
    this.emit((task) => kernel.end(task, ok), opCodes.end)
  }

  place(label: Label): void {
    label.pc = this.here
  }

  jump(label: Label): void {
    this.emit(() => label.pc, opCodes.jump, numbered(this.kernel.operands.labels, label))
  }

  /** As `end`, with whatever code `commit` says. */
  endWith(commit: (task: number) => number): void {
    const { kernel } = this
    this.emit((task) => kernel.end(task, commit(task)), opCodes.endWith, numbered(kernel.operands.commits, commit))
  }

  /** The task calls whom `choice` says (nobody: it fails with `missing`) for `goal`, and goes on with the next operation. */
  call(choice: Choice, goal: number, edge: number, missing: number, light: LightChoice = noLight): void {
    const { kernel } = this
    const { tasks } = kernel
    const answered = this.here + 1
    const only = choice instanceof Endpoint ? choice : undefined
    const shards = choice instanceof Shards ? choice : undefined
    const choose = choice instanceof Endpoint ? () => choice : choice instanceof Shards ? choice.choose : choice
    this.emit(
      (task) => {
        const endpoint = choose(task)
        if (endpoint === undefined) return kernel.fail(task, missing)
        tasks.pc[task] = answered
        return kernel.call(task, endpoint, goal, edge)
      },
      opCodes.call,
      numbered(kernel.operands.calls, { only, shards, choose, goal, edge, missing, ...light }),
    )
  }

  /** Puts a frame with this code on the stack; `begin` fills it in. */
  enter(code: FrameCode, begin?: (task: number, frame: number) => void): void {
    const next = this.here + 1
    const { frames } = this.kernel
    const number = frames.register(code)
    if (begin === undefined)
      this.emit(
        (task) => {
          frames.push(task, number)
          return next
        },
        opCodes.enter,
        number,
      )
    else
      this.emit(
        (task) => {
          begin(task, frames.push(task, number))
          return next
        },
        opCodes.enterWith,
        number,
        numbered(this.kernel.operands.begins, begin),
      )
  }

  /** As `enter`: the frame expires in this lane. */
  enterFor(code: FrameCode, lane: Lane): void {
    const next = this.here + 1
    const { frames } = this.kernel
    const number = frames.register(code)
    this.emit(
      (task) => {
        lane.add(frames.push(task, number))
        return next
      },
      opCodes.enterFor,
      number,
      numbered(this.kernel.operands.lanes, lane),
    )
  }

  /** Takes the newest frame off again. */
  leave(finish?: Finish): void {
    const next = this.here + 1
    const { frames } = this.kernel
    if (finish === undefined)
      this.emit((task) => {
        frames.pop(task)
        return next
      }, opCodes.leave)
    else
      this.emit(
        (task) => {
          finish(task, frames.pop(task))
          return next
        },
        opCodes.leaveWith,
        numbered(this.kernel.operands.finishes, finish),
      )
  }

  /** The `count` of the newest frame becomes this. */
  count(count: number): void {
    const next = this.here + 1
    const { frames, tasks } = this.kernel
    this.emit(
      (task) => {
        frames.count[tasks.frame[task] as number] = count
        return next
      },
      opCodes.count,
      count,
    )
  }
}

/** Of frames that let errors through and have nothing to give back. */
export const transparent: FrameCode = { failed: () => propagate, dropped: () => undefined }

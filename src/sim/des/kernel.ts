/**
 * Runs tasks: starts calls, wakes who waits, passes errors up, ends what is over. It knows no technology and no kind of step.
 * Hot path: a ready stack instead of recursion, pooled tasks, and no allocation per event.
 */
import { invalidInput } from '../../lib/errors.js'
import { Edges } from './edges.js'
import type { Endpoint } from './endpoint.js'
import { EventQueue } from './event-queue.js'
import { BurstPool } from './processor.js'
import type { Request, RequestPool } from './request.js'
import { blocked, type Frame, type Goal, propagate, type Task } from './task.js'
import { TaskPool } from './task-pool.js'
import { Timers } from './timers.js'

/** Steps without any progress of the clock after which the model is taken to be stuck. */
const maxStepsAtOnce = 8_000_000

export interface KernelHooks {
  /** A request of the client has ended: '' or an error code. The task is free once this returns. */
  ended(task: Task, code: string): void
  /** A caller found the endpoint gone, or lost its call there. */
  noticed(endpoint: Endpoint, by: string): void
  /** A call at an endpoint that had been noticed missing has succeeded. */
  recovered(endpoint: Endpoint): void
}

export class Kernel {
  readonly queue = new EventQueue()
  readonly bursts = new BurstPool()
  readonly timers: Timers
  readonly requests: RequestPool
  readonly edges = new Edges()
  private stuckAt = 0
  private stepsAtOnce = 0
  private readonly ready: Task[] = []
  private readonly readyEpochs: number[] = []
  private readonly tasks: TaskPool

  constructor(
    dataSets: number,
    private readonly hooks: KernelHooks,
  ) {
    this.tasks = new TaskPool(dataSets, this.queue)
    this.requests = this.tasks.requests
    this.timers = new Timers(this.queue, {
      wake: (task) => this.wake(task),
      expire: (task, serial) => this.expire(task, serial),
      giveUp: (task) => {
        task.room?.gaveUp()
        this.interrupt(task)
        this.goOn(task, this.fail(task, 'pool-timeout'))
      },
    })
  }

  get now(): number {
    return this.queue.now
  }

  /** Runs everything that happens until `untilSeconds` (inclusive), or until `done` says so. */
  run(untilSeconds: number, done: () => boolean): void {
    const { queue } = this
    this.drain()
    while (queue.nextAt <= untilSeconds && !done()) {
      queue.step()
      this.drain()
    }
  }

  /** A task at `endpoint`, in no call yet. */
  start(endpoint: Endpoint, goal: Goal, request: Request): Task {
    const task = this.tasks.take(endpoint, goal, request)
    task.ops = goal.program(endpoint)
    endpoint.enter(task, this.queue.now)
    this.push(task)
    return task
  }

  /** `caller` calls `endpoint` and is woken with the answer in `answer`. Returns `blocked`. */
  call(caller: Task, endpoint: Endpoint, goal: Goal): number {
    const connection = caller.granted
    caller.granted = undefined
    const edge = this.edges.between(caller.endpoint, endpoint)
    edge.count += 1
    caller.edge = edge
    if (endpoint.state !== 'up') {
      edge.errors += 1
      connection?.release()
      this.hooks.noticed(endpoint, caller.endpoint.station.component)
      return this.answerSoon(caller, 'refused')
    }
    endpoint.visits += 1
    if (endpoint.calls >= endpoint.maxInFlight) {
      connection?.release()
      edge.errors += 1
      return this.answerSoon(caller, '503')
    }
    const task = this.tasks.take(endpoint, goal, caller.request)
    task.parent = caller
    task.parentEpoch = caller.epoch
    task.connection = connection
    caller.callee = task
    caller.answer = ''
    endpoint.enter(task, this.queue.now)
    task.ops = endpoint.station.program(task)
    this.proceed(task)
    return blocked
  }

  /** One of several concurrent parts of `parent`; its program goes on at `pc`. */
  branch(parent: Task, pc: number): void {
    const task = this.tasks.take(parent.endpoint, parent.goal, parent.request)
    task.parent = parent
    task.parentEpoch = parent.epoch
    task.branch = true
    task.ops = parent.ops
    task.pc = pc
    parent.endpoint.enter(task, this.queue.now)
    this.push(task)
  }

  answerSoon(caller: Task, code: string): number {
    caller.answer = code
    this.timers.hop(caller)
    return blocked
  }

  /** What the task waited for has come. */
  wake(task: Task): void {
    task.epoch = (task.epoch + 1) | 0
    task.burst = undefined
    task.callee = undefined
    this.proceed(task)
  }

  /** An error in the task: the frames are asked, innermost first. Returns where to go on, or `blocked`. */
  fail(task: Task, code: string): number {
    task.code = code
    this.failLeaf(task)
    while (task.depth > 0) {
      const frame = task.top
      const pc = frame.code.failed(task, frame)
      if (pc !== propagate) return pc
    }
    this.end(task, task.branch ? task.code : task.endpoint.station.status(task.code))
    return blocked
  }

  /** The task is over; its caller is told. */
  end(task: Task, code: string): number {
    const { parent, endpoint } = task
    endpoint.leave(task, this.queue.now)
    if (task.connection !== undefined) task.connection.release()
    if (task.holdsThread) this.returnThread(task)
    if (code === '' && endpoint.noticedBy !== undefined && endpoint.state === 'up') this.hooks.recovered(endpoint)
    if (parent === undefined) this.hooks.ended(task, code)
    else if (parent.epoch === task.parentEpoch) {
      if (task.branch) this.join(parent, task, code)
      else this.answer(parent, task, code)
    }
    this.tasks.give(task)
    return blocked
  }

  /** The task stops where it is: what it held is given back, nobody is told, and its own calls are abandoned. */
  cancel(task: Task): void {
    const { burst } = task
    this.interrupt(task)
    if (burst !== undefined) burst.processor.cancel(burst)
    this.dropFrames(task, 0)
    task.endpoint.leave(task, this.queue.now)
    task.connection?.release()
    if (task.holdsThread) this.returnThread(task)
    this.tasks.give(task)
  }

  /** The task's process is gone: its caller, if it lives elsewhere, sees the connection reset. */
  crash(task: Task): void {
    const { parent, endpoint, callee } = task
    // What it called goes on without it, except that a proxy or service notices its client's absence.
    task.callee = undefined
    this.interrupt(task)
    if (callee !== undefined && callee.endpoint !== endpoint) callee.endpoint.station.abandoned(callee)
    task.depth = 0
    task.leaf = undefined
    endpoint.leave(task, this.queue.now)
    task.connection?.release()
    if (parent !== undefined && parent.epoch === task.parentEpoch && parent.endpoint !== endpoint) {
      this.hooks.noticed(endpoint, parent.endpoint.station.component)
      this.answer(parent, task, 'reset')
    }
    this.tasks.give(task)
  }

  /** Ends the task's wait without waking it. Work that it asked for goes on unheard; its call is abandoned. */
  interrupt(task: Task): void {
    const { callee, room, granted } = task
    if (task.pending > 0) this.cancelBranches(task)
    task.epoch = (task.epoch + 1) | 0
    task.burst = undefined
    task.callee = undefined
    task.room = undefined
    task.granted = undefined
    room?.left(task)
    granted?.release()
    if (callee !== undefined) callee.endpoint.station.abandoned(callee)
  }

  /** Takes frames off, innermost first, until `depth` are left. */
  dropFrames(task: Task, depth: number): void {
    this.failLeaf(task)
    while (task.depth > depth) {
      const frame = task.top
      task.depth -= 1
      frame.code.dropped(task, frame)
    }
  }

  cancelBranches(parent: Task): void {
    parent.pending = 0
    const branches = parent.endpoint.tasks.filter(
      (task) => task.branch && task.parent === parent && task.parentEpoch === parent.epoch,
    )
    for (const branch of branches) this.cancel(branch)
  }

  /** Goes on at `pc`, from outside of the running program. */
  goOn(task: Task, pc: number): void {
    if (pc < 0) return
    task.pc = pc
    this.proceed(task)
  }

  /** A pause is over: what was held back goes on. */
  releaseHeld(endpoint: Endpoint): void {
    const { held } = endpoint
    endpoint.held = []
    for (const { task, epoch } of held) if (task.epoch === epoch) this.push(task)
  }

  private proceed(task: Task): void {
    const { endpoint } = task
    if (endpoint.paused) endpoint.held.push({ task, epoch: task.epoch })
    else this.push(task)
  }

  private push(task: Task): void {
    this.ready.push(task)
    this.readyEpochs.push(task.epoch)
  }

  private drain(): void {
    const { ready, readyEpochs, queue } = this
    if (queue.now > this.stuckAt) {
      this.stuckAt = queue.now
      this.stepsAtOnce = 0
    }
    this.stepsAtOnce += 1
    while (ready.length > 0) {
      if (++this.stepsAtOnce > maxStepsAtOnce) throw this.standstill()
      const task = ready.pop() as Task
      if (task.epoch !== readyEpochs.pop()) continue
      let pc = task.pc
      do pc = (task.ops[pc] as (task: Task) => number)(task)
      while (pc >= 0)
    }
  }

  private standstill(): Error {
    return invalidInput({
      message: `the simulation stands still at ${this.queue.now.toFixed(3)} s`,
      why: 'requests follow one another without taking any time',
      hint: 'give the users a thinkTime, or the steps a time',
    })
  }

  private answer(parent: Task, task: Task, code: string): void {
    if (code !== '' && parent.edge !== undefined) parent.edge.errors += 1
    parent.answer = code
    parent.answerDegraded = task.degraded
    parent.answerOutcome = task.outcome
    this.wake(parent)
  }

  private join(parent: Task, task: Task, code: string): void {
    if (task.degraded) parent.degraded = true
    parent.pending -= 1
    const decided = parent.joinAny ? code === '' : code !== ''
    if (decided) {
      // The one that decides is still listed; it must not be cancelled twice.
      task.parent = undefined
      this.cancelBranches(parent)
    }
    if (!decided && parent.pending > 0) return
    parent.answer = code
    this.wake(parent)
  }

  private expire(task: Task, serial: number): void {
    const index = task.frameIndex(serial)
    const frame = task.frames[index] as Frame
    this.interrupt(task)
    // The limit's own frame sees the error as any other does.
    this.dropFrames(task, index + 1)
    this.goOn(task, this.fail(task, frame.code.expiresAs ?? 'timeout'))
  }

  private failLeaf(task: Task): void {
    if (task.leaf === undefined) return
    task.leaf.failed(this.queue.now - task.leafStartedAt)
    task.leaf = undefined
  }

  private returnThread(task: Task): void {
    task.holdsThread = false
    task.endpoint.releaseThread((next) => this.wake(next))
  }
}

/** Tasks that are not in use, and a bound on those that are (hot path: a task is reset, not made). */
import { targetFailed } from '../../lib/errors.js'
import type { Endpoint } from './endpoint.js'
import { type Request, RequestPool } from './request.js'
import { type Goal, Task } from './task.js'

/** What an overloaded model may hold before the simulation says that it has exploded. */
const maxLiveTasks = 4_000_000

export class TaskPool {
  readonly requests: RequestPool
  private live = 0
  private readonly free: Task[] = []

  constructor(
    dataSets: number,
    private readonly clock: { readonly now: number },
  ) {
    this.requests = new RequestPool(dataSets)
  }

  take(endpoint: Endpoint, goal: Goal, request: Request): Task {
    this.live += 1
    if (this.live > maxLiveTasks)
      throw targetFailed(
        `the simulation explodes: ${maxLiveTasks} calls in flight at ${this.clock.now.toFixed(1)} s`,
        'more work arrives than can be done, and nothing gives it up',
        'lower the load, or declare maxInFlight, timeouts or acquireTimeout',
      )
    request.references += 1
    const task = this.free.pop()
    if (task === undefined) return new Task(endpoint, goal, request)
    task.endpoint = endpoint
    task.goal = goal
    task.request = request
    task.pc = 0
    return task
  }

  give(task: Task): void {
    this.live -= 1
    this.requests.release(task.request)
    task.epoch = (task.epoch + 1) | 0
    task.depth = 0
    task.parent = undefined
    task.branch = false
    task.pending = 0
    task.burst = undefined
    task.callee = undefined
    task.room = undefined
    task.connection = undefined
    task.granted = undefined
    task.holdsThread = false
    task.degraded = false
    task.outcome = 0
    task.leaf = undefined
    task.peer = -1
    if (task.tried.length > 0) task.tried.length = 0
    this.free.push(task)
  }
}

/** One process that takes calls: of the client, a balancer, a service, a store. What kind it is, its station says. */
import type { BreakerMachine } from '../../policy/breaker.js'
import type { RetryBudget } from '../../policy/retry.js'
import type { ConnectionPool } from './connection-pool.js'
import type { EdgeCount } from './edges.js'
import type { Gauge } from './gauge.js'
import type { Processor } from './processor.js'
import { Ring } from './ring.js'
import type { StaleMemory } from './stale-memory.js'
import type { Op, Room, Task } from './task.js'

/** The behaviour of one kind of component, shared by its processes. */
export interface Station {
  readonly component: string
  /** What an arriving call runs. */
  program(task: Task): readonly Op[]
  /** The caller of `task` has gone. */
  abandoned(task: Task): void
  /** What the caller is told when `task` ends with this error. */
  status(code: string): string
  /** What a graceful stop does to the calls in hand. */
  readonly onStop: 'drain' | 'reset'
  /** The process has started anew and remembers nothing. */
  renew(endpoint: Endpoint): void
}

export type EndpointState = 'up' | 'draining' | 'down'

export class Endpoint implements Room {
  state: EndpointState = 'up'
  paused = false
  /** Counts starts: what belongs to an earlier one is gone. */
  incarnation = 0
  readonly tasks: Task[] = []
  /** Calls in hand (branches of one call count once). */
  calls = 0
  visits = 0
  /** Calls beyond this are answered 503. */
  maxInFlight = Number.POSITIVE_INFINITY
  /** Connections taken, and how many it takes at most. */
  connections = 0
  maxConnections = Number.POSITIVE_INFINITY
  /** Threads that calls hold from start to end; infinite: none needed. */
  threads = Number.POSITIVE_INFINITY
  private threadsInUse = 0
  private readonly threadQueue = new Ring<Task>()
  private readonly threadEpochs = new Ring<number>()
  /** By index of the pool in its component. */
  pools: ConnectionPool[] = []
  budgets: (RetryBudget | undefined)[] = []
  breakers: (BreakerMachine | undefined)[] = []
  memories: (StaleMemory | undefined)[] = []
  /** Who noticed that it is gone; undefined: nobody has, or it is not. */
  noticedBy: string | undefined = undefined
  /** Tasks that wait for a pause to end. */
  held: { readonly task: Task; readonly epoch: number }[] = []
  /** Counters of the calls that it makes. */
  readonly edges = new Map<Station, EdgeCount>()
  /** Called when a drain is over. */
  drained: (() => void) | undefined = undefined

  constructor(
    readonly station: Station,
    /** `app/0` */
    readonly instance: string,
    /** Of the instance, from 0. */
    readonly index: number,
    readonly processor: Processor | undefined,
    /** Calls in hand at all processes of the component. */
    readonly total: Gauge,
  ) {}

  enter(task: Task, now: number): void {
    task.slot = this.tasks.length
    this.tasks.push(task)
    if (task.branch) return
    this.calls += 1
    this.total.set(this.total.value + 1, now)
  }

  leave(task: Task, now: number): void {
    const last = this.tasks.pop() as Task
    if (last !== task) {
      this.tasks[task.slot] = last
      last.slot = task.slot
    }
    if (task.branch) return
    this.calls -= 1
    this.total.set(this.total.value - 1, now)
    if (this.state === 'draining' && this.calls === 0) this.drained?.()
  }

  /** True: the task has a thread. False: it waits in line. */
  acquireThread(task: Task): boolean {
    if (this.threadsInUse < this.threads) {
      this.threadsInUse += 1
      task.holdsThread = true
      return true
    }
    this.threadQueue.push(task)
    this.threadEpochs.push(task.epoch)
    task.room = this
    return false
  }

  releaseThread(wake: (task: Task) => void): void {
    while (this.threadQueue.size > 0) {
      const task = this.threadQueue.shift()
      if (task.epoch !== this.threadEpochs.shift()) continue
      task.room = undefined
      task.holdsThread = true
      wake(task)
      return
    }
    this.threadsInUse -= 1
  }

  left(): void {
    // Its entry in the queue is stale from now on.
  }

  gaveUp(): void {
    // Threads are waited for without a limit.
  }

  /** All that the process knew is gone. */
  forget(): void {
    this.incarnation += 1
    this.connections = 0
    this.threadsInUse = 0
    this.threadQueue.clear()
    this.threadEpochs.clear()
    this.budgets = []
    this.breakers = []
    this.memories = []
    this.held = []
    this.paused = false
  }
}

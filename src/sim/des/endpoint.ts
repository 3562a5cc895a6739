/** One process that takes calls: of the client, a balancer, a service, a store. What kind it is, its station says. */
import type { BreakerMachine } from '../../policy/breaker.js'
import type { RetryBudget } from '../../policy/retry.js'
import { IntRing, type Line } from './columns.js'
import type { ConnectionPool } from './connection-pool.js'
import type { Gauge } from './gauge.js'
import type { Processor } from './processor.js'
import type { Shedding } from './shedding.js'
import type { StaleMemory } from './stale-memory.js'

/** The behaviour of one kind of component, shared by its processes. */
export interface Station {
  readonly component: string
  /** Where the program begins that an arriving call runs, by goal; undefined: not compiled yet. */
  readonly programs: (number | undefined)[]
  /** Compiles it. */
  compile(goal: number): number
  /** The caller of `task` has gone. */
  abandoned(task: number): void
  /** What the caller is told when a task ends with this error. */
  status(code: number): number
  /** A dependency that is not ours. */
  readonly external?: boolean
  /** What a graceful stop does to the calls in hand. */
  readonly onStop: 'drain' | 'reset'
  /** The process is gone with all that it had in hand, or cannot be heard. */
  lost?(endpoint: Endpoint, how: Gone): void
  /** It takes calls again. */
  back?(endpoint: Endpoint): void
  /** A graceful stop begins: it takes no new work, and goes when it has done what it has. */
  draining?(endpoint: Endpoint): void
  /** The process has started anew and remembers nothing. */
  renew(endpoint: Endpoint): void
}

/** How a process went: in order, by itself, with its machine, or it is only out of reach. */
export type Gone = 'stopped' | 'crashed' | 'machine' | 'unheard'

export type EndpointState = 'up' | 'draining' | 'down'

export class Endpoint {
  state: EndpointState = 'up'
  paused = false
  /** In `kernel.endpoints`. */
  id = -1
  /** Faults in force that leave no room on its disk, and what they add to each disk operation. */
  fullDisks = 0
  diskSeconds = 0
  /** Which partitions it is inside of, as bits: only those of the same island reach each other. */
  island = 0
  /** Counts starts: what belongs to an earlier one is gone. */
  incarnation = 0
  /** Calls in hand (branches of one call count once). */
  calls = 0
  visits = 0
  /** Calls beyond this are answered 503. */
  maxInFlight = Number.POSITIVE_INFINITY
  /** Connections taken, and how many it takes at most. */
  connections = 0
  maxConnections = Number.POSITIVE_INFINITY
  /** What each fault in force leaves of them. */
  readonly leftConnections: number[] = []
  /** Threads that calls hold from start to end; infinite: none needed. */
  threads = Number.POSITIVE_INFINITY
  threadsInUse = 0
  /** Tasks that wait for a thread, with their epochs. */
  threadLine: Line = new IntRing()
  /** Who gives way when it is full; undefined: whoever arrives. */
  shedding: Shedding | undefined = undefined
  /** By index of the pool in its component. */
  pools: ConnectionPool[] = []
  budgets: (RetryBudget | undefined)[] = []
  breakers: (BreakerMachine | undefined)[] = []
  memories: (StaleMemory | undefined)[] = []
  /** Who noticed that it is gone; undefined: nobody has, or it is not. */
  noticedBy: string | undefined = undefined
  /** Tasks that wait for a pause to end, with their epochs. */
  readonly held = new IntRing()
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

  /** All that the process knew is gone. */
  forget(): void {
    this.incarnation += 1
    this.connections = 0
    this.threadsInUse = 0
    this.threadLine.clear()
    this.budgets = []
    this.breakers = []
    this.memories = []
    this.held.clear()
    this.paused = false
  }
}

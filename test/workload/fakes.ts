/** Time, stores and randomness under a test's control: no sockets, no sleeps. */
import type { Statement } from '../../src/catalog/postgres/statements.js'
import { randomStream } from '../../src/lib/random.js'
import type { Step } from '../../src/topology/flow.js'
import type { Topology } from '../../src/topology/types.js'
import { Cancellation } from '../../src/workload/cancellation.js'
import type { Clock } from '../../src/workload/clock.js'
import { type Environment, outermost, type RequestState, type SqlConnection } from '../../src/workload/frame.js'
import { compileFlow } from '../../src/workload/interpreter.js'
import { keyChooser, RequestKeys } from '../../src/workload/keys.js'
import { Meters } from '../../src/workload/meter.js'
import { ConnectionPool } from '../../src/workload/pool.js'

/** Lets everything run that needs no time. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class FakeClock implements Clock {
  #now = 0
  #timers = new Set<{ readonly at: number; readonly then: () => void }>()

  now(): number {
    return this.#now
  }

  after(milliseconds: number, then: () => void): () => void {
    const timer = { at: this.#now + milliseconds / 1000, then }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get pending(): number {
    return this.#timers.size
  }

  /** Fires what is due on the way, in order, and lets its consequences run. */
  async advance(seconds: number): Promise<void> {
    const end = this.#now + seconds
    for (;;) {
      await settle()
      const next = [...this.#timers].filter((timer) => timer.at <= end + 1e-9).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.then()
    }
    this.#now = end
  }
}

/** A cache that answers as told, and keeps nothing but what is stored. */
export class FakeCache {
  readonly stored = new Map<string, number | undefined>()
  readonly deleted: string[] = []
  alive = true
  async get(key: string): Promise<'hit' | 'miss' | 'error'> {
    return this.alive ? (this.stored.has(key) ? 'hit' : 'miss') : 'error'
  }
  async set(key: string, _value: Buffer, ttlSeconds: number | undefined): Promise<void> {
    if (this.alive) this.stored.set(key, ttlSeconds)
  }
  async delete(key: string): Promise<void> {
    this.deleted.push(key)
    this.stored.delete(key)
  }
}

/** A database whose statements take `seconds` (BEGIN, COMMIT and ROLLBACK none), or fail with `failure`. */
export class FakeDatabase {
  seconds = 0
  failure: Error | undefined
  /** When set, connecting fails. */
  down = false
  /** A server that hangs confirms no cancellation. */
  confirmsCancel = true
  readonly log: string[] = []
  opened = 0
  closed = 0

  constructor(readonly clock: FakeClock) {}

  async open(lost: () => void): Promise<SqlConnection> {
    if (this.down) throw new Error('connect ECONNREFUSED')
    const id = this.opened++
    let stop: ((error: Error) => void) | undefined
    return {
      run: (statement: Statement | string) => {
        const text = typeof statement === 'string' ? statement : (statement.text.split(' ')[0] ?? '')
        this.log.push(`${id} ${text}`)
        const { failure, seconds } = this
        if (failure !== undefined && typeof statement !== 'string') return Promise.reject(failure)
        if (seconds === 0 || typeof statement === 'string') return Promise.resolve()
        return new Promise((resolve, reject) => {
          const forget = this.clock.after(seconds * 1000, resolve)
          stop = (error) => {
            forget()
            reject(error)
          }
        })
      },
      cancel: () => {
        this.log.push(`${id} cancel`)
        if (this.confirmsCancel) stop?.(new Error('canceling statement due to user request'))
      },
      standby: undefined,
      close: () => {
        this.closed++
      },
      destroy: () => {
        this.closed++
        stop?.(new Error('Connection terminated'))
        lost()
      },
    }
  }
}

export interface Bench {
  readonly clock: FakeClock
  readonly cache: FakeCache
  readonly database: FakeDatabase
  readonly pool: ConnectionPool<SqlConnection>
  readonly env: Environment
  /** CPU-seconds that compute steps asked for. */
  readonly burnt: number[]
  /** Runs a flow; `keys` says what the request is about. */
  run(flow: readonly Step[], keys?: Readonly<Record<string, number>>): Running
  /** As `run`, with a flow that was compiled before: its breakers, budgets and memories are shared. */
  compiled(flow: readonly Step[]): (keys?: Readonly<Record<string, number>>) => Running
}

export interface Running {
  readonly request: RequestState
  readonly cancel: Cancellation
  /** Undefined while it runs; then `ok`, or the code or message of its failure, and when. */
  outcome: { readonly result: string; readonly at: number; readonly error?: unknown } | undefined
}

export const bench = (
  topology: Topology,
  options: { readonly poolSize?: number; readonly acquireTimeoutSeconds?: number } = {},
): Bench => {
  const clock = new FakeClock()
  const cache = new FakeCache()
  const database = new FakeDatabase(clock)
  const pool = new ConnectionPool<SqlConnection>({
    size: options.poolSize ?? 2,
    acquireTimeoutSeconds: options.acquireTimeoutSeconds,
    open: (lost) => database.open(lost),
    close: () => {},
    clock,
  })
  const burnt: number[] = []
  const stream = (name: string) => randomStream(1, name)
  const env: Environment = {
    topology,
    clock,
    clients: {
      cache: () => cache,
      sql: () => pool,
      iterationsPerSecond: () => 1e6,
      remote: () => ({ call: async () => undefined }),
    },
    meters: new Meters(),
    burner: {
      burn: (seconds) => {
        burnt.push(seconds)
        return seconds
      },
    },
    stream,
  }
  const choose = keyChooser(topology, stream)
  const compiled = (flow: readonly Step[]) => {
    const runner = compileFlow(flow, outermost, env)
    return (given: Readonly<Record<string, number>> = {}): Running => {
      const keys = new RequestKeys(choose)
      for (const [data, key] of Object.entries(given)) keys.set(data, key)
      const request: RequestState = { id: 'r', keys, outcome: undefined, degraded: undefined }
      const running: Running = { request, cancel: new Cancellation(), outcome: undefined }
      runner({ request, cancel: running.cancel, held: undefined }).then(
        () => {
          running.outcome = { result: 'ok', at: clock.now() }
        },
        (error: Error & { code?: string }) => {
          running.outcome = { result: error.code ?? error.message, at: clock.now(), error }
        },
      )
      return running
    }
  }
  return { clock, cache, database, pool, env, burnt, compiled, run: (flow, keys) => compiled(flow)(keys) }
}

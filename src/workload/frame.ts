/** What the closures of a compiled flow are handed, and where they get their clients from. */
import type { Statement } from '../catalog/postgres/statements.js'
import type { RandomStream } from '../lib/random.js'
import type { DataId, Target, Topology } from '../topology/types.js'
import type { Cancellation } from './cancellation.js'
import type { Clock } from './clock.js'
import type { Burner } from './cpu.js'
import type { RequestKeys } from './keys.js'
import type { Meters } from './meter.js'
import type { ConnectionPool } from './pool.js'

/** One request, as far as its flow is concerned. */
export interface RequestState {
  readonly id: string
  readonly keys: RequestKeys
  /** What the first outermost lookup found. */
  outcome: 'hit' | 'miss' | undefined
  /** The last fallback that was taken. */
  degraded: 'stale' | 'empty' | 'steps' | undefined
}

/** A request within one scope of cancellation, and the connections that transactions around hold. */
export interface Frame {
  readonly request: RequestState
  readonly cancel: Cancellation
  readonly held: Held | undefined
}

export interface Held {
  readonly pool: ConnectionPool<SqlConnection>
  readonly connection: SqlConnection
  readonly outer: Held | undefined
}

/** Executes a step or a list of steps; rejects with a StepFailure, or with a bug. */
export type Runner = (frame: Frame) => Promise<void>

export interface Cache {
  /** `error`: the cache did not answer, in time or at all. Never rejects. */
  get(key: string): Promise<'hit' | 'miss' | 'error'>
  /** Best effort: never rejects. */
  set(key: string, value: Buffer, ttlSeconds: number | undefined): Promise<void>
  delete(key: string): Promise<void>
}

export interface SqlConnection {
  /** Settles when the server is done with it. */
  run(statement: Statement | string, values?: readonly unknown[]): Promise<void>
  /** Asks the server to stop what it is running for this connection; `run` then rejects. */
  cancel(): void
  /** Breaks the connection: whatever runs rejects at once, and whoever opened it hears that it is lost. */
  destroy(): void
  /** The same, but nobody is told. */
  close(): void
  /** Is the server a standby at present? Undefined: it does not tell. */
  readonly standby: boolean | undefined
}

export interface Remote {
  /** Calls an operation with the request's keys. Resolves to the callee's fallback if its answer was degraded. */
  call(operation: string | undefined, request: RequestState, cancel: Cancellation): Promise<string | undefined>
}

/** Live connections, by target. Asked for while a flow is compiled, never per request. */
export interface Clients {
  cache(target: Target): Cache
  sql(target: Target): ConnectionPool<SqlConnection>
  /** Loop iterations of `plimsoll_work` that are a CPU-second there. */
  iterationsPerSecond(target: Target): number
  remote(target: Target): Remote
}

/** Everything that compiling a flow needs. */
export interface Environment {
  readonly topology: Topology
  readonly clock: Clock
  readonly clients: Clients
  readonly meters: Meters
  readonly burner: Burner
  /** A stream of this process for a name: the same seed, instance, process and name give the same draws. */
  readonly stream: (name: string) => RandomStream
}

/** What is known of a step's surroundings when it is compiled. */
export interface Scope {
  /** The key of the lookup around it. */
  readonly key: DataId | undefined
  readonly insideLookup: boolean
}

export const outermost: Scope = { key: undefined, insideLookup: false }

/** What an instance consists of, one life after the other: native processes, or containers. */
import type { Exit } from '../../contract/machine.js'

export interface Body {
  /** Starts all of it. Each part that ends later is told to `ended`, whoever ended it. */
  start(signal: AbortSignal | undefined, ended: () => void): Promise<void>
  /** How a part of it ended that was started last; undefined: all of it lives. */
  exit(): Exit | undefined
  /** One for each part: does it take requests? */
  readonly probes: readonly (() => Promise<boolean>)[]
  /** A start that takes longer has failed. */
  readonly startSeconds: number
  /** Asks it to end, and makes it when it does not in time; also when it is paused. Resolves when nothing of it is left. */
  stop(): Promise<void>
  /** Ends it at once, as a crash would. Resolves when nothing of it is left. */
  kill(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Its parts read their configuration again, as it is to be now; absent: they cannot without ending. */
  reconfigure?(signal: NodeJS.Signals): Promise<void>
  /** Its preparation is done again before the next start; absent: it starts as it ended. */
  makeAnew?(): void
  /** Of the living processes that were started; a container's are those that its host sees. */
  readonly pids: readonly number[]
  /** Over all of its lives: CPU time never falls. */
  usage(): Usage
}

export interface Usage {
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

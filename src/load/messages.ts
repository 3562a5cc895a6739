/** What the main thread and the load worker tell each other. */
import type { LoadResult, LoadSecond } from '../contract/load.js'
import type { Problem } from '../lib/errors.js'
import type { ExitCode } from '../lib/exit-codes.js'
import type { Mark } from './generator.js'

export type ToWorker =
  | { readonly type: 'mark' | 'mark-in-force'; readonly id: number; readonly fault: number }
  | { readonly type: 'stop'; readonly graceSeconds: number }

export type FromWorker =
  /** `startsAt`: time 0 on the clock that all threads share. */
  | { readonly type: 'started'; readonly startsAt: number }
  | { readonly type: 'second'; readonly second: LoadSecond }
  | { readonly type: 'marked'; readonly id: number; readonly mark: Mark }
  | { readonly type: 'done'; readonly result: LoadResult }
  /** A PlimsollError, in parts: its class would not survive the crossing. */
  | { readonly type: 'failed'; readonly exitCode: ExitCode; readonly problems: readonly Problem[] }

/** What the simulator says of the same run, second by second. */
import type { SecondEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import { type Moment, momentOf } from './moment.js'
import { recentSeconds } from './statistics.js'

export interface Prediction {
  readonly result: RunResult
  readonly moments: readonly Moment[]
  /** Of the seconds before `at`; the same list as long as `at` is the same. */
  readonly recent: (at: number) => readonly SecondEvent[]
}

export const predictionOf = (result: RunResult): Prediction => {
  let last: { readonly at: number; readonly seconds: readonly SecondEvent[] } | undefined
  return {
    result,
    moments: result.series.map(momentOf),
    recent: (at) => {
      if (last?.at !== at) last = { at, seconds: recentSeconds(result.series, at) }
      return last.seconds
    },
  }
}

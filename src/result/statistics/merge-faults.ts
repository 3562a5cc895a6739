/** Faults strike every replication at the same times; what followed differs: medians, with half-widths of the durations. */
import type { FaultResult } from '../run-result.js'
import { median, medianHalfWidth } from './order.js'

const counts = ['inFlightAtInjection', 'failedRequests'] as const
const times = ['injectedAt', 'undoneAt', 'detectedAt', 'firstSuccessAt', 'sloRegainedAt', 'backlogDrainedAt'] as const
const durations = ['detectionSeconds', 'recoverySeconds', 'outageSeconds'] as const

/** By position: each replication has the same faults in the same order. */
export const mergedFaults = (lists: readonly (readonly FaultResult[])[]): FaultResult[] =>
  (lists[0] ?? []).map((first, i) => {
    const each = lists.flatMap((list) => list[i] ?? [])
    const of = (key: (typeof counts | typeof times | typeof durations)[number]) => each.map((fault) => fault[key])
    const halfWidth = Object.fromEntries(
      [...durations, ...counts].flatMap((key) => {
        const half = medianHalfWidth(of(key))
        return half === null ? [] : [[key, half]]
      }),
    )
    return {
      ...first,
      ...Object.fromEntries([...times, ...durations].map((key) => [key, median(of(key))])),
      ...Object.fromEntries(counts.map((key) => [key, median(of(key)) ?? 0])),
      ...(Object.keys(halfWidth).length === 0 ? {} : { halfWidth }),
    }
  })

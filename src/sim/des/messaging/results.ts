/** What queues and topics did between two readings of their counters. */
import type { QueueSecond } from '../../../result/run-event.js'
import type { QueueResult } from '../../../result/run-result.js'
import type { QueueTotals } from './totals.js'

type ByQueue = Readonly<Record<string, QueueTotals>>

const counted = [
  'published',
  'rejected',
  'blocked',
  'delivered',
  'redelivered',
  'acked',
  'expired',
  'dropped',
  'nacked',
  'exhausted',
  'wiped',
  'received',
  'deadLettered',
  'lost',
] as const satisfies readonly (keyof QueueTotals & keyof QueueResult)[]

const meanLength = (from: QueueTotals | undefined, to: QueueTotals, elapsed: number): number =>
  elapsed > 0 ? Math.max(0, to.lengthSeconds - (from?.lengthSeconds ?? 0)) / elapsed : 0

export const queueResults = (from: ByQueue | undefined, to: ByQueue, elapsed: number): Record<string, QueueResult> =>
  mapped(to, (totals, name) => {
    const before = from?.[name]
    const counts = counted.map((key) => [key, totals[key] - (before?.[key] ?? 0)] as const)
    return {
      length: { mean: meanLength(before, totals, elapsed), max: totals.peak },
      ...(Object.fromEntries(counts) as Record<(typeof counted)[number], number>),
    }
  })

export const queueSeconds = (from: ByQueue | undefined, to: ByQueue, elapsed: number): Record<string, QueueSecond> =>
  mapped(to, (totals, name) => {
    const before = from?.[name]
    return {
      length: meanLength(before, totals, elapsed),
      published: totals.published - (before?.published ?? 0),
      rejected: totals.rejected - (before?.rejected ?? 0),
      acked: totals.acked - (before?.acked ?? 0),
      lost: totals.lost - (before?.lost ?? 0),
    }
  })

const mapped = <T>(queues: ByQueue, map: (totals: QueueTotals, name: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(queues).map(([name, totals]) => [name, map(totals, name)]))

/** Until src/result/statistics merges replications. */
import { mergeHistograms } from '../result/merge.js'
import type { ClassResult, RunResult } from '../result/run-result.js'

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

export const mergeReplications = (results: readonly RunResult[]): RunResult => {
  const [first] = results
  if (first === undefined) throw new Error('there is nothing to merge')
  if (results.length === 1) return first
  const ofClass = (id: string, own: ClassResult): ClassResult => {
    const all = results.flatMap(({ requests }) => requests[id] ?? [])
    const sum = (value: (of: ClassResult) => number): number => all.reduce((total, of) => total + value(of), 0)
    const histogram = mergeHistograms(all.map((of) => of.histogram))
    return {
      ...own,
      offered: sum((of) => of.offered),
      completed: sum((of) => of.completed),
      ok: sum((of) => of.ok),
      ratePerSecond: mean(all.map((of) => of.ratePerSecond)),
      latency: histogram.latency(),
      histogram: histogram.encode(),
    }
  }
  return {
    ...first,
    requests: Object.fromEntries(Object.entries(first.requests).map(([id, own]) => [id, ofClass(id, own)])),
    replications: results.length,
  }
}

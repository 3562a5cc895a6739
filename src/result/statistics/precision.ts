/**
 * When to stop: replications are added until the relative half-widths of the mean and of the 95th percentile of the latency of
 * `all` are at most what is wanted (the sequential procedure of A. M. Law and W. D. Kelton, Law 9.4.1). An estimated half-width of
 * γ/(1 + γ) makes the relative error, which refers to the true value, at most γ.
 */
import { formatRatio } from '../../lib/units.js'
import type { RunResult } from '../run-result.js'
import { mergeReplications } from './replications.js'

/** The procedure may not stop by chance on fewer. */
const fewestReplications = 10
const fewestBatches = 30

/** The wider of both relative half-widths; null: one of them has none. */
export const reachedPrecision = ({ requests }: RunResult): number | null => {
  const { latency, halfWidth } = requests.all ?? {}
  if (latency === null || latency === undefined) return null
  const relative = (['mean', 'p95'] as const).map((which) => {
    const width = halfWidth?.[`latency.${which}`]
    return width === undefined || latency[which] <= 0 ? null : width / latency[which]
  })
  return relative.reduce((wider, each) => (wider === null || each === null ? null : Math.max(wider, each)))
}

const isMet = (result: RunResult, wanted: number): boolean => {
  const { method, count } = result.statistics ?? { method: 'none', count: 0 }
  const reached = reachedPrecision(result)
  const enough =
    method === 'batch-means' ? count >= fewestBatches : method === 'replications' && count >= fewestReplications
  return enough && reached !== null && reached <= wanted / (1 + wanted)
}

/** Whether the replications so far, in their order, need no further one. */
export const preciseEnough = (results: readonly RunResult[], wanted: number): boolean => {
  const n = results.length
  // Looking costs as much as there are replications: beyond 20, at every tenth more of them.
  if (n === 0 || (n > 20 && n % Math.floor(n / 10) !== 0)) return false
  return isMet(mergeReplications(results.map(onlyAll)), wanted)
}

const onlyAll = (result: RunResult): RunResult => {
  const { all } = result.requests
  return {
    ...result,
    requests: all === undefined ? {} : { all },
    components: {},
    hosts: {},
    edges: {},
    steps: {},
    faults: [],
    invariants: [],
    steadyState: [],
    slo: [],
  }
}

/** The result with what was wanted and reached, and a word on it where that is not the same. */
export const withPrecision = (result: RunResult, wanted: number): RunResult => {
  if (result.statistics === undefined) return result
  const reached = reachedPrecision(result)
  const replications = result.replications ?? 1
  const why = isMet(result, wanted)
    ? undefined
    : `precision ${formatRatio(wanted)} was not reached with ${replications} ${replications === 1 ? 'replication' : 'replications'}: ${
        reached === null
          ? 'too few requests to tell the 95th percentile'
          : `mean and 95th percentile are known to ${formatRatio(reached)}`
      }; run longer, or allow more`
  return {
    ...result,
    statistics: { ...result.statistics, precision: { wanted, reached }, ...(why === undefined ? {} : { why }) },
  }
}

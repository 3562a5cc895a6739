/** How exact the estimates of a simulation are, in words. */
import type { RunResult, Statistics } from '../result/run-result.js'
import type { Cell } from './document.js'
import { formatRatio, formatSeconds } from './quantity.js'

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

/** `4 replications`; empty: a single run. */
export const replicationsText = ({ replications = 1 }: Pick<RunResult, 'replications'>): string =>
  replications === 1 ? '' : counted(replications, 'replication', 'replications')

const source = ({ method, count, confidence, why }: Statistics, result: RunResult): string => {
  const share = formatRatio(confidence).replace('.0', '')
  if (method === 'none') return `no half-widths: ${why ?? 'nothing tells them'}; --replications gives some`
  const from = replicationsText(result)
  if (method === 'replications') return `±: ${share} half-widths from ${from}`
  return `±: ${share} half-widths from the means of ${counted(count, 'batch', 'batches')}${from === '' ? '' : ` of ${from}`}`
}

const warmUpLine = ({ warmup }: Statistics): Cell[] => {
  if (warmup === null) return []
  const { method, seconds, converged } = warmup
  if (!converged) return [{ text: `no steady state in sight (${method}): run longer, or lower the load`, tone: 'bad' }]
  return [
    seconds === 0
      ? `no warm-up was found in what was measured (${method})`
      : `warm-up (${method}): the first ${formatSeconds(seconds)} of what was measured are not steady; "warmup:" in an experiment leaves them out`,
  ]
}

const precisionLine = ({ precision, why, method }: Statistics): Cell[] => {
  if (precision === undefined) return []
  const { wanted, reached } = precision
  if (why !== undefined && method !== 'none') return [{ text: why, tone: 'bad' }]
  return reached === null
    ? []
    : [`precision: mean and p95 are known to ${formatRatio(reached)}, wanted ${formatRatio(wanted)}`]
}

export const statisticsLines = (result: RunResult): Cell[] => {
  const { statistics } = result
  if (statistics === undefined) return []
  return [{ text: source(statistics, result), tone: 'dim' }, ...precisionLine(statistics), ...warmUpLine(statistics)]
}

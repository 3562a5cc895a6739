import { cacheEntryBytes } from '../../catalog/redis/model.js'
import { formatBytes } from '../../lib/units.js'
import { percent, perSecond, seconds } from '../../lib/words.js'
import { hitRatios } from '../../sim/analytic/network/hit-ratios.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

type Lookup = Extract<Step, { kind: 'lookup' }>

/** Higher by so much than what follows is told: the formulas are within a point or two. */
const tooHigh = 0.05
/** Lower is cautious, and told only when it is far off. */
const tooLow = 0.1

/** The declared ratio is not the one that keys, popularity, memory and time to live give. */
export const hitRatioContradicted: Rule = {
  severity: 'warning',
  explanation: 'A declared hit ratio is not what its keys, their popularity, the memory and the time to live give.',
  formula: '|declared − Σ p(key) × P(key is stored)| > 5 points too high, or 10 too low',
  check: (review) => {
    if (review.throughput === 0) return []
    const lookups = review.flows.flatMap(({ flow }) =>
      [...walk(flow)].filter((step): step is Lookup => step.kind === 'lookup' && step.hitRatio !== undefined),
    )
    if (lookups.length === 0) return []
    const follows = hitRatios(review.topology, (id) => review.throughput * (review.topology.requests[id]?.share ?? 0), {
      declared: false,
    })
    return lookups.flatMap((lookup) => judged(review, lookup, follows.of(lookup)))
  },
}

const judged = (review: Review, lookup: Lookup, follows: number): readonly RuleFinding[] => {
  const declared = lookup.hitRatio ?? 0
  // Without a data set there is nothing that could contradict it.
  const data = lookup.key === undefined ? undefined : review.topology.data[lookup.key]
  const store = review.topology.components[lookup.target.component]
  if (data === undefined || store?.role !== 'store') return []
  const isTooHigh = declared > follows + tooHigh
  // What is dropped by writes lowers the ratio, which the formula does not know.
  const isTooLow = declared < follows - tooLow && !isInvalidated(review, data.id)
  if (!isTooHigh && !isTooLow) return []
  const law = data.popularity.law === 'zipf' ? `zipf(${data.popularity.exponent})` : 'uniform'
  const entry = data.bytes + cacheEntryBytes
  const memory = store.memoryBytes === undefined ? 'unlimited memory' : formatBytes(store.memoryBytes * store.masters)
  const path = [...lookup.path, 'hitRatio']
  return [
    {
      severity: isTooHigh ? 'warning' : 'info',
      subject: lookup.id,
      message: `a hit ratio of ${percent(declared)} is declared; ${percent(follows)} follows from ${data.id}`,
      arithmetic: `${data.keys} keys, ${law}, of ${formatBytes(data.bytes)} + ${cacheEntryBytes} B = ${formatBytes(data.keys * entry)} in ${memory}, ttl ${lookup.ttlSeconds === undefined ? '∞' : seconds(lookup.ttlSeconds)}, ${perSecond(review.rateOf(lookup))}: ${percent(follows)} ${isTooHigh ? '<' : '>'} ${percent(declared)}`,
      fix: 'leave hitRatio out, so that it follows; or correct what is said of the data',
      ...(isTooHigh ? { patches: [{ path, value: null }] } : {}),
      position: review.locate(...path),
    },
  ]
}

const isInvalidated = (review: Review, data: string): boolean =>
  review.flows.some(({ flow }) => [...walk(flow)].some((step) => step.kind === 'write' && step.invalidates === data))

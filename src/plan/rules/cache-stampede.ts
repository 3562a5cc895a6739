import { number, percent, perSecond, seconds } from '../../lib/words.js'
import { poolConnections } from '../../sim/analytic/network/limits.js'
import { type Step, walk } from '../../topology/flow.js'
import { hottestShare } from '../facts/popularity.js'
import type { Review, RunFlow } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

type Lookup = Extract<Step, { kind: 'lookup' }>

/** A popular key expires, and everybody who asks for it until it is stored again asks the store behind. */
export const cacheStampede: Rule = {
  severity: 'warning',
  explanation:
    'When the most popular key expires, so many miss it at once that they take every connection to the store.',
  formula: 'λ × p₁ × miss time > connections',
  check: (review) =>
    review.flows.flatMap((run) =>
      [...walk(run.flow)].flatMap((step) => (step.kind === 'lookup' ? judged(review, run, step) : [])),
    ),
}

const judged = (review: Review, run: RunFlow, lookup: Lookup): readonly RuleFinding[] => {
  const { ttlSeconds, key, miss } = lookup
  // Without expiry there is nothing to come back for; with a lock around the miss path one asks and the others wait.
  if (ttlSeconds === undefined || lookup.renew || [...walk(miss)].some(({ kind }) => kind === 'lock')) return []
  const share = key === undefined ? 1 : hottestShare(review.topology.data[key])
  const rate = review.rateOf(lookup)
  const fillSeconds = review.timeOf(run.service, miss).mean
  const at = rate * share * fillSeconds
  const room = roomBehind(review, run, miss)
  if (room === undefined || at <= room.count) return []
  return [
    {
      subject: lookup.id,
      message: `every ${seconds(ttlSeconds)} the most popular ${key ?? 'value'} expires, and ${number(Math.round(at))} requests miss it at once: more than ${room.count} ${room.what}`,
      arithmetic: `${perSecond(rate)} × ${percent(share)} × ${seconds(fillSeconds)} = ${number(at)} > ${room.count} ${room.what}`,
      fix: 'let one of them fetch it (a lock around the miss path with the same key), or renew: true where an old value does no harm',
      position: review.locate(...lookup.path),
    },
  ]
}

/** Connections (or cores) that the queries of a miss path share. */
const roomBehind = (
  review: Review,
  { service }: RunFlow,
  miss: readonly Step[],
): { readonly count: number; readonly what: string } | undefined => {
  const rooms = [...walk(miss)].flatMap((step) => {
    if (step.kind !== 'query' && step.kind !== 'write') return []
    const pool = step.target.pool === undefined ? undefined : service.pools[step.target.pool]
    if (pool !== undefined)
      return [{ count: poolConnections(service, pool), what: `connections of ${service.id}.${pool.id}` }]
    const station = review.usage.stations.get(step.target.component)
    return station === undefined || !Number.isFinite(station.servers)
      ? []
      : [{ count: station.servers, what: `cores of ${step.target.component}` }]
  })
  return rooms.sort((a, b) => a.count - b.count)[0]
}

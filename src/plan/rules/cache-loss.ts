import { number, percent, perSecond } from '../../lib/words.js'
import { poolConnections } from '../../sim/analytic/network/limits.js'
import { type Step, walk } from '../../topology/flow.js'
import type { Review, RunFlow } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

type Lookup = Extract<Step, { kind: 'lookup' }>

/** Without its cache the store behind it gets 1/(1 − h) times the reads, more than it carries. */
export const cacheLoss: Rule = {
  severity: 'warning',
  explanation: 'When the cache is lost, what stands behind it gets more reads than it carries.',
  formula: 'misses × 1/(1 − h) × time ≥ (1 − headroom) × cores (or connections)',
  check: (review) =>
    review.flows.flatMap((run) =>
      [...walk(run.flow)].flatMap((step) => (step.kind === 'lookup' ? judged(review, run, step) : [])),
    ),
}

const judged = (review: Review, run: RunFlow, lookup: Lookup): readonly RuleFinding[] => {
  const ratio = review.hits.of(lookup)
  const lookups = review.rateOf(lookup)
  const missed = lookups * (1 - ratio)
  if (ratio <= 0 || ratio >= 1 || lookups === 0) return []
  const factor = 1 / (1 - ratio)
  const [worst] = [...loads(review, run, lookup)]
    .filter(({ utilization, added }) => utilization + added >= 1 - review.topology.policy.headroom)
    .sort((a, b) => b.utilization + b.added - (a.utilization + a.added))
  if (worst === undefined) return []
  const after = worst.utilization + worst.added
  return [
    {
      subject: worst.id,
      message: `without ${lookup.target.component} ${worst.id} gets ${number(factor)} times the reads of ${lookup.id}, more than it carries${after < 1 ? ' with the headroom of the policy' : ''}`,
      arithmetic: `1/(1 − ${percent(ratio)}) = ${number(factor)}: ${perSecond(missed)} × ${number(factor)} = ${perSecond(lookups)}; utilization ${percent(worst.utilization)} → ${percent(after)} of ${worst.what}`,
      fix: `shed reads while the cache is away (a breaker with a fallback, maxInFlight), keep a copy of the cache, or let ${worst.id} carry ${perSecond(lookups)}`,
      decision: `whether the loss of ${lookup.target.component} may take ${worst.id} with it: pay for ${percent(after)} of what is there, or shed`,
      position: review.locate(...lookup.path),
    },
  ]
}

interface Load {
  readonly id: string
  readonly what: string
  /** At the declared traffic. */
  readonly utilization: number
  /** What comes on top when every lookup misses. */
  readonly added: number
}

/** The stores and pools behind the miss path. */
function* loads(review: Review, { service }: RunFlow, lookup: Lookup): Generator<Load> {
  const hitsPerSecond = review.rateOf(lookup) * review.hits.of(lookup)
  for (const step of walk(lookup.miss)) {
    if (step.kind !== 'query' && step.kind !== 'write') continue
    const { component, role, pool } = step.target
    const { mean } = review.timeOf(service, [step])
    const planned = pool === undefined ? undefined : review.plan.pools[`${service.id}.${pool}`]
    const declared = pool === undefined ? undefined : service.pools[pool]
    if (planned !== undefined && declared !== undefined) {
      const connections = poolConnections(service, declared)
      yield {
        id: `${service.id}.${pool}`,
        what: `${connections} connections`,
        utilization: planned.utilization,
        added: (hitsPerSecond * mean) / connections,
      }
    }
    const copies = [...review.usage.stations.values()].filter((station) => station.component.id === component)
    const station = copies.find((each) => each.role === role) ?? copies[0]
    if (station === undefined || !Number.isFinite(station.servers)) continue
    const cpuSeconds = cpuOf(review, step, component)
    yield {
      id: component,
      what: `${number(station.servers)} cores`,
      utilization: busyOf(review, station.id),
      added: (hitsPerSecond * cpuSeconds) / station.servers,
    }
  }
}

/** CPU of one execution on the store, the visit's own included. */
const cpuOf = (review: Review, step: Step, component: string): number =>
  review.usage.entries
    .filter(({ node }) => node.step?.id === step.id && node.at.component === component)
    .slice(0, 1)
    .reduce((sum, { node }) => sum + review.usage.price(node, review.throughput).cpuSeconds, 0)

const busyOf = (review: Review, station: string): number => {
  const entries = review.usage.entries.filter((entry) => entry.station.id === station)
  const [first] = entries
  const seconds = entries.reduce(
    (sum, { node, count }) => sum + count * review.usage.price(node, review.throughput).cpuSeconds,
    0,
  )
  return first === undefined ? 0 : (review.throughput * seconds) / first.station.servers
}

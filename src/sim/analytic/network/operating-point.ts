/** The throughput that the declared traffic comes to, and what is waited for at it. */
import { meanSeconds } from '../../../lib/distribution.js'
import type { Traffic } from '../../../topology/types.js'
import { type ClosedAnswer, meanValueAnalysis } from '../closed.js'
import { maxThroughput, type RawLimit, refuses } from './limits.js'
import { Network, type QueueingContext } from './queueing.js'
import type { Timing } from './timing.js'

export type ClosedMethod = 'mva' | 'mean-field' | 'bound'

export interface OperatingPoint {
  readonly table: {
    readonly traffic: 'open' | 'closed' | 'none'
    readonly throughputPerSecond: number
    readonly users: number | null
    readonly thinkSeconds: number | null
    readonly method: ClosedMethod | null
    readonly responseSeconds: number | null
  }
  readonly network: Network
  readonly timing: Timing
}

type Closed = Extract<Traffic, { mode: 'closed' }>

interface Round {
  readonly network: Network
  readonly answer: ClosedAnswer
  readonly timing: () => Timing
}

/** The closed network as it is when the mix arrives at `throughput`: demands may depend on it, and what others take of the cores. */
const roundAt = (context: QueueingContext, users: number, thinkSeconds: number, throughput: number): Round => {
  const network = new Network(context, throughput)
  const level = network.topLevel()
  const members = network.members(level, 1)
  const answer = meanValueAnalysis({
    users,
    thinkSeconds: thinkSeconds + level.delaySeconds,
    stations: members.map(({ closed }) => closed),
  })
  return { network, answer, timing: () => network.closedTiming(level, members, answer) }
}

/** Rounds that may be needed until the throughput that is assumed is the one that comes out: the latter falls with the former. */
const mostRounds = 30

const closedPoint = (
  context: QueueingContext,
  limitsOf: () => readonly RawLimit[],
  traffic: Closed,
): OperatingPoint => {
  const { users } = traffic
  const thinkSeconds = meanSeconds(traffic.thinkTime)
  const ceiling = limitsOf().reduce(
    (least, limit) => (refuses(limit) ? least : Math.min(least, maxThroughput(context.topology, limit))),
    Number.POSITIVE_INFINITY,
  )
  const at = (throughput: number): Round => roundAt(context, users, thinkSeconds, throughput)
  let assumed = Number.isFinite(ceiling) ? ceiling : 1
  let round = at(assumed)
  let low = 0
  let high = Number.POSITIVE_INFINITY
  for (let i = 0; i < mostRounds; i++) {
    const found = round.answer.throughputPerSecond
    if (!Number.isFinite(found) || Math.abs(found - assumed) <= 1e-9 * assumed) break
    if (found > assumed) low = assumed
    else high = assumed
    // What comes out of one's guess is next, as long as it lies between the guesses that were too low and too high.
    assumed = found > low && found < high ? found : high < Number.POSITIVE_INFINITY ? (low + high) / 2 : found
    round = at(assumed)
    if (high - low <= 1e-9 * high) break
  }
  const { answer } = round
  const capped = answer.throughputPerSecond > ceiling * (1 + 1e-9)
  const throughput = capped ? ceiling : Number.isFinite(answer.throughputPerSecond) ? answer.throughputPerSecond : 0
  // Where something else than a station holds the throughput down, the stations' queues are not those that it computed.
  const network = capped ? new Network(context, throughput) : round.network
  return {
    table: {
      traffic: 'closed',
      throughputPerSecond: throughput,
      users,
      thinkSeconds,
      method: capped ? 'bound' : answer.method === 'exact' ? 'mva' : 'mean-field',
      responseSeconds: throughput > 0 ? users / throughput - thinkSeconds : null,
    },
    network,
    timing: capped ? network.timing : round.timing(),
  }
}

export const operatingPoint = (
  context: QueueingContext,
  limitsOf: () => readonly RawLimit[],
  traffic: Traffic | undefined,
): OperatingPoint => {
  if (traffic?.mode === 'closed') return closedPoint(context, limitsOf, traffic)
  const throughputPerSecond = traffic?.ratePerSecond ?? 0
  const network = new Network(context, throughputPerSecond)
  return {
    table: {
      traffic: traffic === undefined ? 'none' : 'open',
      throughputPerSecond,
      users: null,
      thinkSeconds: null,
      method: null,
      responseSeconds: null,
    },
    network,
    timing: network.timing,
  }
}

import { counted } from '../../lib/words.js'
import { deadlockFreePoolSize } from '../../sim/analytic/pool-sizing.js'
import { innerFlows, type Step } from '../../topology/flow.js'
import type { Pool, ServiceComponent, Topology } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** Requests that each hold a connection and wait for another of the same pool can all wait for each other. */
export const poolDeadlock: Rule = {
  severity: 'error',
  explanation: 'Requests that hold one connection and wait for another of the same pool can all wait for each other.',
  formula: 'size < Tn × (Cm − 1) + 1',
  check: (review) =>
    review.services.flatMap((service) => Object.values(service.pools).flatMap((pool) => judged(review, service, pool))),
}

const judged = (review: Review, service: ServiceComponent, pool: Pool): readonly RuleFinding[] => {
  const id = `${service.id}.${pool.id}`
  const each = Math.max(
    pool.connectionsPerRequest ?? 1,
    ...review.flows
      .filter((run) => run.service === service)
      .map(({ flow }) => heldAtOnce(review.topology, flow, { service, pool: id, held: 0, depth: 0 })),
  )
  if (each <= 1) return []
  const threads = atOnce(service)
  const wanted = threads === undefined ? undefined : deadlockFreePoolSize(threads.count, each)
  if (wanted !== undefined && pool.size >= wanted) return []
  const subject = `${service.id}.${pool.id}`
  const common = {
    subject,
    message: `${counted(pool.size, 'connection')} can all be held by requests that wait for another one, for ever`,
    position: review.locate('components', service.id, 'pools', pool.id, 'size'),
  }
  return wanted === undefined
    ? [
        {
          ...common,
          arithmetic: `Tn × (Cm − 1) + 1 with Cm = ${each} and no limit of requests in flight: no size is enough; ${pool.size} ends at ${Math.floor((pool.size - 1) / (each - 1))} at once`,
          fix: `limit the requests in flight, or take the second connection from a pool of its own`,
          patches: [
            {
              path: ['components', service.id, 'maxInFlight'],
              value: Math.max(1, Math.floor((pool.size - 1) / (each - 1))),
            },
            ...(pool.size < each ? [{ path: ['components', service.id, 'pools', pool.id, 'size'], value: each }] : []),
          ],
        },
      ]
    : [
        {
          ...common,
          arithmetic: `Tn × (Cm − 1) + 1 = ${threads?.count} ${threads?.noun} × (${each} − 1) + 1 = ${wanted} > ${pool.size}`,
          fix: `a pool of at least ${wanted}, or one connection per request`,
          patches: [{ path: ['components', service.id, 'pools', pool.id, 'size'], value: wanted }],
        },
      ]
}

/** How many requests one replica may have in hand. */
const atOnce = (service: ServiceComponent): { readonly count: number; readonly noun: string } | undefined => {
  const limits = [
    ...(service.execution.model === 'threads' ? [{ count: service.execution.threads, noun: 'threads' }] : []),
    ...(service.maxInFlight === undefined ? [] : [{ count: service.maxInFlight, noun: 'requests in flight' }]),
    ...(service.consumes === undefined ? [] : [{ count: service.slots, noun: 'slots' }]),
  ]
  return limits.reduce<(typeof limits)[number] | undefined>(
    (least, limit) => (least === undefined || limit.count < least.count ? limit : least),
    undefined,
  )
}

interface Scope {
  /** Who executes the flow. */
  readonly service: ServiceComponent
  /** `app.main` */
  readonly pool: string
  /** Connections of it that are held already. */
  readonly held: number
  readonly depth: number
}

/** Far deeper than any chain of services; circles of calls are refused when the file is read. */
const deepest = 32

/** The most connections of the pool that one request holds while it takes another one. */
const heldAtOnce = (topology: Topology, steps: readonly Step[], scope: Scope, shares = false): number => {
  if (scope.depth > deepest) return scope.held
  let most = scope.held
  for (const step of steps) {
    const target =
      step.kind === 'reserve' || step.kind === 'release' ? step.via : 'target' in step ? step.target : undefined
    const takes = !shares && target?.pool !== undefined && `${scope.service.id}.${target.pool}` === scope.pool
    const held = scope.held + (takes ? 1 : 0)
    most = Math.max(most, held)
    // Inside of a transaction steps share its connection; what is called elsewhere does not.
    const inside = step.kind === 'transaction' ? { held, shares: takes || shares } : { held: scope.held, shares }
    for (const flow of innerFlows(step))
      most = Math.max(most, heldAtOnce(topology, flow, { ...scope, held: inside.held }, inside.shares))
    if (step.kind !== 'call') continue
    const called = topology.components[step.target.component]
    if (called?.role !== 'service' || step.target.operation === undefined) continue
    const flow = called.operations[step.target.operation]?.flow ?? []
    most = Math.max(most, heldAtOnce(topology, flow, { ...scope, service: called, depth: scope.depth + 1 }))
  }
  return most
}

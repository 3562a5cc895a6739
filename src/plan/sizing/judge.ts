/** What a plan breaks at a rate: headroom, objectives, survival, the memory of machines, a hit ratio that its cache cannot have. */
import { topologyPlacement } from '../../catalog/placement.js'
import { formatBytes } from '../../lib/units.js'
import { counted, percent, perSecond, seconds } from '../../lib/words.js'
import type { Placement } from '../../result/placement.js'
import { hitRatios } from '../../sim/analytic/network/hit-ratios.js'
import type { RawLimit } from '../../sim/analytic/network/limits.js'
import { walk } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { Topology } from '../../topology/types.js'
import { inFlightAt, memoryPlans } from '../budget.js'
import { demandedKinds, type Loss, lossesOf, survivorsOf } from '../losses.js'
import { neededBy } from '../needs.js'
import type { Operation } from '../operation.js'
import { predict } from '../prediction.js'
import { limitsOf, roleOf, solveAt } from './solved.js'

export type Constraint = 'headroom' | 'objective' | 'survival' | 'memory' | 'hit-ratio'

export interface Violation {
  readonly constraint: Constraint
  /** `app.primary`, `view-product latency.p95`, `without app/0`. */
  readonly subject: string
  /** With the numbers. */
  readonly sentence: string
  /** How many times as much is asked for as there is; infinite: without bound. Above 1. */
  readonly excess: number
  /** What is exhausted, if it is that. */
  readonly limit?: { readonly id: string; readonly kind: RawLimit['kind']; readonly role: string }
  /** Of an objective, at the full system or after a loss. */
  readonly objective?: { readonly request: string; readonly path: string; readonly predicted: number | null }
  /** Components that are gone after a loss and that a class cannot do without. */
  readonly gone?: readonly string[]
  readonly loss?: Loss
  /** The machine's host whose memory is too small, or the cache. */
  readonly of?: string
}

/** How far the simulation lies from the prediction of an objective, by `request path`; absent: 1. */
export type Corrections = ReadonlyMap<string, number>

export const objectiveKey = (request: string, path: string): string => `${request} ${path}`

export interface Question {
  readonly ratePerSecond: number
  readonly corrections: Corrections
  /** Caches whose memory is sized: a declared hit ratio must be one that they can have. */
  readonly caches: ReadonlySet<string>
}

export interface Judgement {
  readonly operation: Operation
  readonly violations: readonly Violation[]
}

/** A hair's breadth: sums in another order must not decide. */
const slack = 1e-9

const limitSentence = (limit: RawLimit, ratePerSecond: number, maxPerSecond: number, most: number): string => {
  const demand = limit.demandSeconds(ratePerSecond)
  const asked = perSecond(Math.round(ratePerSecond * 10) / 10)
  const what = limit.kind === 'rate-limit' ? counted(Number(demand.toPrecision(3)), 'visit') : seconds(demand)
  const used = `${asked} × ${what} = ${(ratePerSecond * demand).toPrecision(3)} of ${limit.servers}`
  return `${used}, ${percent(ratePerSecond / maxPerSecond)} > ${percent(most)} (${limit.words(demand)})`
}

const headroomViolations = (operation: Operation, headroom: number): readonly Violation[] =>
  limitsOf(operation).flatMap(({ limit, maxPerSecond }): readonly Violation[] => {
    const { ratePerSecond } = operation
    const excess = ratePerSecond / (maxPerSecond * (1 - headroom))
    if (excess <= 1 + slack) return []
    return [
      {
        constraint: 'headroom',
        subject: limit.id,
        sentence: limitSentence(limit, ratePerSecond, maxPerSecond, 1 - headroom),
        excess,
        limit: { id: limit.id, kind: limit.kind, role: roleOf(limit) },
      },
    ]
  })

const valueText = (path: string, value: number): string =>
  !Number.isFinite(value) ? 'without bound' : path === 'errors' ? percent(value) : seconds(value)

/** Objectives that can be predicted and do not hold; `name`: before what they are told. */
const objectiveViolations = (
  operation: Operation,
  corrections: Corrections,
  failing: readonly string[] = [],
): readonly Violation[] =>
  Object.values(operation.topology.requests).flatMap((request) =>
    failing.includes(request.id)
      ? []
      : request.slo.flatMap(({ path, bound }): readonly Violation[] => {
          const raw = path === 'availability' ? undefined : predict(operation, request, path)
          if (raw === undefined) return []
          const value = raw * (corrections.get(objectiveKey(request.id, path)) ?? 1)
          if (value <= bound * (1 + slack)) return []
          return [
            {
              constraint: 'objective',
              subject: `${request.id} ${path}`,
              sentence: `${request.id} ${path}: ${valueText(path, value)} > ${valueText(path, bound)}`,
              excess: bound > 0 ? value / bound : Number.POSITIVE_INFINITY,
              objective: { request: request.id, path, predicted: Number.isFinite(raw) ? raw : null },
            },
          ]
        }),
  )

const demandedLosses = (topology: Topology, placement: Placement): readonly Loss[] =>
  lossesOf(topology, placement).filter(({ kind }) => demandedKinds[topology.policy.survive].includes(kind))

const classesOf = (topology: Topology) =>
  Object.values(topology.requests).filter(({ derivedFrom, share }) => derivedFrom === undefined && share > 0)

/** A worker that is gone leaves its work undone, though the requests that published it are answered. */
const idleConsumers = (topology: Topology, gone: ReadonlyMap<string, string>): readonly string[] =>
  Object.values(topology.components).flatMap((component) =>
    component.role === 'service' && component.consumes !== undefined && gone.has(component.id) ? [component.id] : [],
  )

const lossViolations = (
  topology: Topology,
  placement: Placement,
  loss: Loss,
  { ratePerSecond, corrections }: Question,
): readonly Violation[] => {
  const { topology: left, placement: places, gone } = survivorsOf(topology, placement, loss)
  const classes = classesOf(topology)
  const needed = new Set(classes.flatMap((request) => [...neededBy(topology, request)]))
  const fatal = [...new Set([...[...gone.keys()].filter((id) => needed.has(id)), ...idleConsumers(topology, gone)])]
  const base = { constraint: 'survival', subject: `without ${loss.id}`, loss } as const
  if (fatal.length > 0)
    return [
      {
        ...base,
        sentence: `without ${loss.id}: ${fatal.map((id) => `${id} does not serve (${gone.get(id) ?? ''})`).join('; ')}`,
        excess: Number.POSITIVE_INFINITY,
        gone: fatal,
      },
    ]
  const operation = solveAt({ topology: left, placement: places, ratePerSecond, gone })
  const over = limitsOf(operation, gone).filter(({ maxPerSecond }) => ratePerSecond >= maxPerSecond * (1 - 1e-6))
  if (over.length > 0)
    return over.map(
      ({ limit, maxPerSecond }): Violation => ({
        ...base,
        sentence: `without ${loss.id}: ${limit.id} carries ${perSecond(Math.round(maxPerSecond))} < ${perSecond(Math.round(ratePerSecond))} (${limit.words(limit.demandSeconds(ratePerSecond))})`,
        excess: ratePerSecond / maxPerSecond,
        limit: { id: limit.id, kind: limit.kind, role: roleOf(limit) },
      }),
    )
  return objectiveViolations(operation, corrections).map(({ sentence, ...violation }) => ({
    ...violation,
    ...base,
    sentence: `without ${loss.id}: ${sentence}`,
  }))
}

const memoryViolations = (operation: Operation): readonly Violation[] => {
  const seen = new Set<string>()
  return Object.entries(memoryPlans(operation.topology, operation.placement, inFlightAt(operation))).flatMap(
    ([machine, { memoryBytes, mostBytes }]): readonly Violation[] => {
      const host = machine.split('/')[0] ?? machine
      if (mostBytes <= memoryBytes || seen.has(host)) return []
      seen.add(host)
      return [
        {
          constraint: 'memory',
          subject: `host:${host}`,
          sentence: `${machine}: what runs there takes up to ${formatBytes(mostBytes)} of ${formatBytes(memoryBytes)}`,
          excess: mostBytes / memoryBytes,
          of: host,
        },
      ]
    },
  )
}

const boundless = (topology: Topology, cache: string): Topology => {
  const store = topology.components[cache]
  return store?.role !== 'store'
    ? topology
    : { ...topology, components: { ...topology.components, [cache]: { ...store, memoryBytes: undefined } } }
}

/** A declared hit ratio (or as much of it as keys and times to live allow) needs so much memory. */
const hitViolations = (operation: Operation, caches: ReadonlySet<string>): readonly Violation[] =>
  [...caches].flatMap((cache): readonly Violation[] => {
    const { topology, ratePerSecond } = operation
    const rate = (id: string): number => ratePerSecond * (topology.requests[id]?.share ?? 0)
    const now = hitRatios(topology, rate, { declared: false, coarse: true })
    const best = hitRatios(boundless(topology, cache), rate, { declared: false, coarse: true })
    for (const flow of flowsOf(topology))
      for (const step of walk(flow)) {
        if (step.kind !== 'lookup' || step.target.component !== cache || step.hitRatio === undefined) continue
        const wanted = Math.min(step.hitRatio, best.of(step) * (1 - 1e-3))
        const ratio = now.of(step)
        if (ratio >= wanted) continue
        const store = topology.components[cache]
        const bytes = store?.role === 'store' ? (store.memoryBytes ?? 0) : 0
        return [
          {
            constraint: 'hit-ratio',
            subject: cache,
            sentence: `${step.id}: with ${formatBytes(bytes)} its keys hit ${percent(ratio)} < ${percent(wanted)}`,
            excess: wanted / Math.max(ratio, 1e-3),
            of: cache,
          },
        ]
      }
    return []
  })

/**
 * Everything that a plan breaks of the first kind in which it breaks anything: what is exhausted makes all else grow without bound, and what is
 * slow is slower still after a loss.
 */
export const judge = (topology: Topology, question: Question): Judgement => {
  const placement = topologyPlacement(topology)
  const operation = solveAt({ topology, placement, ratePerSecond: question.ratePerSecond })
  const first = (): readonly Violation[] => {
    const own = [
      ...headroomViolations(operation, topology.policy.headroom),
      ...memoryViolations(operation),
      ...hitViolations(operation, question.caches),
    ]
    if (own.length > 0) return own
    const slow = objectiveViolations(operation, question.corrections)
    if (slow.length > 0) return slow
    for (const loss of demandedLosses(topology, placement)) {
      const broken = lossViolations(topology, placement, loss, question)
      if (broken.length > 0) return broken
    }
    return []
  }
  return { operation, violations: first() }
}

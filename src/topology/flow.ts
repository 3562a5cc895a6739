/**
 * The flow of a request, compiled: every step has its id, its targets are resolved, its modifiers are in fields of
 * their own. The simulator and the workload service execute this same tree, which is why what is predicted is what runs.
 *
 * Modifiers nest in one order, whatever order they were written in:
 * `fallback` ⊃ `deadline` ⊃ `retry` ⊃ `breaker` ⊃ `timeout` ⊃ step.
 */
import type { Distribution, Work } from '../lib/distribution.js'
import type { DataId, Retry, Target } from './types.js'

/** A zero-based path such as `view-product/1.miss.0`, or the step's own `id:`. */
export type StepId = string

export interface Modifiers {
  /** `stale`: the service's own memory of the last value; `empty`: an empty answer. Both mark the answer degraded. */
  readonly fallback?: 'stale' | 'empty' | readonly Step[]
  /** For all attempts together. */
  readonly deadlineSeconds?: number
  readonly retry?: Retry
  readonly breaker?: Breaker
  /** Per attempt; includes the wait for a pool. */
  readonly timeoutSeconds?: number
}

export interface Breaker {
  /** Share of errors in the window at which it opens. */
  readonly errors: number
  readonly windowSeconds: number
  readonly openSeconds: number
  /** Requests let through while half-open. */
  readonly probes: number
}

interface StepBase extends Modifiers {
  readonly id: StepId
  /** Where the step stands in the document, for `TopologySource.locate`. */
  readonly path: readonly (string | number)[]
}

export type Guard = 'row-lock' | 'version' | 'lua' | 'none'

export type Step = StepBase &
  (
    | { readonly kind: 'compute'; readonly cpu: Distribution }
    | { readonly kind: 'wait'; readonly wait: Distribution }
    | {
        readonly kind: 'lookup'
        readonly target: Target
        readonly key: DataId | undefined
        readonly ttlSeconds: number | undefined
        /** Each hit gives the value its ttl anew. */
        readonly renew: boolean
        /** Declared: forced while the cache answers. Undefined: follows from data, memory and ttl. */
        readonly hitRatio: number | undefined
        readonly staleForSeconds: number | undefined
        readonly miss: readonly Step[]
        readonly writes: 'aside' | 'through' | 'back'
        /** Of `back`: from the first write that the store does not have until it is given it. */
        readonly flushAfterSeconds: number
      }
    | {
        readonly kind: 'query' | 'write'
        readonly target: Target
        readonly key: DataId | undefined
        readonly table: string | undefined
        readonly time: Work
        readonly invalidates: DataId | undefined
        /** Of a query: what its reader needs; undefined: not declared. */
        readonly consistency?: 'eventual' | 'read-your-writes' | undefined
      }
    | { readonly kind: 'transaction'; readonly target: Target; readonly do: readonly Step[] }
    | {
        readonly kind: 'reserve' | 'release'
        readonly data: DataId
        readonly counter: string
        readonly via: Target
        readonly guard: Guard
        readonly amount: number
        readonly time: Work
      }
    | {
        readonly kind: 'lock'
        readonly target: Target
        readonly key: DataId | undefined
        readonly ttlSeconds: number
        /** How long to wait for it; undefined: until it is free. */
        readonly waitSeconds: number | undefined
        readonly fencing: boolean
        readonly do: readonly Step[]
      }
    | { readonly kind: 'publish'; readonly target: Target; readonly key: DataId | undefined; readonly priority: number }
    | { readonly kind: 'call'; readonly target: Target }
    | {
        readonly kind: 'saga'
        readonly style: 'orchestrated' | 'choreographed'
        readonly entries: readonly { readonly step: Step; readonly undo: readonly Step[] }[]
      }
    | { readonly kind: 'parallel'; readonly join: 'all' | 'any'; readonly branches: readonly (readonly Step[])[] }
    | {
        readonly kind: 'choose'
        /** Weights sum to 1. */
        readonly options: readonly { readonly weight: number; readonly flow: readonly Step[] }[]
      }
    | { readonly kind: 'repeat'; readonly times: number; readonly do: readonly Step[] }
  )

export type StepKind = Step['kind']

/** The step lists directly inside a step (fallback lists included), for walks over a flow. */
export const innerFlows = (step: Step): readonly (readonly Step[])[] => {
  const inner = ((): readonly (readonly Step[])[] => {
    switch (step.kind) {
      case 'lookup':
        return [step.miss]
      case 'transaction':
      case 'lock':
      case 'repeat':
        return [step.do]
      case 'saga':
        return step.entries.flatMap((entry) => [[entry.step], entry.undo])
      case 'parallel':
        return step.branches
      case 'choose':
        return step.options.map((option) => option.flow)
      default:
        return []
    }
  })()
  return Array.isArray(step.fallback) ? [...inner, step.fallback as readonly Step[]] : inner
}

/** Every step of a flow, outer before inner. */
export function* walk(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step
    for (const flow of innerFlows(step)) yield* walk(flow)
  }
}

/** What a statement changes when it is done: at once, or with the transaction around it; with a token, if a lock fences it. */
import type { Step } from '../../../topology/flow.js'
import type { Target } from '../../../topology/types.js'
import { fenced, ok } from '../codes.js'
import { type CounterPlace, noCounter } from '../state-ledger.js'
import type { System } from '../system.js'
import { none } from '../tasks.js'
import type { Scope } from './program.js'

export interface Statement {
  /** The frame of the transaction that the visit is part of, which owns its row locks; −1: it is none. */
  ownerOf(visit: number): number
  /** 0, or why the statement must not change anything. */
  mayWrite(visit: number): number
  /** It changed this much (negative: gave) of a counter, or something else (`undefined`). */
  changed(visit: number, place: CounterPlace | undefined, key: number, amount: number): void
  /** Has it all happened before, for a request that may be repeated? */
  recognises(visit: number): boolean
}

export const statement = (system: System, step: Step, target: Target, scope: Scope): Statement => {
  const { kernel, state } = system
  const { tasks, frames } = kernel
  const effect = state.effectOf(step.id)
  const transaction = target.pool === undefined ? undefined : scope.transactions?.get(target.pool)
  const { fence } = scope
  const requestOf = (visit: number): number => tasks.request[visit] as number
  const ownerOf = (visit: number): number =>
    transaction === undefined ? none : frames.around(tasks.parent[visit] as number, transaction)
  return {
    ownerOf,
    mayWrite: (visit) => {
      if (fence === undefined) return ok
      const frame = frames.around(tasks.parent[visit] as number, fence)
      return frame === none || state.locks.locks.mayWrite(frames.handle[frame] as number) ? ok : fenced
    },
    changed: (visit, place, key, amount) => {
      const owner = ownerOf(visit)
      if (owner === none) state.commit(requestOf(visit), effect, place, key, amount)
      else state.transactions.changed(owner, place?.index ?? noCounter, key, amount, effect)
    },
    recognises: (visit) => state.recognises(requestOf(visit), effect),
  }
}

/** An ordinary write, as the end of its visit. */
export const writeCommit = (
  system: System,
  step: Extract<Step, { kind: 'query' | 'write' }>,
  scope: Scope,
): ((visit: number) => number) => {
  const { mayWrite, recognises, changed } = statement(system, step, step.target, scope)
  return (visit) => {
    const refused = mayWrite(visit)
    if (refused !== ok) return refused
    if (!recognises(visit)) changed(visit, undefined, 0, 0)
    return ok
  }
}

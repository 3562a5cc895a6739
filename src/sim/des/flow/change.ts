/** What a statement changes when it is done: at once, or with the transaction around it; with a token, if a lock fences it. */
import type { Step } from '../../../topology/flow.js'
import type { Target } from '../../../topology/types.js'
import { dependency, fenced, ok } from '../codes.js'
import { blocked } from '../kernel.js'
import { ordinaryWrite } from '../state-ledger.js'
import type { System } from '../system.js'
import { none } from '../tasks.js'
import type { Scope } from './program.js'
import { shardChooser } from './store-choice.js'
import type { Visit } from './store-visits.js'

export interface Statement {
  /** The frame of the transaction that the visit is part of, which owns its row locks; −1: it is none. */
  ownerOf(visit: number): number
  readonly inTransaction: boolean
  /** 0, or why the statement must not change anything. */
  mayWrite(visit: number): number
  /** It changed a counter by this much (negative: gave), or wrote something. */
  changed(visit: number, what: number, key: number, amount: number): void
  /** Has it all happened before, for a request that may be repeated? */
  recognises(visit: number): boolean
}

export const statement = (system: System, step: Step, target: Target, scope: Scope): Statement => {
  const { kernel, state } = system
  const { tasks, frames } = kernel
  const effect = state.effectOf(step.id)
  const account = state.account(target.component)
  const transaction = target.pool === undefined ? undefined : scope.transactions?.get(target.pool)
  const { fence } = scope
  const requestOf = (visit: number): number => tasks.request[visit] as number
  const ownerOf = (visit: number): number =>
    transaction === undefined ? none : frames.around(tasks.parent[visit] as number, transaction)
  return {
    ownerOf,
    inTransaction: transaction !== undefined,
    mayWrite: (visit) => {
      if (kernel.endpointOf(visit).fullDisks > 0) return dependency
      if (fence === undefined) return ok
      const frame = frames.around(tasks.parent[visit] as number, fence)
      return frame === none || state.locks.locks.mayWrite(frames.handle[frame] as number) ? ok : fenced
    },
    changed: (visit, what, key, amount) => {
      const owner = ownerOf(visit)
      if (owner === none) state.commit(account, requestOf(visit), effect, what, key, amount)
      else state.transactions.changed(owner, what, key, amount, effect)
    },
    recognises: (visit) => state.recognises(requestOf(visit), effect),
  }
}

/** With synchronous replication a change is done when a copy has applied it, if one is there (like Patroni's synchronous mode). */
export const replicated = (system: System, target: Target, data: number): Pick<Visit, 'settle'> => {
  const store = system.member(target.component).component
  if (store.role !== 'store' || store.replication?.mode !== 'sync' || store.replication.lagSeconds <= 0) return {}
  const { lagSeconds } = store.replication
  const shard = shardChooser(system, store, data)
  return {
    settle: (program) => {
      const { tasks, timers } = system.kernel
      const replication = system.replications.get(store.id)
      const next = program.here + 1
      program.emit((visit) => {
        if (replication?.hasCopy(shard(visit)) !== true) return next
        tasks.pc[visit] = next
        timers.seconds[0] = lagSeconds
        timers.sleep(visit)
        return blocked
      })
    },
  }
}

/** An ordinary write, as the end of its visit. */
export const writeCommit = (
  system: System,
  step: Extract<Step, { kind: 'query' | 'write' }>,
  scope: Scope,
): Pick<Visit, 'disk' | 'settle' | 'commit'> => {
  const { inTransaction, mayWrite, recognises, changed } = statement(system, step, step.target, scope)
  const { tasks } = system.kernel
  const data = system.dataIndex(step.key ?? scope.key)
  const what = ordinaryWrite(data)
  const keyOf = (visit: number): number => system.keyOf(tasks.request[visit] as number, data)
  return {
    disk: !inTransaction,
    ...(inTransaction ? {} : replicated(system, step.target, data)),
    commit: (visit) => {
      const refused = mayWrite(visit)
      if (refused !== ok) return refused
      if (!recognises(visit)) changed(visit, what, keyOf(visit), 0)
      return ok
    },
  }
}

/** A read, where copies may lag behind. */
export const readCommit = (
  system: System,
  step: Extract<Step, { kind: 'query' | 'write' }>,
  scope: Scope,
): Pick<Visit, 'disk' | 'commit'> => {
  const { kernel, state } = system
  const disk = step.time.wait !== undefined
  const account = state.account(step.target.component)
  const data = system.dataIndex(step.key ?? scope.key)
  if (step.target.role !== 'replica' || account.recent === undefined || data < 0) return { disk }
  const { primary } = system.member(step.target.component).roles
  return {
    disk,
    commit: (visit) => {
      if (primary?.includes(kernel.endpointOf(visit)) !== true)
        state.readFromCopy(account, data, system.keyOf(kernel.tasks.request[visit] as number, data))
      return ok
    },
  }
}

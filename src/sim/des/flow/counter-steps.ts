/**
 * `reserve` and `release`: one statement that changes a counter of the request's key, kept right by its guard.
 *
 * - `row-lock`: the row is locked for the time of the statement, or until the transaction around it ends; others wait in line.
 *   Two transactions that would wait for each other: the later one fails with `conflict` (deadlock detection).
 * - `version`: what was read before the statement's time is changed after it, unless another has changed it meanwhile: `conflict`.
 * - `lua`: checked and changed at the end of the statement's time, as one.
 * - `none`: what was read before is overwritten after, whatever others did.
 *
 * Too little left: `sold-out`.
 */
import { stepCpu } from '../../../catalog/demand.js'
import type { Step } from '../../../topology/flow.js'
import { conflict, ok, soldOut } from '../codes.js'
import { propagate } from '../frames.js'
import { blocked } from '../kernel.js'
import type { CounterPlace } from '../state-ledger.js'
import type { System } from '../system.js'
import { none } from '../tasks.js'
import { replicated, statement } from './change.js'
import { emitMetered } from './modifiers.js'
import type { Program, Scope } from './program.js'
import { emitAcquire, emitCall } from './sql-steps.js'
import { storeChooser } from './store-choice.js'
import { storeVisit, type Visit } from './store-visits.js'

type CounterStep = Extract<Step, { kind: 'reserve' | 'release' }>

/** Of a row that is locked and not changed. */
const noEffect = -1

/** What `Counters` answers, as error codes. */
const codeOfTaken = [ok, soldOut, conflict] as const

export const emitCounter = (program: Program, step: CounterStep, scope: Scope): void => {
  const { system, kernel } = program
  const { tasks } = kernel
  const store = step.via.component
  const { pool } = step.via
  const place = system.state.counter(store, step.data, step.counter)
  const data = system.dataIndex(step.data)
  const demand = (rate: number) => stepCpu(system.topology, step.id, step.time, rate)
  const visit = storeVisit(system, store, {
    kind: step.id,
    work: {
      cpu: system.work(`${step.id}/cpu`, store, (rate) => demand(rate).cpu),
      wait: system.work(`${step.id}/wait`, store, (rate) => demand(rate).wait),
      meter: kernel.meters.of(step.id),
    },
    ...guarded(system, step, scope, place, (task) => system.keyOf(tasks.request[task] as number, data)),
  })
  const choice = storeChooser(system, step.via, data)
  const edge = kernel.edges.between(program.component, store)
  emitMetered(program, step.id, () => {
    if (pool !== undefined && !scope.heldPools.includes(pool)) emitAcquire(program, pool)
    emitCall(program, choice, visit, edge)
  })
}

const guarded = (
  system: System,
  step: CounterStep,
  scope: Scope,
  place: CounterPlace,
  keyOf: (visit: number) => number,
): Pick<Visit, 'begin' | 'disk' | 'settle' | 'commit'> => {
  const { kernel, state } = system
  const { tasks, frames } = kernel
  const { counters } = state
  const { counter } = place
  const { ownerOf, inTransaction, mayWrite, recognises, changed } = statement(system, step, step.via, scope)
  const amount = step.kind === 'reserve' ? step.amount : -step.amount
  const { guard } = step
  const change = (visit: number, key: number): number => {
    if (guard === 'version')
      return amount > 0
        ? counters.takeUnchanged(counter, key, amount, tasks.row(visit))
        : counters.giveUnchanged(counter, key, -amount, tasks.row(visit))
    if (guard === 'none') return counters.overwrite(counter, key, amount, tasks.row(visit))
    if (amount > 0) return counters.take(counter, key, amount)
    counters.give(counter, key, -amount)
    return ok
  }
  const commit = (visit: number): number => {
    const refused = mayWrite(visit)
    if (refused !== ok) return refused
    if (recognises(visit)) return ok
    const key = keyOf(visit)
    const code = codeOfTaken[change(visit, key)] ?? ok
    if (code === ok) changed(visit, place.index, key, amount)
    return code
  }
  const copies = {
    disk: !inTransaction,
    ...(inTransaction ? {} : replicated(system, step.via, system.dataIndex(step.data))),
  }
  if (guard === 'lua') return { ...copies, commit }
  if (guard !== 'row-lock') return { ...copies, begin: (program) => emitRead(program, place, keyOf), commit }
  return {
    ...copies,
    begin: (program) =>
      emitRowLock(program, place, keyOf, ownerOf, (owner, key) =>
        state.transactions.changed(owner, place.index, key, 0, noEffect),
      ),
    commit: (visit) => {
      const code = commit(visit)
      if (tasks.frame[visit] !== none) state.rows.locks.release(frames.handle[frames.pop(visit)] as number, kernel.now)
      return code
    },
  }
}

/** Keeps what the visit has read, under its own number. */
const emitRead = (program: Program, place: CounterPlace, keyOf: (visit: number) => number): void => {
  const { counters } = program.system.state
  const { tasks } = program.kernel
  const next = program.here + 1
  program.emit((visit) => {
    counters.read(place.counter, keyOf(visit), tasks.row(visit))
    return next
  })
}

/** Waits for the row. Outside of a transaction it is the visit's until its end; else the transaction, told by `keepFor`, has it. */
const emitRowLock = (
  program: Program,
  place: CounterPlace,
  keyOf: (visit: number) => number,
  ownerOf: (visit: number) => number,
  keepFor: (owner: number, key: number) => void,
): void => {
  const { kernel, system } = program
  const { tasks, frames } = kernel
  const { rows } = system.state
  const giveBack = (_: number, frame: number): void => {
    rows.locks.release(frames.handle[frame] as number, kernel.now)
  }
  const code = frames.register({
    failed: (visit, frame) => {
      giveBack(visit, frame)
      return propagate
    },
    dropped: giveBack,
    crashed: giveBack,
  })
  const waited = program.here + 1
  const next = program.here + 2
  const keep = (visit: number, owner: number, hold: number): number => {
    if (owner === none) {
      const frame = frames.push(visit, code)
      frames.handle[frame] = hold
    } else keepFor(owner, keyOf(visit))
    return next
  }
  program.emit((visit) => {
    const owner = ownerOf(visit)
    const key = keyOf(visit)
    if (owner !== none) {
      if (rows.locks.holdOf(place.rows, key, owner) >= 0) return next
      if (rows.locks.closesCircle(place.rows, key, owner)) return kernel.end(visit, conflict)
    }
    tasks.pc[visit] = waited
    const hold = rows.enter(visit, place.rows, key, owner, Number.POSITIVE_INFINITY, false)
    return hold < 0 ? blocked : keep(visit, owner, hold)
  })
  program.emit((visit) => keep(visit, ownerOf(visit), rows.taken(visit)))
}

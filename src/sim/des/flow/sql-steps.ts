/** `query`, `write` and `transaction`: over a connection of a pool, or over one of their own. */
import { stepCpu } from '../../../catalog/demand.js'
import type { Step } from '../../../topology/flow.js'
import type { DataId, Pool, Topology } from '../../../topology/types.js'
import { lookupsOf } from '../cached-data.js'
import { dependency, failureOf, ok, tooManyConnections } from '../codes.js'
import type { ConnectionPool } from '../connection-pool.js'
import { propagate } from '../frames.js'
import { blocked } from '../kernel.js'
import { opCodes } from '../loop.js'
import { none } from '../tasks.js'
import { cacheKey } from './cache-key.js'
import { readCommit, replicated, writeCommit } from './change.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import type { Program, Scope } from './program.js'
import { shardChooser, storeChooser } from './store-choice.js'
import { storeVisit } from './store-visits.js'

/** Of a row about which no data set says anything, as the workload service writes it. */
const rowBytes = 512

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

export const emitSql = (program: Program, step: Of<'query' | 'write'>, scope: Scope): void => {
  const { system, kernel } = program
  const { topology } = system
  const store = step.target.component
  const meter = kernel.meters.of(step.id)
  const demand = (rate: number) => stepCpu(topology, step.id, step.time, rate)
  const about = step.key ?? scope.key
  const data = system.dataIndex(about)
  const valueBytes = (about === undefined ? undefined : topology.data[about]?.bytes) ?? rowBytes
  const visit = storeVisit(system, store, {
    work: {
      cpu: system.work(`${step.id}/cpu`, store, (rate) => demand(rate).cpu),
      wait: system.work(`${step.id}/wait`, store, (rate) => demand(rate).wait),
      meter,
    },
    bytes: step.kind === 'write' ? { in: valueBytes, out: 0 } : { in: 0, out: valueBytes },
    ...(step.kind === 'write' ? writeCommit(system, step, scope) : readCommit(system, step, scope)),
  })
  const choose = storeChooser(system, step.target, data)
  const edge = kernel.edges.between(program.component, store)
  const { pool } = step.target
  emitMetered(program, step.id, () => {
    if (pool !== undefined && !scope.heldPools.includes(pool)) emitAcquire(program, pool)
    emitCall(program, (task) => kernel.call(task, choose(task), visit, edge))
    if (step.invalidates !== undefined) emitInvalidate(program, step.invalidates)
  })
}

export const emitTransaction = (program: Program, step: Of<'transaction'>, scope: Scope, emitFlow: EmitFlow): void => {
  const { system, kernel } = program
  const { tasks, frames } = kernel
  const { pool, component } = step.target
  const choose = storeChooser(system, step.target, -1)
  const account = system.state.account(component)
  const giveBack = (task: number, frame: number): void => {
    const room = frames.handle[frame] as number
    if (room !== none) kernel.rooms[room]?.release(task)
  }
  /** Whatever was not committed before never was. */
  const rollBack = (task: number, frame: number): void => {
    system.state.endTransaction(account, frame, tasks.request[task] as number, false)
    giveBack(task, frame)
  }
  const code = frames.register({
    failed: (task, frame) => {
      rollBack(task, frame)
      return propagate
    },
    dropped: rollBack,
    crashed: (task, frame) => system.state.endTransaction(account, frame, tasks.request[task] as number, false),
  })
  const begin = storeVisit(system, component)
  const commit = storeVisit(system, component, {
    disk: true,
    ...replicated(system, step.target, -1),
    commit: (task) => {
      if (kernel.endpointOf(task).fullDisks > 0) return dependency
      const owner = frames.around(tasks.parent[task] as number, code)
      system.state.endTransaction(account, owner, tasks.request[task] as number, true)
      return ok
    },
  })
  const edge = kernel.edges.between(program.component, component)
  const exchange = (visit: number): void => emitCall(program, (task) => kernel.call(task, choose(task), visit, edge))
  emitMetered(program, step.id, () => {
    if (pool !== undefined) emitAcquire(program, pool)
    const next = program.here + 1
    program.emit((task) => {
      const frame = frames.push(task, code)
      frames.handle[frame] = tasks.granted[task] as number
      tasks.granted[task] = none
      return next
    })
    // BEGIN and COMMIT are round trips of their own.
    exchange(begin)
    emitFlow(program, step.do, {
      ...scope,
      ...(pool === undefined
        ? {}
        : {
            heldPools: [...scope.heldPools, pool],
            transactions: new Map([...(scope.transactions ?? []), [pool, code]]),
          }),
    })
    exchange(commit)
    program.leave(giveBack)
  })
}

/** Waits for a connection of the process's pool, which the next call then takes over. */
export const emitAcquire = (program: Program, poolId: string): void => {
  const { kernel, system, component } = program
  const { tasks } = kernel
  const member = system.member(component).component
  const pools: Readonly<Record<string, Pool>> = member.role === 'service' ? member.pools : {}
  const index = Object.keys(pools).indexOf(poolId)
  const timeoutSeconds = pools[poolId]?.acquireTimeoutSeconds
  const patience = timeoutSeconds === undefined ? undefined : kernel.timers.limitWait(timeoutSeconds)
  const poolOf = (task: number): ConnectionPool | undefined => kernel.endpointOf(task).pools[index]
  const granted = program.here + 1
  program.emit((task) => {
    const pool = poolOf(task)
    if (pool === undefined) return granted
    tasks.pc[task] = granted
    if (pool.acquire(task)) return granted
    patience?.add(task)
    return blocked
  })
  const next = program.here + 1
  program.emit((task) => {
    const pool = poolOf(task)
    if (pool === undefined || pool.connect()) return next
    tasks.granted[task] = none
    pool.release()
    return kernel.fail(task, tooManyConnections)
  })
}

/** A call whose failure is the step's. */
export const emitCall = (program: Program, call: (task: number) => number): void => {
  const { kernel } = program
  const { tasks } = kernel
  const answered = program.here + 1
  const next = program.here + 2
  program.emit((task) => {
    tasks.pc[task] = answered
    return call(task)
  })
  program.emit((task) => {
    const answer = tasks.answer[task] as number
    return answer === ok ? next : kernel.fail(task, failureOf(answer))
  }, opCodes.answered)
}

/** Deletes the request's key from every cache that some lookup keeps this data in. A cache that errs is left as it is. */
const emitInvalidate = (program: Program, data: DataId): void => {
  const { system, kernel } = program
  const { tasks } = kernel
  const index = system.dataIndex(data)
  for (const cache of cachesOf(system.topology, data)) {
    const member = system.member(cache)
    const shard = shardChooser(system, member.component, index)
    const choose = storeChooser(system, { component: cache }, index)
    const visit = storeVisit(system, cache)
    const edge = kernel.edges.between(program.component, cache)
    const answered = program.here + 1
    const next = program.here + 2
    program.emit((task) => {
      tasks.pc[task] = answered
      return kernel.call(task, choose(task), visit, edge)
    })
    program.emit((task) => {
      const key = system.keyOf(tasks.request[task] as number, index)
      if (tasks.answer[task] === ok) member.contents[shard(task)]?.delete(cacheKey(index, key))
      return next
    })
  }
}

const cachesOf = (topology: Topology, data: DataId): readonly string[] => [
  ...new Set(lookupsOf(topology).flatMap(({ key, target }) => (key === data ? [target.component] : []))),
]

/** `query`, `write` and `transaction`: over a connection of a pool, or over one of their own. */
import { stepCpu } from '../../../catalog/demand.js'
import type { Step } from '../../../topology/flow.js'
import type { ComponentId, DataId, Pool } from '../../../topology/types.js'
import { type WrittenCache, writeWay } from '../../written-caches.js'
import { dependency, failureOf, ok, tooManyConnections } from '../codes.js'
import type { ConnectionPool } from '../connection-pool.js'
import { propagate } from '../frames.js'
import { blocked } from '../kernel.js'
import { opCodes } from '../loop.js'
import type { Choice } from '../operands.js'
import { ordinaryWrite } from '../state-ledger.js'
import { none } from '../tasks.js'
import { cacheKey } from './cache-key.js'
import { readCommit, replicated, writeCommit } from './change.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import { Label, type Program, type Scope } from './program.js'
import { shardChooser, storeChooser } from './store-choice.js'
import { storeVisit } from './store-visits.js'
import { emitTurn } from './work-steps.js'
import { WriteBack } from './write-back.js'

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
    kind: step.id,
    work: {
      cpu: system.work(`${step.id}/cpu`, store, (rate) => demand(rate).cpu),
      wait: system.work(`${step.id}/wait`, store, (rate) => demand(rate).wait),
      meter,
    },
    bytes: step.kind === 'write' ? { in: valueBytes, out: 0 } : { in: 0, out: valueBytes },
    ...(step.kind === 'write' ? writeCommit(system, step, scope) : readCommit(system, step, scope)),
  })
  const choice = storeChooser(system, step.target, data)
  const edge = kernel.edges.between(program.component, store)
  const { pool } = step.target
  const way = writeWay(topology, step, pool !== undefined && scope.transactions?.has(pool) === true)
  emitMetered(program, step.id, () => {
    const end = new Label()
    if (way.back !== undefined) emitWriteBack(program, step, way.back, end)
    if (pool !== undefined && !scope.heldPools.includes(pool)) emitAcquire(program, pool)
    emitCall(program, choice, visit, edge)
    for (const cache of way.through) emitWriteThrough(program, cache)
    for (const cache of way.invalidated) emitInvalidate(program, cache, step.invalidates)
    program.place(end)
  })
}

/** What storing the request's value in a cache means there, and where that is. */
const setVisit = (
  program: Program,
  { cache, lookup }: WrittenCache,
  stored?: (visit: number, shard: number) => void,
) => {
  const { system, kernel } = program
  const { tasks } = kernel
  const data = system.dataIndex(lookup.key)
  const valueBytes = (lookup.key === undefined ? undefined : system.topology.data[lookup.key]?.bytes) ?? 0
  const { component, contents } = system.member(cache)
  const shard = shardChooser(system, component, data)
  const ttlSeconds = lookup.ttlSeconds ?? Number.POSITIVE_INFINITY
  const visit = storeVisit(system, cache, {
    bytes: { in: valueBytes, out: 0 },
    disk: component.role === 'store' && component.persistence !== 'none',
    commit: (task) => {
      if (kernel.endpointOf(task).fullDisks > 0) return dependency
      const at = shard(task)
      const key = cacheKey(data, system.keyOf(tasks.request[task] as number, data))
      // What a declared hit ratio decides is not kept.
      if (lookup.hitRatio === undefined) contents[at]?.put(key, valueBytes, ttlSeconds, kernel.now)
      stored?.(task, at)
      return ok
    },
  })
  return {
    visit,
    choice: storeChooser(system, { component: cache }, data),
    edge: kernel.edges.between(program.component, cache),
  }
}

/** The store has it, and the cache must: both, or the step fails. */
const emitWriteThrough = (program: Program, cache: WrittenCache): void => {
  const { visit, choice, edge } = setVisit(program, cache)
  emitCall(program, choice, visit, edge)
}

/** The cache has it: that is all for now. A cache that does not answer is gone past, to the store. */
const emitWriteBack = (program: Program, step: Of<'query' | 'write'>, cache: WrittenCache, end: Label): void => {
  const { system, kernel, component } = program
  const { tasks } = kernel
  const { state } = system
  const data = system.dataIndex(cache.lookup.key)
  const effect = state.effectOf(step.id)
  const keyOf = (task: number): number => system.keyOf(tasks.request[task] as number, data)
  const writeBack = new WriteBack(system, {
    cache: cache.cache,
    flushAfterSeconds: cache.lookup.flushAfterSeconds,
    service: component,
    emitFlush: (flush) => emitFlush(flush, step, cache),
  })
  const { visit, choice, edge } = setVisit(program, cache, (task, shard) => {
    const request = tasks.request[task] as number
    if (state.recognises(request, effect)) return
    state.effects.happened(request, effect)
    writeBack.wrote(shard, keyOf(task), request)
  })
  program.call(choice, visit, edge, dependency)
  const store = program.here + 1
  program.emit((task) => (tasks.answer[task] === ok ? end.pc : store))
}

/** One value on its way from the cache to the store. */
const emitFlush = (program: Program, step: Of<'query' | 'write'>, cache: WrittenCache): void => {
  const { system, kernel } = program
  const { tasks } = kernel
  const store = step.target.component
  const data = system.dataIndex(cache.lookup.key)
  const valueBytes =
    (cache.lookup.key === undefined ? undefined : system.topology.data[cache.lookup.key]?.bytes) ?? rowBytes
  const demand = (rate: number) => stepCpu(system.topology, step.id, step.time, rate)
  const account = system.state.account(store)
  const read = storeVisit(system, cache.cache, { bytes: { in: 0, out: valueBytes } })
  const write = storeVisit(system, store, {
    work: {
      cpu: system.work(`${step.id}/flush-cpu`, store, (rate) => demand(rate).cpu),
      wait: system.work(`${step.id}/flush-wait`, store, (rate) => demand(rate).wait),
      meter: kernel.meters.of(step.id),
    },
    bytes: { in: valueBytes, out: 0 },
    disk: true,
    ...replicated(system, step.target, data),
    commit: (visit) => {
      if (kernel.endpointOf(visit).fullDisks > 0) return dependency
      const request = tasks.request[visit] as number
      system.state.keep(account, request, ordinaryWrite(data), system.keyOf(request, data), 0)
      return ok
    },
  })
  const chooseCache = storeChooser(system, { component: cache.cache }, data)
  const chooseStore = storeChooser(system, step.target, data)
  const toCache = kernel.edges.between(program.component, cache.cache)
  const toStore = kernel.edges.between(program.component, store)
  emitCall(program, chooseCache, read, toCache)
  if (step.target.pool !== undefined) emitAcquire(program, step.target.pool)
  emitCall(program, chooseStore, write, toStore)
}

export const emitTransaction = (program: Program, step: Of<'transaction'>, scope: Scope, emitFlow: EmitFlow): void => {
  const { system, kernel } = program
  const { tasks, frames } = kernel
  const { pool, component } = step.target
  const choice = storeChooser(system, step.target, -1)
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
  const exchange = (visit: number): void => emitCall(program, choice, visit, edge)
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
  program.emit(
    (task) => {
      const pool = poolOf(task)
      if (pool === undefined) return granted
      tasks.pc[task] = granted
      if (pool.acquire(task)) return granted
      patience?.add(task)
      return blocked
    },
    opCodes.acquire,
    index,
  )
  const next = program.here + 1
  program.emit(
    (task) => {
      const pool = poolOf(task)
      if (pool === undefined || pool.connect()) return next
      tasks.granted[task] = none
      pool.release()
      return kernel.fail(task, tooManyConnections)
    },
    opCodes.connect,
    index,
  )
}

/** A call whose failure is the step's. */
export const emitCall = (program: Program, choice: Choice, goal: number, edge: number): void => {
  const { kernel } = program
  const { tasks } = kernel
  program.call(choice, goal, edge, dependency)
  const next = program.here + 1
  program.emit((task) => {
    const answer = tasks.answer[task] as number
    return answer === ok ? next : kernel.fail(task, failureOf(answer))
  }, opCodes.answered)
  emitTurn(program)
}

/** Deletes the request's key from a cache. One that errs is left as it is. */
const emitInvalidate = (program: Program, cache: ComponentId, data: DataId | undefined): void => {
  const { system, kernel } = program
  const { tasks } = kernel
  const index = system.dataIndex(data)
  const member = system.member(cache)
  const shard = shardChooser(system, member.component, index)
  const choice = storeChooser(system, { component: cache }, index)
  const visit = storeVisit(system, cache)
  const edge = kernel.edges.between(program.component, cache)
  program.call(choice, visit, edge, dependency)
  const next = program.here + 1
  program.emit((task) => {
    const key = system.keyOf(tasks.request[task] as number, index)
    if (tasks.answer[task] === ok) member.contents[shard(task)]?.delete(cacheKey(index, key))
    return next
  })
}

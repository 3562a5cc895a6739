/** `query`, `write` and `transaction`: over a connection of a pool, or over one of their own. */
import { stepCpu } from '../../../catalog/demand.js'
import { type Step, walk } from '../../../topology/flow.js'
import type { DataId, Pool, Topology } from '../../../topology/types.js'
import { blocked, type FrameCode, type Task } from '../task.js'
import { cacheKey } from './cache-key.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import { letThrough, type Program, type Scope } from './program.js'
import { storeChooser, storeVisit } from './store-visits.js'

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

export const emitSql = (program: Program, step: Of<'query' | 'write'>, scope: Scope): void => {
  const { system, kernel } = program
  const { topology } = system
  const store = step.target.component
  const meter = system.meter(step.id)
  const demand = (rate: number) => stepCpu(topology, step.id, step.time, rate)
  const visit = storeVisit(program, store, {
    cpu: system.work(`${step.id}/cpu`, store, (rate) => demand(rate).cpu),
    wait: system.work(`${step.id}/wait`, store, (rate) => demand(rate).wait),
    meter,
  })
  const choose = storeChooser(system.member(store), step.target)
  const data = system.dataIndex(step.key ?? scope.key)
  const { pool } = step.target
  emitMetered(program, step.id, () => {
    if (pool !== undefined && !scope.heldPools.includes(pool)) emitAcquire(program, pool)
    emitCall(program, (task) => kernel.call(task, choose(data < 0 ? 0 : system.keyOf(task.request, data)), visit))
    if (step.invalidates !== undefined) emitInvalidate(program, step.invalidates)
  })
}

export const emitTransaction = (program: Program, step: Of<'transaction'>, scope: Scope, emitFlow: EmitFlow): void => {
  const { system, kernel } = program
  const { pool, component } = step.target
  const choose = storeChooser(system.member(component), step.target)
  const visit = storeVisit(program, component)
  const code: FrameCode = {
    failed: (task, frame) => {
      frame.pool?.release()
      return letThrough(task)
    },
    dropped: (_, frame) => frame.pool?.release(),
  }
  const exchange = (): void => emitCall(program, (task) => kernel.call(task, choose(0), visit))
  emitMetered(program, step.id, () => {
    if (pool !== undefined) emitAcquire(program, pool)
    program.enter(code, (task, frame) => {
      frame.pool = task.granted
      task.granted = undefined
    })
    // BEGIN and COMMIT are round trips of their own.
    exchange()
    emitFlow(program, step.do, {
      ...scope,
      heldPools: pool === undefined ? scope.heldPools : [...scope.heldPools, pool],
    })
    exchange()
    program.leave((_, frame) => frame.pool?.release())
  })
}

/** Waits for a connection of the process's pool, which the next call then takes over. */
const emitAcquire = (program: Program, poolId: string): void => {
  const { kernel, system, component } = program
  const member = system.member(component).component
  const pools: Readonly<Record<string, Pool>> = member.role === 'service' ? member.pools : {}
  const index = Object.keys(pools).indexOf(poolId)
  const timeoutSeconds = pools[poolId]?.acquireTimeoutSeconds
  const granted = program.here + 1
  program.emit((task) => {
    const pool = task.endpoint.pools[index]
    if (pool === undefined) return granted
    task.pc = granted
    if (pool.acquire(task)) return granted
    if (timeoutSeconds !== undefined) kernel.timers.limitAcquire(task, timeoutSeconds)
    return blocked
  })
  const next = program.here + 1
  program.emit((task) => {
    const pool = task.granted
    if (pool === undefined || pool.connect()) return next
    task.granted = undefined
    pool.release()
    return kernel.fail(task, 'too-many-connections')
  })
}

/** A call whose failure is the step's. */
export const emitCall = (program: Program, call: (task: Task) => number): void => {
  const { kernel } = program
  const answered = program.here + 1
  const next = program.here + 2
  program.emit((task) => {
    task.pc = answered
    return call(task)
  })
  program.emit((task) => (task.answer === '' ? next : kernel.fail(task, 'dependency')))
}

/** Deletes the request's key from every cache that some lookup keeps this data in. A cache that errs is left as it is. */
const emitInvalidate = (program: Program, data: DataId): void => {
  const { system, kernel } = program
  const index = system.dataIndex(data)
  for (const cache of cachesOf(system.topology, data)) {
    const member = system.member(cache)
    const choose = storeChooser(member, { component: cache })
    const visit = storeVisit(program, cache)
    const answered = program.here + 1
    const next = program.here + 2
    program.emit((task) => {
      task.pc = answered
      return kernel.call(task, choose(system.keyOf(task.request, index)), visit)
    })
    program.emit((task) => {
      const key = system.keyOf(task.request, index)
      if (task.answer === '') member.contents[key % member.contents.length]?.delete(cacheKey(index, key))
      return next
    })
  }
}

const cachesOf = (topology: Topology, data: DataId): readonly string[] => {
  const caches = new Set<string>()
  const flows = [
    ...Object.values(topology.requests).map((request) => request.flow),
    ...Object.values(topology.components).flatMap((component) =>
      component.role === 'service'
        ? [component.flow, ...Object.values(component.operations).map((operation) => operation.flow)]
        : [],
    ),
  ]
  for (const flow of flows)
    for (const step of walk(flow)) if (step.kind === 'lookup' && step.key === data) caches.add(step.target.component)
  return [...caches]
}

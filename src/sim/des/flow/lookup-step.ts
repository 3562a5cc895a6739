/**
 * `lookup`: a GET; on a miss the nested steps run and a SET stores the value. A declared hit ratio is forced while the
 * cache answers; a cache that errs is a miss that stores nothing.
 */
import { defaultValueBytes } from '../../../catalog/redis/model.js'
import type { Step } from '../../../topology/flow.js'
import { dependency, ok } from '../codes.js'
import { opCodes } from '../loop.js'
import { numbered } from '../operands.js'
import { cacheKey } from './cache-key.js'
import { type EmitFlow, emitMetered } from './modifiers.js'
import { Label, type Program, type Scope, transparent } from './program.js'
import { shardChooser, storeChooser } from './store-choice.js'
import { storeVisit } from './store-visits.js'
import { emitTurn } from './work-steps.js'

export const emitLookup = (
  program: Program,
  step: Extract<Step, { kind: 'lookup' }>,
  scope: Scope,
  emitFlow: EmitFlow,
): void => {
  const { system, kernel } = program
  const { tasks, frames } = kernel
  const cache = step.target.component
  const member = system.member(cache)
  const data = system.dataIndex(step.key)
  const content = system.content(step)
  const choice = storeChooser(system, step.target, data)
  const shard = shardChooser(system, member.component, data)
  const valueBytes = step.key === undefined ? defaultValueBytes : (system.topology.data[step.key]?.bytes ?? 0)
  const get = storeVisit(system, cache, { bytes: { in: 0, out: valueBytes } })
  const set = storeVisit(system, cache, { bytes: { in: valueBytes, out: 0 } })
  const edge = kernel.edges.between(program.component, cache)
  const coin = system.stream(`${step.id}/hit`)
  const { hitRatio } = step
  const outermost = !scope.insideLookup
  const { contents, lookups } = member
  const keyOf = (task: number): number => cacheKey(content, system.keyOf(tasks.request[task] as number, data))
  const renewSeconds = step.renew ? (step.ttlSeconds ?? 0) : 0
  const ttlSeconds = step.ttlSeconds ?? Number.POSITIVE_INFINITY

  emitMetered(program, step.id, () => {
    const end = new Label()
    program.call(choice, get, edge, dependency)
    emitTurn(program)
    const miss = program.here + 1
    const judge = (task: number): number => {
      const hit =
        tasks.answer[task] === ok &&
        (hitRatio === undefined
          ? (contents[shard(task)]?.get(keyOf(task), kernel.now, renewSeconds) ?? false)
          : coin.uniform() < hitRatio)
      if (outermost && tasks.outcome[task] === 0) tasks.outcome[task] = hit ? 1 : 2
      if (!hit) {
        lookups.misses += 1
        return miss
      }
      lookups.hits += 1
      return end.pc
    }
    if (hitRatio === undefined) program.emit(judge)
    else {
      const forced = { coin, hitRatio, outermost, lookups, end }
      program.emit(judge, opCodes.forcedLookup, numbered(kernel.operands.lookups, forced))
    }
    // Whether the cache answered must survive the calls of the miss path.
    program.enter(transparent, (task, frame) => {
      frames.count[frame] = tasks.answer[task] === ok ? 1 : 0
    })
    emitFlow(program, step.miss, { ...scope, key: step.key ?? scope.key, insideLookup: true })
    const store = program.here + 1
    program.emit((task) => (frames.count[frames.pop(task)] === 1 ? store : end.pc))
    program.call(choice, set, edge, dependency)
    const next = program.here + 1
    program.emit((task) => {
      if (tasks.answer[task] === ok && hitRatio === undefined)
        contents[shard(task)]?.put(keyOf(task), valueBytes, ttlSeconds, kernel.now)
      return next
    })
    emitTurn(program)
    program.place(end)
  })
}

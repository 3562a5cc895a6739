/** Cache-aside: a real GET; on a miss the nested steps run, then the value is stored. */
import { defaultValueBytes } from '../../catalog/redis/model.js'
import type { Step } from '../../topology/flow.js'
import type { Environment, Runner, Scope } from '../frame.js'
import type { Compile } from '../interpreter.js'

export const cacheKey = (data: string, key: number): string => `${data}:${key}`

export const lookup = (
  step: Extract<Step, { kind: 'lookup' }>,
  scope: Scope,
  env: Environment,
  compile: Compile,
): Runner => {
  const cache = env.clients.cache(step.target)
  const miss = compile(step.miss, { key: step.key ?? scope.key, insideLookup: true })
  const coin = env.stream(`${step.id}/hit`)
  const value = Buffer.alloc(
    step.key === undefined ? defaultValueBytes : (env.topology.data[step.key]?.bytes ?? 0),
    'x',
  )
  const { meters } = env
  return async (frame) => {
    const { request, cancel } = frame
    const key = step.key === undefined ? step.id : cacheKey(step.key, request.keys.of(step.key))
    const found = await cache.get(key)
    cancel.throwIfCancelled()
    // A declared ratio is forced while the cache answers; a cache that errs is a miss that stores nothing.
    const hit = found !== 'error' && (step.hitRatio === undefined ? found === 'hit' : coin.uniform() < step.hitRatio)
    if (!scope.insideLookup) request.outcome ??= hit ? 'hit' : 'miss'
    if (hit) {
      meters.hits++
      return
    }
    meters.misses++
    await miss(frame)
    cancel.throwIfCancelled()
    if (found !== 'error') await cache.set(key, value, step.ttlSeconds)
  }
}

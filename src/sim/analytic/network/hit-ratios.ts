/** The hit ratio of each lookup: declared, else calibrated, else what its data, memory and time to live make of it. */

import { percent } from '../../../lib/words.js'
import { type Step, walk } from '../../../topology/flow.js'
import { flowsOf } from '../../../topology/flows.js'
import type { Topology } from '../../../topology/types.js'
import { ttlLruCache, zipfGroups } from '../cache.js'

type Lookup = Extract<Step, { kind: 'lookup' }>

export interface HitRatios {
  readonly of: (step: Lookup) => number
  readonly assumptions: readonly string[]
}

/** What Redis keeps besides a small value: dictionary entry, key, object header, expiry. Source: redis.io, memory optimization; MEMORY USAGE of a short key. */
const entryOverheadBytes = 96

/** Lookups per second of each data set in each cache, `cache/data`; what nests inside a miss counts as if it always ran. */
const lookupRates = (topology: Topology, classRate: (request: string) => number): ReadonlyMap<string, number> => {
  const rates = new Map<string, number>()
  for (const request of Object.values(topology.requests))
    for (const step of walk(request.flow))
      if (step.kind === 'lookup' && step.key !== undefined) {
        const id = `${step.target.component}/${step.key}`
        rates.set(id, (rates.get(id) ?? 0) + classRate(request.id))
      }
  return rates
}

const computed = (topology: Topology, step: Lookup, ratePerSecond: number): { ratio: number; why: string } => {
  const data = step.key === undefined ? undefined : topology.data[step.key]
  const cache = topology.components[step.target.component]
  if (data === undefined || cache?.role !== 'store')
    return { ratio: 0, why: 'no hit ratio and no key are declared: every lookup counts as a miss' }
  const capacity =
    cache.memoryBytes === undefined
      ? data.keys
      : Math.max(1, Math.floor((cache.memoryBytes * cache.masters) / (data.bytes + entryOverheadBytes)))
  const exponent = data.popularity.law === 'zipf' ? data.popularity.exponent : 0
  const { hitRatio } = ttlLruCache(
    zipfGroups(data.keys, exponent),
    capacity,
    Math.max(ratePerSecond, 1e-6),
    step.ttlSeconds ?? Number.POSITIVE_INFINITY,
  )
  return {
    ratio: hitRatio,
    why: `hit ratio ${percent(hitRatio)} follows from ${data.keys} keys of ${data.id}, room for ${Math.min(capacity, data.keys)}, and the time to live (Che's approximation)`,
  }
}

export const hitRatios = (topology: Topology, classRate: (request: string) => number): HitRatios => {
  const ratios = new Map<string, number>()
  const assumptions: string[] = []
  const rates = lookupRates(topology, classRate)
  for (const flow of flowsOf(topology))
    for (const step of walk(flow)) {
      if (step.kind !== 'lookup' || ratios.has(step.id)) continue
      const measured = topology.calibration?.hitRatios
      const known = step.hitRatio ?? measured?.[step.id] ?? measured?.[step.target.component]
      if (known === undefined) {
        const { ratio, why } = computed(topology, step, rates.get(`${step.target.component}/${step.key}`) ?? 0)
        ratios.set(step.id, ratio)
        assumptions.push(`${step.id}: ${why}`)
      } else ratios.set(step.id, known)
    }
  return { of: (step) => ratios.get(step.id) ?? 0, assumptions }
}

/** The hit ratio of each lookup: declared, else calibrated, else what its data, memory and time to live make of it. */

import { cacheEntryBytes, defaultValueBytes } from '../../../catalog/redis/model.js'
import { percent } from '../../../lib/words.js'
import { type Step, walk } from '../../../topology/flow.js'
import { flowsOf } from '../../../topology/flows.js'
import type { Component, Eviction, Topology } from '../../../topology/types.js'
import { zipfGroups } from '../cache.js'
import { type CachedSet, sharedCache } from '../cache-sharing.js'

type Lookup = Extract<Step, { kind: 'lookup' }>

export interface HitRatios {
  readonly of: (step: Lookup) => number
  readonly assumptions: readonly string[]
}

const unlimited = Number.POSITIVE_INFINITY

/** What a lookup keeps in its cache: keys of a data set, or (without a key) one value of its own. */
const contentOf = (step: Lookup): string => step.key ?? `step ${step.id}`

interface Content extends CachedSet {
  readonly keys: number
  /** Of Zipf's law; 0: all keys alike. */
  readonly exponent: number
}

/**
 * What a cache keeps for lookups whose hit ratio follows from it; what nests inside a miss counts as if it always ran, what
 * others call by name as if it hardly did.
 */
const contentsOf = (
  topology: Topology,
  cache: string,
  follows: (step: Lookup) => boolean,
  classRate: (request: string) => number,
  singles: number | undefined,
): ReadonlyMap<string, Content> => {
  const contents = new Map<string, Content>()
  const rates = new Map(Object.values(topology.requests).map(({ id, flow }) => [flow, classRate(id)]))
  for (const flow of flowsOf(topology))
    for (const step of walk(flow)) {
      if (step.kind !== 'lookup' || step.target.component !== cache || !follows(step)) continue
      const data = step.key === undefined ? undefined : topology.data[step.key]
      const exponent = data?.popularity.law === 'zipf' ? data.popularity.exponent : 0
      const before = contents.get(contentOf(step))
      contents.set(contentOf(step), {
        keys: data?.keys ?? 1,
        exponent,
        groups: before?.groups ?? zipfGroups(data?.keys ?? 1, exponent, singles),
        ratePerSecond: Math.max(1e-6, (before?.ratePerSecond ?? 0) + (rates.get(flow) ?? 0)),
        ttlSeconds: Math.min(before?.ttlSeconds ?? unlimited, step.ttlSeconds ?? unlimited),
        entryBytes: (data?.bytes ?? defaultValueBytes) + cacheEntryBytes,
      })
    }
  return contents
}

const methods: Readonly<Record<Eviction, string>> = {
  noeviction: 'refused',
  'allkeys-lru': "evicted by LRU (Che's approximation)",
  'allkeys-lfu': 'evicted by a perfect LFU',
  'allkeys-random': "evicted at random (Gelenbe's formula)",
  'volatile-lru': "evicted by LRU (Che's approximation) if they expire",
  'volatile-ttl': 'evicted when they would expire first',
}

/** Whoever plans asks about the same cache under the same load again and again, while other numbers change. */
const answers = new Map<string, ReturnType<typeof sharedCache>>()
const mostAnswers = 64

const remembered = (
  contents: readonly Content[],
  memoryBytes: number,
  eviction: Eviction,
): ReturnType<typeof sharedCache> => {
  const sets = contents.map(({ keys, groups, exponent, ratePerSecond, ttlSeconds, entryBytes }) =>
    [keys, groups.length, exponent, ratePerSecond, ttlSeconds, entryBytes].join(' '),
  )
  const key = [memoryBytes, eviction, ...sets].join('; ')
  const known = answers.get(key)
  if (known !== undefined) return known
  const answer = sharedCache(contents, memoryBytes, eviction)
  if (answers.size >= mostAnswers) answers.clear()
  answers.set(key, answer)
  return answer
}

/** Hit ratio of each content of a cache, and why. */
const computed = (
  store: Component | undefined,
  contents: ReadonlyMap<string, Content>,
): ReadonlyMap<string, { readonly ratio: number; readonly why: string }> => {
  if (store?.role !== 'store') return new Map()
  const memoryBytes = store.memoryBytes === undefined ? unlimited : store.memoryBytes * store.masters
  const { hitRatios: ratios, fits } = remembered([...contents.values()], memoryBytes, store.eviction)
  const others = contents.size > 1 ? `, shared by ${contents.size} kinds of values` : ''
  const memory = fits ? 'all of which fit' : `${methods[store.eviction]} for want of memory${others}`
  return new Map(
    [...contents].map(([name, { keys }], index) => {
      const ratio = ratios[index] ?? 0
      const what = `${keys} ${keys === 1 ? 'key' : 'keys'} of ${name}`
      return [name, { ratio, why: `hit ratio ${percent(ratio)} follows from ${what}, ${memory}, and the time to live` }]
    }),
  )
}

/** Ranks that stand alone where ratios are only compared: the rest, alike within 1 %, takes a twentieth of the time. */
const fewSingles = 100

/** `declared: false`: what all of them would be if nobody had declared or measured any; `coarse`: to a thousandth, sooner. */
export const hitRatios = (
  topology: Topology,
  classRate: (request: string) => number,
  { declared = true, coarse = false }: { readonly declared?: boolean; readonly coarse?: boolean } = {},
): HitRatios => {
  const ratios = new Map<string, number>()
  const assumptions: string[] = []
  const measured = topology.calibration?.hitRatios
  const known = (step: Lookup): number | undefined =>
    declared ? (step.hitRatio ?? measured?.[step.id] ?? measured?.[step.target.component]) : undefined
  const singles = coarse ? fewSingles : undefined
  const caches = new Map<string, ReturnType<typeof computed>>()
  const follows = (step: Lookup): number => {
    const { component } = step.target
    let cache = caches.get(component)
    if (cache === undefined) {
      const contents = contentsOf(topology, component, (other) => known(other) === undefined, classRate, singles)
      cache = computed(topology.components[component], contents)
      caches.set(component, cache)
    }
    const { ratio, why } = cache.get(contentOf(step)) ?? { ratio: 0, why: 'nobody asks: every lookup counts as a miss' }
    assumptions.push(`${step.id}: ${why}`)
    return ratio
  }
  for (const flow of flowsOf(topology))
    for (const step of walk(flow))
      if (step.kind === 'lookup' && !ratios.has(step.id)) ratios.set(step.id, known(step) ?? follows(step))
  return { of: (step) => ratios.get(step.id) ?? 0, assumptions }
}

/** The share of a class's requests that a content delivery network answers by itself: declared, or what its memory and ttl give. */
import type { BalancerComponent, RequestClass, Topology } from '../../../topology/types.js'
import { mayBeKept } from '../../origins.js'
import { zipfGroups } from '../cache.js'
import { type CachedSet, sharedCache } from '../cache-sharing.js'

export type KeptShare = (at: BalancerComponent, request: RequestClass) => number

const setOf = (topology: Topology, at: BalancerComponent, request: RequestClass, rate: number): CachedSet => {
  const data = topology.data[request.route.parameters[0] ?? '']
  const exponent = data?.popularity.law === 'zipf' ? data.popularity.exponent : 0
  return {
    groups: zipfGroups(data?.keys ?? 1, exponent),
    // Each replica has a cache of its own, and its part of the requests.
    ratePerSecond: Math.max(1e-6, rate / at.replicas),
    ttlSeconds: at.cache?.ttlSeconds ?? Number.POSITIVE_INFINITY,
    entryBytes: Math.max(1, request.bytes.out),
  }
}

export const keptAnswers = (topology: Topology, classRate: (request: string) => number): KeptShare => {
  const computed = new Map<string, ReadonlyMap<string, number>>()
  const sharesOf = (at: BalancerComponent): ReadonlyMap<string, number> => {
    const known = computed.get(at.id)
    if (known !== undefined) return known
    const kept = Object.values(topology.requests).filter((each) => each.enter.includes(at.id) && mayBeKept(each))
    const sets = kept.map((request) => setOf(topology, at, request, classRate(request.id)))
    const { hitRatios } = sharedCache(sets, at.cache?.memoryBytes ?? Number.POSITIVE_INFINITY, 'allkeys-lru')
    const shares = new Map(kept.map(({ id }, index) => [id, hitRatios[index] ?? 0]))
    computed.set(at.id, shares)
    return shares
  }
  return (at, request) => {
    if (at.cache === undefined || !mayBeKept(request)) return 0
    return at.cache.hitRatio ?? sharesOf(at).get(request.id) ?? 0
  }
}

/** The rates of classes behind the networks that they enter by. */
export const ratesBehind =
  (topology: Topology, classRate: (request: string) => number, kept: KeptShare) =>
  (id: string): number => {
    const request = topology.requests[id]
    if (request === undefined) return classRate(id)
    return request.enter.reduce((rate, entry) => {
      const at = topology.components[entry]
      return at?.role === 'balancer' ? rate * (1 - kept(at, request)) : rate
    }, classRate(id))
  }

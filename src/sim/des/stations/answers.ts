/** Answers that a content delivery network keeps: by a declared share, or least recently used ones of each of its replicas. */
import type { BalancerComponent, RequestClass } from '../../../topology/types.js'
import { Cache } from '../../cache/cache.js'
import { mayBeKept } from '../../origins.js'
import type { Endpoint } from '../endpoint.js'
import { cacheKey } from '../flow/cache-key.js'
import type { Member, System } from '../system.js'

type Declared = NonNullable<BalancerComponent['cache']>

/** Of one key of the route's first data set; without one it is one answer. */
const dataOf = ({ route }: RequestClass): string | undefined => route.parameters[0]

export class Answers {
  private readonly kept = new Map<Endpoint, Cache>()
  /** By class: may it be kept, the index of its data set, the bytes of an answer. */
  private readonly classes: readonly { readonly kept: boolean; readonly data: number; readonly bytes: number }[]

  constructor(
    private readonly system: System,
    private readonly component: string,
    private readonly declared: Declared,
  ) {
    this.classes = Object.values(system.topology.requests).map((request) => ({
      kept: mayBeKept(request),
      data: system.dataIndex(dataOf(request)),
      bytes: request.bytes.out,
    }))
  }

  /** Is the request answered here? */
  hit(endpoint: Endpoint, request: number): boolean {
    const { kernel } = this.system
    const cls = kernel.requests.cls[request] as number
    if (this.classes[cls]?.kept !== true) return false
    const { hitRatio } = this.declared
    const hit =
      hitRatio === undefined
        ? this.of(endpoint).get(this.keyOf(request, cls), kernel.now)
        : this.system.stream(`${this.component}/hit`).uniform() < hitRatio
    const { lookups } = this.member
    if (hit) lookups.hits += 1
    else lookups.misses += 1
    return hit
  }

  /** The origin has answered. */
  keep(endpoint: Endpoint, request: number): void {
    const { kernel } = this.system
    const cls = kernel.requests.cls[request] as number
    const { kept, bytes } = this.classes[cls] ?? { kept: false, bytes: 0 }
    if (!kept || this.declared.hitRatio !== undefined) return
    const ttlSeconds = this.declared.ttlSeconds ?? Number.POSITIVE_INFINITY
    this.of(endpoint).put(this.keyOf(request, cls), bytes, ttlSeconds, kernel.now)
  }

  forget(endpoint: Endpoint): void {
    this.kept.delete(endpoint)
  }

  private get member(): Member {
    return this.system.member(this.component)
  }

  private keyOf(request: number, cls: number): number {
    return cacheKey(cls, this.system.keyOf(request, this.classes[cls]?.data ?? -1))
  }

  private of(endpoint: Endpoint): Cache {
    let cache = this.kept.get(endpoint)
    if (cache === undefined) {
      cache = new Cache({
        capacityBytes: this.declared.memoryBytes ?? Number.POSITIVE_INFINITY,
        eviction: 'allkeys-lru',
        overheadBytes: 0,
        stream: this.system.stream(`${this.component}/evict`),
      })
      this.kept.set(endpoint, cache)
    }
    return cache
  }
}

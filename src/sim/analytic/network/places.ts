/** Where each station's bursts are served: on which cores, by how many loops, in how many separate queues, and who sends them there. */
import type { Placement } from '../../../result/placement.js'
import type { Topology } from '../../../topology/types.js'
import type { Dispatch } from '../spread.js'
import { coreDomains, type Domain } from './domains.js'
import type { Station } from './stations.js'

export interface Site {
  readonly station: Station
  /** Cores, each set with how many of the station's instances are on it. */
  readonly domains: ReadonlyMap<Domain, number>
  /** Processes that queue separately. */
  readonly endpoints: number
  /** Of each; undefined: its work runs in parallel on the cores. */
  readonly loopsEach: number | undefined
  /** Do all loops on these cores, and nothing else, fit on them? Then nobody stretches anybody. */
  readonly undisturbed: boolean
  readonly dispatch: Dispatch
}

/** `shared`: one queue for all replicas, whoever spreads the work (what `plan` assumes); `placed`: as the balancer does. */
export type Spread = 'shared' | 'placed'

const balancing: Readonly<Record<string, Dispatch>> = {
  round_robin: 'turn',
  weighted: 'turn',
  least_conn: 'least',
  random_two: 'two',
  ip_hash: 'random',
}

/** Who chooses among the instances: a balancer by its policy, a client of a sharded store by key, everybody else in turn. */
const dispatchOf = (topology: Topology, { component, role }: Station): Dispatch => {
  if (component.role === 'service' && component.consumes !== undefined) return 'shared'
  for (const balancer of Object.values(topology.components))
    if (
      balancer.role === 'balancer' &&
      balancer.upstreams.some((upstream) => upstream.component === component.id && upstream.weight > 0)
    )
      return balancing[balancer.balance] ?? 'turn'
  const primary = role === undefined || role === 'primary' || role === 'master'
  return component.role === 'store' && primary ? 'random' : 'turn'
}

/** The sites of stations on a placement, each found once. */
export const siteFinder = (topology: Topology, placement: Placement, spread: Spread): ((station: Station) => Site) => {
  const domainOf = coreDomains(placement)
  const fits = new Map<Domain, boolean>()
  const loopsFit = (domain: Domain): boolean => {
    let known = fits.get(domain)
    if (known === undefined) {
      const loops = domain.members.reduce(
        (sum, id) => sum + (placement.instances[id]?.eventLoops ?? (id === 'generator' ? 1 : Number.POSITIVE_INFINITY)),
        0,
      )
      known = loops <= domain.cores
      fits.set(domain, known)
    }
    return known
  }
  const make = (station: Station): Site => {
    const domains = new Map<Domain, number>()
    let loops = 0
    let endpoints = 0
    for (const instance of station.instances) {
      const domain = domainOf.get(instance)
      if (domain !== undefined) domains.set(domain, (domains.get(domain) ?? 0) + 1)
      const own = placement.instances[instance]?.eventLoops ?? 0
      loops += own
      endpoints += station.component.role === 'service' && own > 0 ? own : 1
    }
    const shared =
      spread === 'shared' || (station.component.role === 'service' && station.component.consumes !== undefined)
    return {
      station,
      domains,
      endpoints: shared ? 1 : endpoints,
      loopsEach: loops > 0 ? (shared ? loops : loops / endpoints) : undefined,
      undisturbed: [...domains.keys()].every(loopsFit),
      dispatch: shared ? 'shared' : dispatchOf(topology, station),
    }
  }
  const sites = new Map<Station, Site>()
  return (station) => {
    let site = sites.get(station)
    if (site === undefined) {
      site = make(station)
      sites.set(station, site)
    }
    return site
  }
}

/** Cores of all sets together. */
export const coresAt = ({ domains }: Site): number => {
  let cores = 0
  for (const domain of domains.keys()) cores += domain.cores
  return cores
}

export interface DomainDemand {
  /** CPU-seconds per request of the mix, of event loops (the load generator's, too) and of parallel work. */
  readonly loops: number
  readonly parallel: number
}

/** On each set of cores: an equal part of each station for each of its instances, and the load generator's. */
export const domainDemands = (
  sites: ReadonlyMap<string, Site>,
  cpuSecondsOf: (station: string) => number,
  generatorSeconds: number,
): ReadonlyMap<Domain, DomainDemand> => {
  const demands = new Map<Domain, { loops: number; parallel: number }>()
  const at = (domain: Domain): { loops: number; parallel: number } => {
    const known = demands.get(domain) ?? { loops: 0, parallel: 0 }
    demands.set(domain, known)
    return known
  }
  let generator: Domain | undefined
  for (const [id, { domains, station, loopsEach }] of sites) {
    const each = cpuSecondsOf(id) / Math.max(1, station.instances.length)
    for (const [domain, instances] of domains) {
      at(domain)[loopsEach === undefined ? 'parallel' : 'loops'] += each * instances
      if (domain.members.includes('generator')) generator = domain
    }
  }
  if (generator !== undefined) at(generator).loops += generatorSeconds
  return demands
}

/** Event loops on a set of cores. */
export const loopsOn = (domain: Domain, placement: Placement): number =>
  domain.members.reduce((sum, id) => sum + (placement.instances[id]?.eventLoops ?? (id === 'generator' ? 1 : 0)), 0)

/** What a burst of CPU meets: the queue of its event loop, and cores that others use, too. */
import { visitCpu } from '../../../catalog/demand.js'
import { mg1WaitVariance } from '../mg.js'
import { sideBySide } from '../spread.js'
import type { Level, Member } from './levels.js'
import { coresAt, domainDemands, type Site, sitesOf } from './places.js'
import type { QueueingContext } from './queueing.js'
import { type Delay, noDelay } from './timing.js'
import { type StationDemand, stationDemands } from './usage.js'

/** At one throughput of the mix. */
export class Contention {
  readonly demands: ReadonlyMap<string, StationDemand>
  readonly sites: ReadonlyMap<string, Site>
  /** CPU-seconds per request of the mix on each set of cores. */
  readonly domainDemands: ReturnType<typeof domainDemands>
  private readonly delays = new Map<string, Delay>()

  constructor(
    private readonly context: QueueingContext,
    private readonly throughput: number,
  ) {
    const { topology, placement, usage, spread } = context
    this.demands = stationDemands(usage, throughput)
    this.sites = sitesOf(topology, placement, usage.stations, spread)
    this.domainDemands = domainDemands(
      this.sites,
      (id) => this.demands.get(id)?.cpuSeconds ?? 0,
      placement.instances.generator === undefined ? 0 : visitCpu(topology, 'generator', throughput).cpuSeconds,
    )
  }

  /** Do event loops run on the cores of a station whose work runs in parallel? */
  sharesWithLoops(site: Site): boolean {
    const { placement } = this.context
    return [...site.domains.keys()].some(({ members }) =>
      members.some((id) => id === 'generator' || placement.instances[id]?.eventLoops !== undefined),
    )
  }

  /** Load and size of one of the sets of cores that a station is on, of all together where they count as one. */
  private coresOf(site: Site): { readonly cores: number; readonly load: number; readonly copies: number } {
    let demand = 0
    for (const domain of site.domains.keys()) demand += this.domainDemands.get(domain) ?? 0
    const copies = site.dispatch === 'shared' ? 1 : Math.max(1, site.domains.size)
    return { cores: coresAt(site) / copies, load: this.throughput * demand, copies }
  }

  /** What sharing the cores makes of a second of CPU, beside what a part of a core makes of it anyway. */
  private sharing(site: Site): { readonly idle: number; readonly factor: number } {
    const { cores, load, copies } = this.coresOf(site)
    const idle = 1 / Math.min(1, cores)
    const { waitSeconds } = sideBySide({
      arrivalRatePerSecond: load,
      serviceSeconds: 1,
      servers: cores,
      copies,
      dispatch: site.dispatch,
      scv: 1,
    })
    return { idle, factor: idle + waitSeconds }
  }

  /**
   * Event loops have their own queue for their own work, so that of the stretch by sharing cores only the others' part counts, and none when
   * each loop has its core.
   */
  disturbance(site: Site): number {
    if (site.undisturbed) return 1
    const { load } = this.coresOf(site)
    const own = this.throughput * (this.demands.get(site.station.id)?.cpuSeconds ?? 0)
    const others = load > 0 ? Math.max(0, load - own) / load : 0
    if (others < 1e-9) return 1
    const { idle, factor } = this.sharing(site)
    return 1 + others * (factor / idle - 1)
  }

  /** Under open traffic. */
  delayAt(id: string): Delay {
    let known = this.delays.get(id)
    if (known === undefined) {
      known = this.openDelay(id)
      this.delays.set(id, known)
    }
    return known
  }

  private openDelay(id: string): Delay {
    const site = this.sites.get(id)
    const demand = this.demands.get(id)
    if (site === undefined || demand === undefined || demand.bursts === 0) return noDelay
    const { station } = site
    if (!Number.isFinite(station.servers)) return noDelay
    if (site.loopsEach === undefined) return this.parallelDelay(site, demand)
    const copies = site.dispatch === 'shared' ? 1 : site.endpoints
    const servers = station.servers / copies
    const stretch = this.disturbance(site) / Math.min(1, servers)
    const { component } = station
    // A task that has its slot has its server, too: it waits in the queue of the broker instead.
    if (component.role === 'service' && component.consumes !== undefined)
      if (component.slots * component.replicas <= station.servers) return { ...noDelay, stretch }
    const serviceSeconds = (demand.cpuSeconds / demand.bursts) * this.disturbance(site)
    const rate = this.throughput * demand.bursts
    const { waitSeconds, waitProbability } = sideBySide({
      arrivalRatePerSecond: rate,
      serviceSeconds,
      servers,
      copies,
      dispatch: site.dispatch,
      scv: demand.scv,
    })
    const single = servers === 1 && (copies === 1 || site.dispatch === 'random')
    return {
      waitSeconds,
      waitVariance: single
        ? mg1WaitVariance(rate / copies, serviceSeconds, demand.scv)
        : exponentialVariance(waitSeconds, waitProbability),
      stretch,
    }
  }

  private parallelDelay(site: Site, demand: StationDemand): Delay {
    const { factor } = this.sharing(site)
    // A quota among neighbours without one bounds what the component gets, if not what it slows down.
    const own = this.throughput * demand.cpuSeconds
    const { servers } = site.station
    return { waitSeconds: 0, waitVariance: 0, stretch: own >= servers && own > 0 ? Number.POSITIVE_INFINITY : factor }
  }

  /** Of closed traffic, from the residence time per request that was found for a station of the network. */
  closedDelay(id: string, member: Member, level: Level, residenceSeconds: number): Delay {
    const site = this.sites.get(id)
    if (site?.loopsEach === undefined)
      return { waitSeconds: 0, waitVariance: 0, stretch: residenceSeconds / member.demandSeconds }
    const stretch = this.disturbance(site) / Math.min(1, member.closed.servers)
    const waitSeconds = Math.max(0, residenceSeconds - member.demandSeconds * stretch) / (level.bursts.get(id) ?? 1)
    return { waitSeconds, waitVariance: waitSeconds ** 2, stretch }
  }
}

/** A wait that is exponential if there is one: E[W²] = 2·E[W]²/P(wait). */
export const exponentialVariance = (waitSeconds: number, waitProbability: number): number =>
  waitSeconds === 0 ? 0 : waitSeconds ** 2 * (2 / Math.min(1, Math.max(1e-12, waitProbability)) - 1)

/** What a burst of CPU meets: the queue of its event loop, and cores that others use, too. */
import { mg1WaitVariance } from '../mg.js'
import { type MixedAnswer, type MixedCores, mixedCores } from '../mixed-cores.js'
import { leastConnectionsShare, sideBySide } from '../spread.js'
import type { Level, Member } from './levels.js'
import { coresAt, domainDemands, loopsOn, type Site } from './places.js'
import type { QueueingContext } from './queueing.js'
import { alone, type Delay, noDelay, timeOf } from './timing.js'
import { type StationDemand, stationDemands } from './usage.js'

/** At one throughput of the mix. */
export class Contention {
  readonly demands: ReadonlyMap<string, StationDemand>
  readonly sites: ReadonlyMap<string, Site>
  /** CPU-seconds per request of the mix on each set of cores. */
  readonly domainDemands: ReturnType<typeof domainDemands>
  private readonly delays = new Map<string, Delay>()
  private readonly mixtures = new Map<Site, MixedAnswer>()

  constructor(
    private readonly context: QueueingContext,
    private readonly throughput: number,
  ) {
    const { placement, usage, siteOf } = context
    this.demands = stationDemands(usage, throughput)
    this.sites = new Map([...usage.stations].map(([id, station]) => [id, siteOf(station)]))
    this.domainDemands = domainDemands(
      this.sites,
      (id) => this.demands.get(id)?.cpuSeconds ?? 0,
      placement.instances.generator === undefined ? 0 : usage.generatorSeconds(throughput),
    )
  }

  /** Do event loops run on the cores of a station whose work runs in parallel? */
  sharesWithLoops(site: Site): boolean {
    const { placement } = this.context
    return [...site.domains.keys()].some(({ members }) =>
      members.some((id) => id === 'generator' || placement.instances[id]?.eventLoops !== undefined),
    )
  }

  /** Loads and size of one of the sets of cores that a station is on, of all together where they count as one. */
  private coresOf(site: Site): MixedCores & { readonly copies: number } {
    let loopLoad = 0
    let parallelLoad = 0
    let loops = 0
    for (const domain of site.domains.keys()) {
      const demand = this.domainDemands.get(domain)
      loopLoad += this.throughput * (demand?.loops ?? 0)
      parallelLoad += this.throughput * (demand?.parallel ?? 0)
      loops += loopsOn(domain, this.context.placement)
    }
    const sets = Math.max(1, site.domains.size)
    const copies = site.dispatch === 'shared' ? 1 : sets
    return {
      cores: coresAt(site) / copies,
      loops: Math.round(loops / copies),
      loopLoad: loopLoad / copies,
      parallelLoad: parallelLoad / copies,
      copies,
    }
  }

  /** How long a second of CPU takes where all work on the cores is parallel, and who sends it there matters. */
  private sharing(site: Site): number {
    const { cores, loopLoad, parallelLoad, copies } = this.coresOf(site)
    const { waitSeconds } = sideBySide({
      arrivalRatePerSecond: (loopLoad + parallelLoad) * copies,
      serviceSeconds: 1,
      servers: cores,
      copies,
      dispatch: site.dispatch,
      scv: 1,
      elsewhere: this.elsewhereOfEach(site, copies),
    })
    return 1 / Math.min(1, cores) + waitSeconds
  }

  private mixed(site: Site): MixedAnswer {
    let known = this.mixtures.get(site)
    if (known === undefined) {
      known = mixedCores(this.coresOf(site))
      this.mixtures.set(site, known)
    }
    return known
  }

  /** By how much an event loop's burst is stretched once it runs. */
  stretchOfLoops(site: Site): number {
    return site.undisturbed ? 1 : this.mixed(site).loopStretch
  }

  /** Calls in hand at a service that wait for something else than its own CPU, all instances together. */
  private elsewhere(site: Site): number {
    const { component } = site.station
    const price = alone((node) => this.context.usage.price(node, this.throughput))
    const held = this.context.usage.holders.reduce(
      (sum, { node, count }) =>
        node.kind === 'serve' && node.component === component.id ? sum + count * timeOf(node.body, price) : sum,
      0,
    )
    const own = this.demands.get(site.station.id)?.cpuSeconds ?? 0
    return this.throughput * Math.max(0, held - own)
  }

  /** Of each copy; only least connections ask for it. */
  private elsewhereOfEach(site: Site, copies: number): number {
    return site.dispatch === 'least' ? this.elsewhere(site) / copies : 0
  }

  /** Of a station behind least connections: 0 as one queue, 1 as random. */
  leastShare(site: Site): number {
    const copies = site.loopsEach === undefined ? site.domains.size : site.endpoints
    const { cores, loopLoad, parallelLoad } = this.coresOf(site)
    const own = this.throughput * (this.demands.get(site.station.id)?.cpuSeconds ?? 0)
    const utilization =
      site.loopsEach === undefined
        ? (loopLoad + parallelLoad) / cores
        : (own * this.stretchOfLoops(site)) / (site.loopsEach * site.endpoints)
    return leastConnectionsShare(Math.min(1, utilization), copies, this.elsewhereOfEach(site, copies))
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
    const servers = site.loopsEach
    const stretch = this.stretchOfLoops(site)
    if (!Number.isFinite(stretch)) return endless
    const { component } = station
    // A task that has its slot has its server, too: it waits in the queue of the broker instead.
    if (component.role === 'service' && component.consumes !== undefined)
      if (component.slots * component.replicas <= station.servers) return { ...noDelay, stretch }
    const serviceSeconds = (demand.cpuSeconds / demand.bursts) * stretch
    const rate = this.throughput * demand.bursts
    const { waitSeconds, waitProbability } = sideBySide({
      arrivalRatePerSecond: rate,
      serviceSeconds,
      servers,
      copies,
      dispatch: site.dispatch,
      scv: demand.scv,
      elsewhere: this.elsewhereOfEach(site, copies),
    })
    // Loops that compete for cores cannot be faster than parallel work on them would be.
    const least = site.undisturbed ? 0 : (demand.cpuSeconds / demand.bursts) * (this.sharing(site) - stretch)
    const single = servers === 1 && (copies === 1 || site.dispatch === 'random')
    return {
      waitSeconds: Math.max(waitSeconds, least),
      waitVariance: single
        ? mg1WaitVariance(rate / copies, serviceSeconds, demand.scv)
        : exponentialVariance(waitSeconds, waitProbability),
      stretch,
    }
  }

  private parallelDelay(site: Site, demand: StationDemand): Delay {
    const stretch = this.coresOf(site).loopLoad > 0 ? this.mixed(site).parallelStretch : this.sharing(site)
    // A quota among neighbours without one bounds what the component gets, if not what it slows down.
    const own = this.throughput * demand.cpuSeconds
    const { servers } = site.station
    return { waitSeconds: 0, waitVariance: 0, stretch: own >= servers && own > 0 ? Number.POSITIVE_INFINITY : stretch }
  }

  /** Of closed traffic, from the residence time per request that was found for a station of the network. */
  closedDelay(id: string, member: Member, level: Level, residenceSeconds: number): Delay {
    const site = this.sites.get(id)
    if (site?.loopsEach === undefined)
      return { waitSeconds: 0, waitVariance: 0, stretch: residenceSeconds / member.demandSeconds }
    const stretch = this.stretchOfLoops(site)
    const waitSeconds = Math.max(0, residenceSeconds - member.demandSeconds * stretch) / (level.bursts.get(id) ?? 1)
    return { waitSeconds, waitVariance: waitSeconds ** 2, stretch }
  }
}

const endless: Delay = {
  waitSeconds: Number.POSITIVE_INFINITY,
  waitVariance: Number.POSITIVE_INFINITY,
  stretch: Number.POSITIVE_INFINITY,
}

/** A wait that is exponential if there is one: E[W²] = 2·E[W]²/P(wait). */
export const exponentialVariance = (waitSeconds: number, waitProbability: number): number =>
  waitSeconds === 0 ? 0 : waitSeconds ** 2 * (2 / Math.min(1, Math.max(1e-12, waitProbability)) - 1)

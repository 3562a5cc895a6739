/** What the run looks like from outside: per second, and over the measured time. */
import { usableCores } from '../../result/capacity.js'
import type { ComponentSecond } from '../../result/run-event.js'
import type { ComponentResult, RunResult } from '../../result/run-result.js'
import { ContentionMeter } from './contention-meter.js'
import type { Endpoint } from './endpoint.js'
import type { Lifecycle } from './lifecycle.js'
import type { Machines } from './machines.js'
import { queueResults, queueSeconds } from './messaging/results.js'
import type { QueueTotals } from './messaging/totals.js'
import type { Member, System } from './system.js'

/** Cumulative counters of one component. */
interface Totals {
  readonly at: number
  readonly cpuSeconds: number
  readonly visits: number
  readonly hits: number
  readonly misses: number
  /** ∫ calls in hand dt. */
  readonly callSeconds: number
  readonly pools: Readonly<Record<string, { inUse: number; waiting: number; timeouts: number }>>
  readonly instances: ReadonlyMap<string, { cpuSeconds: number; visits: number }>
  /** Of brokers. */
  readonly queues: Readonly<Record<string, QueueTotals>> | undefined
  /** Core-seconds that it might have used; undefined: as many at any time. */
  readonly coreSeconds: number | undefined
}

/** Beyond, nobody reads how exact the utilization of each of them is. */
const mostHosts = 1000

/** By path. */
type Quotients = Readonly<Record<string, readonly [over: number, under: number]>>

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/** Rounding must not make a saturated processor seem busier than it can be. */
const utilization = (used: number, capacity: number): number => Math.min(1, ratio(used, capacity))

export class Meters {
  private readonly capacities = new Map<string, number>()
  private marks = new Map<string, Totals>()
  private hostMarks = new Map<string, number>()
  private seconds = new Map<string, Totals>()
  private hostSeconds = new Map<string, number>()
  private generatorSecond = 0
  private generatorMark = 0
  private markedAt = 0
  private secondAt = 0
  private readonly contention: ContentionMeter

  constructor(
    private readonly system: System,
    private readonly machines: Machines,
    private readonly generator: Endpoint,
    private readonly lifecycle: Lifecycle,
    /** Told of even if nothing runs there; others (of instances that might be added) only once something has. */
    private readonly declaredHosts: ReadonlySet<string>,
  ) {
    for (const [id, member] of system.members)
      this.capacities.set(
        id,
        usableCores(system.placement, [...new Set(member.endpoints.map(({ instance }) => instance))]),
      )
    this.contention = new ContentionMeter(system.state)
    this.mark()
    this.seconds = this.marks
    this.hostSeconds = this.hostMarks
  }

  /** The measured time begins. */
  mark(): void {
    this.markedAt = this.system.kernel.now
    this.marks = this.totals()
    this.hostMarks = this.hostTotals()
    this.generatorMark = this.generatorSeconds()
    for (const { total } of this.system.members.values()) total.resetMax()
    this.system.messaging?.resetPeaks()
    this.contention.mark()
    this.system.kernel.meters.reset()
    this.system.kernel.edges.reset()
  }

  /** What happened since the last call. */
  interval(): {
    readonly components: Readonly<Record<string, ComponentSecond>>
    readonly hosts: Readonly<Record<string, { readonly cpu: number }>>
    readonly generatorCpu: number
  } {
    const { now } = this.system.kernel
    const elapsed = now - this.secondAt
    const totals = this.totals()
    const hostTotals = this.hostTotals()
    const components: Record<string, ComponentSecond> = {}
    for (const [id, member] of this.system.members)
      components[id] = this.componentSecond(member, this.seconds.get(id) as Totals, totals.get(id) as Totals, elapsed)
    const hosts: Record<string, { cpu: number }> = {}
    for (const [id, used] of hostTotals) {
      const cpu = this.machines.hosts.get(id)?.cpu ?? 0
      hosts[id] = { cpu: utilization(used - (this.hostSeconds.get(id) ?? 0), cpu * elapsed) }
    }
    const generatorUsed = this.generatorSeconds()
    const generatorCpu = ratio(generatorUsed - this.generatorSecond, elapsed)
    this.generatorSecond = generatorUsed
    this.seconds = totals
    this.hostSeconds = hostTotals
    this.secondAt = now
    return { components, hosts, generatorCpu }
  }

  /**
   * What the estimates are quotients of, since the run began, by id and path: both parts only grow, so that the estimate of any
   * span of time is the quotient of the differences.
   */
  cumulative(): Readonly<Record<'components' | 'hosts', Readonly<Record<string, Quotients>>>> {
    const { now } = this.system.kernel
    const components = [...this.totals(false)].map(([id, totals]): [string, Quotients] => [
      id,
      {
        'utilization.cpu': [totals.cpuSeconds, totals.coreSeconds ?? (this.capacities.get(id) ?? 0) * now],
        'queue.mean': [totals.callSeconds, now],
        throughputPerSecond: [totals.visits, now],
        hitRatio: [totals.hits, totals.hits + totals.misses],
        ...Object.fromEntries(
          Object.entries(totals.pools).flatMap(([pool, { inUse, waiting }]) => [
            [`pools.${pool}.inUse`, [inUse, now]],
            [`pools.${pool}.waiting`, [waiting, now]],
          ]),
        ),
        ...Object.fromEntries(
          Object.entries(totals.queues ?? {}).map(([queue, { lengthSeconds }]) => [
            `queues.${queue}.length.mean`,
            [lengthSeconds, now],
          ]),
        ),
      },
    ])
    const hosts = (this.machines.hosts.size > mostHosts ? [] : [...this.hostTotals()]).map(
      ([id, used]): [string, Quotients] => [
        id,
        { 'utilization.cpu': [used, (this.machines.hosts.get(id)?.cpu ?? 0) * now] },
      ],
    )
    return { components: Object.fromEntries(components), hosts: Object.fromEntries(hosts) }
  }

  /** Visits by component since the run began. */
  visits(): ReadonlyMap<string, number> {
    return new Map(
      [...this.system.members].map(([id, { endpoints }]) => [
        id,
        endpoints.reduce((sum, { visits }) => sum + visits, 0),
      ]),
    )
  }

  /** Of the measured time, which ends now. */
  result(): Pick<RunResult, 'components' | 'hosts' | 'edges' | 'steps' | 'generator'> {
    const { now } = this.system.kernel
    const elapsed = now - this.markedAt
    const totals = this.totals()
    const components: Record<string, ComponentResult> = {}
    // Of what only watches nothing is simulated, and so nothing claimed.
    for (const [id, member] of this.system.members)
      if (member.component.role !== 'monitor')
        components[id] = this.componentResult(member, this.marks.get(id) as Totals, totals.get(id) as Totals, elapsed)
    const hosts: Record<string, { utilization: { cpu: number } }> = {}
    for (const [id, used] of this.hostTotals()) {
      const cpu = this.machines.hosts.get(id)?.cpu ?? 0
      hosts[id] = { utilization: { cpu: utilization(used - (this.hostMarks.get(id) ?? 0), cpu * elapsed) } }
    }
    const edges = this.system.kernel.edges.result()
    const steps = this.system.kernel.meters.result()
    const cpuSeconds = this.generatorSeconds() - this.generatorMark
    const cpu = ratio(cpuSeconds, elapsed)
    return {
      components,
      hosts,
      edges,
      steps,
      generator: {
        lag: { p50: 0, p99: 0, max: 0 },
        unsent: 0,
        cpu,
        cpuSeconds,
        busy: utilization(cpu, this.generator.processor?.loops ?? 1),
      },
    }
  }

  private componentSecond(member: Member, from: Totals, to: Totals, elapsed: number): ComponentSecond {
    const { component, endpoints } = member
    const pools = Object.fromEntries(
      Object.entries(to.pools).map(([id, pool]) => [
        id,
        {
          inUse: ratio(pool.inUse - (from.pools[id]?.inUse ?? 0), elapsed),
          waiting: ratio(pool.waiting - (from.pools[id]?.waiting ?? 0), elapsed),
          timeouts: pool.timeouts - (from.pools[id]?.timeouts ?? 0),
        },
      ]),
    )
    const lookups = to.hits + to.misses - from.hits - from.misses
    return {
      cpu: utilization(to.cpuSeconds - from.cpuSeconds, this.coreSeconds(component.id, from, to, elapsed)),
      queue: ratio(to.callSeconds - from.callSeconds, elapsed),
      ready: readyInstances(endpoints),
      ...(Object.keys(pools).length === 0 ? {} : { pools }),
      ...(to.queues === undefined ? {} : { queues: queueSeconds(from.queues, to.queues, elapsed) }),
      ...(lookups === 0 ? {} : { hitRatio: (to.hits - from.hits) / lookups }),
    }
  }

  private componentResult(member: Member, from: Totals, to: Totals, elapsed: number): ComponentResult {
    const { component } = member
    const cpuSeconds = to.cpuSeconds - from.cpuSeconds
    const lookups = to.hits + to.misses - from.hits - from.misses
    return {
      replicas: new Set(member.active.map((endpoint) => endpoint.instance)).size,
      utilization: { cpu: utilization(cpuSeconds, this.coreSeconds(component.id, from, to, elapsed)), memory: null },
      cpuSeconds,
      memoryBytes: null,
      queue: {
        mean: ratio(to.callSeconds - from.callSeconds, elapsed),
        max: member.total.max,
      },
      pools: Object.fromEntries(
        Object.entries(to.pools).map(([id, pool]) => [
          id,
          {
            inUse: ratio(pool.inUse - (from.pools[id]?.inUse ?? 0), elapsed),
            waiting: ratio(pool.waiting - (from.pools[id]?.waiting ?? 0), elapsed),
            timeouts: pool.timeouts - (from.pools[id]?.timeouts ?? 0),
          },
        ]),
      ),
      ...(to.queues === undefined ? {} : { queues: queueResults(from.queues, to.queues, elapsed) }),
      ...this.contention.of(component.id),
      hitRatio: lookups === 0 ? null : (to.hits - from.hits) / lookups,
      throughputPerSecond: ratio(to.visits - from.visits, elapsed),
      instances: [...to.instances].flatMap(([id, instance]) =>
        this.lifecycle.hasBeen(id)
          ? [
              {
                id,
                cpuSeconds: instance.cpuSeconds - (from.instances.get(id)?.cpuSeconds ?? 0),
                visits: instance.visits - (from.instances.get(id)?.visits ?? 0),
                restarts: this.lifecycle.restarts(id),
              },
            ]
          : [],
      ),
    }
  }

  private coreSeconds(component: string, from: Totals, to: Totals, elapsed: number): number {
    if (to.coreSeconds === undefined) return (this.capacities.get(component) ?? 0) * elapsed
    return to.coreSeconds - (from.coreSeconds ?? 0)
  }

  private totals(instances = true): Map<string, Totals> {
    const { now } = this.system.kernel
    const partial = this.partialSeconds()
    const { messaging } = this.system
    return new Map(
      [...this.system.members].map(([id, member]) => [
        id,
        totalsOf(member, now, partial, instances, messaging?.totals(id)),
      ]),
    )
  }

  private generatorSeconds(): number {
    const { processor } = this.generator
    if (processor === undefined) return 0
    return processor.usedSeconds(this.partialSeconds())
  }

  /** CPU that running bursts have had so far, by processor. */
  private partialSeconds(): Float64Array {
    const partial = new Float64Array(this.system.kernel.processors.processors.length)
    for (const { cores } of this.machines.hosts.values()) for (const each of cores) each.addPartial(partial)
    return partial
  }

  private hostTotals(): Map<string, number> {
    const totals = new Map<string, number>()
    for (const [id, { cores }] of this.machines.hosts) {
      const used = cores.reduce((sum, each) => sum + each.busySeconds(), 0)
      if (used > 0 || this.declaredHosts.has(id)) totals.set(id, used)
    }
    return totals
  }
}

const readyInstances = (endpoints: readonly Endpoint[]): number => {
  const ready = new Set<string>()
  for (const endpoint of endpoints) if (endpoint.state === 'up' && !endpoint.paused) ready.add(endpoint.instance)
  return ready.size
}

const totalsOf = (
  member: Member,
  now: number,
  partial: Float64Array,
  withInstances: boolean,
  queues: Totals['queues'],
): Totals => {
  const instances = new Map<string, { cpuSeconds: number; visits: number }>()
  const pools: Record<string, { inUse: number; waiting: number; timeouts: number }> = {}
  const names = member.component.role === 'service' ? Object.keys(member.component.pools) : []
  let cpuSeconds = 0
  let visits = 0
  for (const endpoint of member.endpoints) {
    const used = endpoint.processor?.usedSeconds(partial) ?? 0
    cpuSeconds += used
    visits += endpoint.visits
    if (withInstances) {
      const instance = instances.get(endpoint.instance) ?? { cpuSeconds: 0, visits: 0 }
      instance.cpuSeconds += used
      instance.visits += endpoint.visits
      instances.set(endpoint.instance, instance)
    }
    for (const [i, name] of names.entries()) {
      const pool = endpoint.pools[i]
      if (pool === undefined) continue
      pools[name] ??= { inUse: 0, waiting: 0, timeouts: 0 }
      pools[name].inUse += pool.inUseGauge.integral()
      pools[name].waiting += pool.waitingGauge.integral()
      pools[name].timeouts += pool.timeouts
    }
  }
  return {
    at: now,
    cpuSeconds,
    visits,
    ...member.lookups,
    callSeconds: member.total.integral(),
    pools,
    instances,
    queues,
    coreSeconds: member.cores?.integral(),
  }
}

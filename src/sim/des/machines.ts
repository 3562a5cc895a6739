/**
 * The cores that each instance runs on. Instances that are pinned to cores share them with all whose pins overlap, directly
 * or through others; an instance without a pin may use every core of its machine. A quota is a share of cores that its
 * instance has for itself where all on the machine have one: exact when the quotas add up to no more than its cores; when they add up
 * to more, each is cut in proportion. Among neighbours without one a quota throttles (`throttle.ts`).
 */
import { groupBy } from '../../lib/group.js'
import type { Placement } from '../../result/placement.js'
import { Cores, type CpuMeter } from './cores.js'
import type { Kernel } from './kernel.js'
import { LoopProcessor } from './loop-processor.js'
import type { Priorities } from './priorities.js'
import { PriorityProcessor } from './priority-processor.js'
import { type Processor, SharedProcessor } from './processor.js'
import { linuxSliceSeconds, SlicedCores, SlicedProcessor } from './sliced-cores.js'
import type { Quota } from './throttle.js'

/** A set of cores, by machine. */
interface Domain {
  readonly host: string
  readonly pins: Set<number> | undefined
  readonly members: string[]
}

/** Bursts of CPU by the priority of their requests. */
export interface Turns {
  readonly priorities: Priorities
  readonly preemptive: boolean
}

export interface Machines {
  /** A processor for one process of the instance (or `generator`); undefined: it is not placed. */
  processorOf(instance: string, loops: number, turns?: Turns): Processor | undefined
  /** What the instance runs on; undefined: it is not placed. */
  coresOf(instance: string): Cores | OwnCores | undefined
  /** Quotas among neighbours without one. */
  readonly quotas: ReadonlyMap<string, Quota>
  /** All cores of a machine. */
  readonly hosts: ReadonlyMap<string, { readonly cpu: number; readonly cores: readonly CpuMeter[] }>
  /** Of the instances of a component only these are there: where quotas are too many, they are cut for those alone. */
  rebalance(component: string, present: ReadonlySet<string>): void
}

const overlaps = (a: Set<number>, b: Set<number>): boolean => [...a].some((core) => b.has(core))

type Placed = readonly [id: string, instance: Placement['instances'][string]]

/** Merges the pins of one machine into sets that share nothing. */
const domainsOf = (host: string, here: readonly Placed[]): readonly Domain[] => {
  const everywhere: Domain = { host, pins: undefined, members: [] }
  let pinned: Domain[] = []
  for (const [id, { pin }] of here) {
    if (pin === undefined || pin.length === 0) {
      everywhere.members.push(id)
      continue
    }
    const pins = new Set(pin)
    const touching = pinned.filter((domain) => domain.pins !== undefined && overlaps(domain.pins, pins))
    const merged: Domain = {
      host,
      pins: new Set([...pins, ...touching.flatMap((domain) => [...(domain.pins ?? [])])]),
      members: [...touching.flatMap((domain) => domain.members), id],
    }
    pinned = [...pinned.filter((domain) => !touching.includes(domain)), merged]
  }
  // Who may run anywhere shares with everyone.
  if (everywhere.members.length === 0) return pinned
  return [{ host, pins: undefined, members: [...everywhere.members, ...pinned.flatMap((domain) => domain.members)] }]
}

/** Cores that nobody needs to share: there are as many as event loops run on them. */
class OwnCores implements CpuMeter {
  readonly processors: LoopProcessor[] = []
  readonly stations: Cores[] = []

  busySeconds(): number {
    const ofLoops = this.processors.reduce((sum, processor) => sum + processor.usedSeconds(), 0)
    return this.stations.reduce((sum, station) => sum + station.busySeconds(), ofLoops)
  }

  /** A loop knows for itself what it has done so far. */
  addPartial(usedSeconds: Float64Array): void {
    for (const station of this.stations) station.addPartial(usedSeconds)
  }
}

const componentOf = (instance: string): string => instance.slice(0, instance.lastIndexOf('/'))

/** Quotas that are more than their machine has, cut in proportion for those that are there. */
class Ration {
  private readonly absent = new Set<string>()
  private readonly shares = new Map<string, { cores: Cores; members: readonly string[]; size: number }>()

  constructor(private readonly placement: Placement) {}

  add(id: string, cores: Cores, members: readonly string[], size: number): void {
    this.shares.set(id, { cores, members, size })
  }

  rebalance(component: string, present: ReadonlySet<string>): void {
    const concerned = new Set<readonly string[]>()
    for (const [id, { members }] of this.shares) {
      if (componentOf(id) !== component) continue
      if (present.has(id)) this.absent.delete(id)
      else this.absent.add(id)
      concerned.add(members)
    }
    for (const members of concerned) this.divide(members.filter((id) => !this.absent.has(id)))
  }

  private divide(there: readonly string[]): void {
    const quotaOf = (id: string): number => this.placement.instances[id]?.quota ?? 0
    const sum = there.reduce((total, id) => total + quotaOf(id), 0)
    for (const id of there) {
      const { cores, size } = this.shares.get(id) ?? {}
      if (size !== undefined) cores?.resize(quotaOf(id) * Math.min(1, size / sum))
    }
  }
}

export interface MachineOptions {
  /** Cores may become fewer during the run (a fault takes some): even loops that fit must then share them. */
  readonly changing: boolean
  /** Components whose instances come and go. */
  readonly scaled: ReadonlySet<string>
  /** Who runs keeps a core that others want for a slice; else cores are shared without. */
  readonly slices: boolean
  /** Share of all cores that others use the whole time. */
  readonly background: number
}

export const buildMachines = (
  kernel: Kernel,
  placement: Placement,
  { changing, scaled, slices, background }: MachineOptions,
): Machines => {
  const { queue, bursts, processors } = kernel
  const byInstance = new Map<string, Cores | OwnCores>()
  const hosts = new Map<string, { cpu: number; cores: CpuMeter[] }>()
  /** The cores for these instances. */
  const coresFor = (size: number, members: readonly string[], machineCores: number): Cores | OwnCores => {
    const loops = members.map((id) => placement.instances[id]?.eventLoops ?? (id === 'generator' ? 1 : 0))
    const fits = loops.every((count) => count > 0) && loops.reduce((sum, count) => sum + count, 0) <= size
    const shared = (): Cores =>
      slices && Number.isInteger(size)
        ? new SlicedCores(queue, bursts, processors.processors, size, linuxSliceSeconds(machineCores))
        : new Cores(queue, bursts, processors.processors, size)
    const cores = fits && !changing && background === 0 ? new OwnCores() : shared()
    if (background > 0 && cores instanceof Cores) cores.steal(background)
    for (const id of members) byInstance.set(id, cores)
    return cores
  }
  const ration = new Ration(placement)
  const throttled = new Map<string, Quota & { readonly processors: Processor[] }>()
  const placed = groupBy(Object.entries(placement.instances), ([, { host }]) => host)
  for (const [host, { cpu }] of Object.entries(placement.hosts)) {
    const all: CpuMeter[] = []
    for (const { pins, members } of domainsOf(host, placed.get(host) ?? [])) {
      const size = pins === undefined ? cpu : Math.min(cpu, pins.size)
      const quotas = members.map((id) => placement.instances[id]?.quota)
      const sum = quotas.reduce<number>((total, quota) => total + (quota ?? 0), 0)
      const limited = quotas.every((quota) => quota !== undefined && quota < size)
      if (!limited) {
        const cores = coresFor(size, members, cpu)
        all.push(cores)
        for (const id of members) {
          const { quota, eventLoops } = placement.instances[id] ?? {}
          if (quota !== undefined && quota < Math.min(size, eventLoops ?? size))
            throttled.set(id, { quota, cores: cores instanceof Cores ? cores : undefined, processors: [] })
        }
        continue
      }
      if (sum > size && members.some((id) => scaled.has(componentOf(id)))) {
        for (const id of members) {
          const cores = new Cores(queue, bursts, processors.processors, size)
          byInstance.set(id, cores)
          all.push(cores)
          ration.add(id, cores, members, size)
        }
        continue
      }
      const cut = Math.min(1, size / sum)
      for (const [i, id] of members.entries()) all.push(coresFor((quotas[i] ?? size) * cut, [id], cpu))
    }
    hosts.set(host, { cpu, cores: all })
  }
  const newProcessor = (instance: string, loops: number, turns?: Turns): Processor | undefined => {
    const cores = byInstance.get(instance)
    if (cores === undefined) return undefined
    // What runs in parallel has no line for CPU: there, priorities act only where they interrupt.
    if (turns !== undefined && (loops > 0 || turns.preemptive)) {
      const { priorities, preemptive } = turns
      let shared = cores
      if (!(shared instanceof Cores)) {
        const own = new Cores(queue, bursts, processors.processors, loops)
        shared.stations.push(own)
        shared = own
      }
      const servers = loops > 0 ? loops : Math.ceil(shared.cores)
      return new PriorityProcessor(shared, servers, processors, priorities, preemptive)
    }
    if (cores instanceof SlicedCores) return new SlicedProcessor(cores, loops, processors)
    if (cores instanceof Cores) return new SharedProcessor(cores, loops, processors)
    if (loops > 1) {
      // Loops that take from one queue are the servers of one station: as many cores, theirs alone.
      const own = new Cores(queue, bursts, processors.processors, loops)
      cores.stations.push(own)
      return new SharedProcessor(own, loops, processors)
    }
    const processor = new LoopProcessor(queue, processors)
    cores.processors.push(processor)
    return processor
  }
  const processorOf = (instance: string, loops: number, turns?: Turns): Processor | undefined => {
    const processor = newProcessor(instance, loops, turns)
    if (processor !== undefined) throttled.get(instance)?.processors.push(processor)
    return processor
  }
  return {
    processorOf,
    quotas: throttled,
    coresOf: (instance) => byInstance.get(instance),
    hosts,
    rebalance: (component, present) => ration.rebalance(component, present),
  }
}
